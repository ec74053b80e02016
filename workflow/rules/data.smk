# Images: fetched, checked, prepared, measured.

for requirement in dict.fromkeys(s.requirement for s in SOURCES.values()):

    rule:
        name:
            f"fetch_{requirement.split('==')[0].replace('-', '_')}"
        output:
            [str(stored(n, DOWNLOADS)) for n, s in SOURCES.items() if s.requirement == requirement],
        log:
            f"{CONFIG['cache']}/logs/{requirement}.log",
        params:
            requirement=requirement,
            folder=DOWNLOADS,
        conda:
            "../../environment.yml"
        retries: 1
        shell:
            "{PYTHON} fetch {params.requirement} --out {params.folder} 2>&1 | tee {log}"


def downloads_of(dataset):
    source = find("dataset", CONFIG["datasets"][dataset]["source"])
    return [str(stored(n, DOWNLOADS)) for n in source.attributes.get("downloads", ())]


rule prepare:
    input:
        lambda w: downloads_of(w.dataset),
    output:
        collect("{run}/data/{{dataset}}/{split}.npz", run=RUN, split=["train", "validation", "test"]),
    log:
        f"{RUN}/logs/prepare/{{dataset}}.log",
    params:
        settings=lambda w: digest(CONFIG["datasets"][w.dataset]),
        code=lambda w: fingerprint(find("dataset", CONFIG["datasets"][w.dataset]["source"]).module),
        folder=lambda w, output: os.path.dirname(output[0]),
    conda:
        "../../environment.yml"
    shell:
        "{PYTHON} prepare {wildcards.dataset} --config {SETTINGS} --out {params.folder} 2>&1 | tee {log}"


rule measure:
    input:
        lambda w: test_images(w.problem),
    output:
        f"{RUN}/measurements/{{problem}}.npz",
    log:
        f"{RUN}/logs/measure/{{problem}}.log",
    params:
        settings=lambda w: digest([CONFIG["seed"], CONFIG["problems"][w.problem]]),
        code=lambda w: fingerprint(family(w.problem)),
    conda:
        "../../environment.yml"
    shell:
        "{PYTHON} measure {wildcards.problem} --config {SETTINGS} --images {input} --out {output} 2>&1"
        " | tee {log}"
