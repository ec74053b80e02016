# Images: fetched, checked, prepared, measured.
import atexit

from problems.datasets.reading.files import root_of
from problems.datasets.sources import SOURCES
from workflow.config.views import measured_splits

MISSING = [
    f"missing: the images of {name}, in {path}; name another folder as datasets.{name}.params.path"
    for name, dataset in CONFIG["datasets"].items()
    if (path := root_of(dataset["params"].get("path"))) and not path.exists()
]
if MISSING and workflow.is_main_process:
    atexit.register(print, *MISSING, sep="\n", file=sys.stderr)  # below what a dry run lists


for requirement in dict.fromkeys(s.requirement for s in SOURCES.values()):

    rule:
        name:
            f"fetch_{requirement.split('==')[0].replace('-', '_')}"
        output:
            [str(stored(n, DOWNLOADS)) for n, s in SOURCES.items() if s.requirement == requirement],
        log:
            f"{CONFIG['cache']}/logs/{requirement}.log",
        priority: SOONEST
        retries: 1
        params:
            requirement=requirement,
            folder=lambda w, output: os.path.dirname(output[0]),
        shell:
            "python -m workflow fetch {params.requirement:q} {params.folder:q} &> {log:q}"


rule prepare:
    input:
        lambda w: downloads_of(w.dataset),
    output:
        images=f"{RUN}/data/{{dataset}}/{{split}}{{finer}}.npy",
        about=multiext(f"{RUN}/data/{{dataset}}/{{split}}{{finer}}", ".csv", ".json", ".png"),
    log:
        f"{RUN}/logs/prepare/{{dataset}}/{{split}}{{finer}}.log",
    priority: SOONEST
    resources:
        **needs("prepare"),
    params:
        **values(lambda w: JOBS.prepare(w.dataset, w.split, int(w.finer[2:] or 1))),
    shell:
        "python -m workflow prepare {params.spec:q} {output.images:q} {input:q} &> {log:q}"


rule measure:
    input:
        lambda w: [
            part(w.problem, split)
            for split in measured_splits(CONFIG, w.problem)
            for part in (images_of, measured_of)
        ],
    output:
        f"{RUN}/measurements/{{problem}}.npz",
    log:
        f"{RUN}/logs/measure/{{problem}}.log",
    priority: lambda w: first_problem(w.problem)
    resources:
        **needs("measure"),
    params:
        **values(lambda w: JOBS.measure(w.problem)),
    shell:
        "python -m workflow measure {params.spec:q} {output:q} {input:q} &> {log:q}"
