# Parameter searches on validation images. Not part of `all`: what they find is committed under
# workflow/tuned, which every run reads.
from workflow.config.views import searched, searches

SPLIT = CONFIG["tuning"]["split"]
TRIALS = f"{RUN}/{'oracle' if SPLIT == 'test' else 'tuning'}"
SEARCHES = [f"{TRIALS}/{problem}/{row}.csv" for problem, row in searches(CONFIG)]
# A user lays the rows that know the test images over a preset; tuned values are copied to workflow/tuned/.
FOUND = f"{TRIALS}/{'rows.yaml' if SPLIT == 'test' else 'tuned.csv'}"


rule tune_row:
    input:
        lambda w: images_of(w.problem, SPLIT),
        lambda w: measured_of(w.problem, SPLIT),
        lambda w: weights_of(w.problem, w.row),
    output:
        f"{TRIALS}/{{problem}}/{{row}}.csv",
    log:
        f"{RUN}/logs/tuning/{{problem}}/{{row}}.log",
    threads: THREADS
    resources:
        **needs("tune_row"),
    params:
        **values(lambda w: JOBS.tune(w.problem, w.row)),
    shell:
        "python -m workflow tune {params.spec:q} {output:q} {input:q} --threads {threads} &> {log:q}"


rule sensitivity:
    input:
        SEARCHES,
    output:
        f"{TRIALS}/{{parameter}}.png",
    log:
        f"{RUN}/logs/tuning/{{parameter}}.log",
    params:
        **values(lambda w: shown_by.sensitivity(CONFIG, w.parameter)),
    shell:
        "python -m workflow sensitivity {params.spec:q} {output:q} {input:q} &> {log:q}"


rule tuned:
    input:
        SEARCHES,
    output:
        FOUND,
    log:
        f"{RUN}/logs/tuning/tuned.log",
    params:
        **values(lambda w: shown_by.tuned(CONFIG)),
    shell:
        "python -m workflow tuned {params.spec:q} {output:q} {input:q} &> {log:q}"


rule tune:
    input:
        FOUND,
        [f"{TRIALS}/{parameter}.png" for parameter in searched(CONFIG)],
