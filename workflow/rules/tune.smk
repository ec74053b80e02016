# Parameter searches on validation images; not part of `all`, their result is copied to the config.


rule tune_row:
    input:
        images=lambda w: test_images(w.problem).replace("test.npz", "validation.npz"),
        weights=lambda w: weights_for(w.problem, w.row),
        config=ancient(SETTINGS),
    output:
        f"{RUN}/tuning/{{problem}}/{{row}}.csv",
    log:
        f"{RUN}/logs/tuning/{{problem}}/{{row}}.log",
    conda:
        "../../environment.yml"
    threads: THREADS
    resources:
        gpu=int(ON_GPU),
    params:
        settings=lambda w: settings_of(w.problem, w.row, CONFIG["tuning"], CONFIG["rows"][w.row]),
        code=lambda w: code_of(w.problem, w.row),
        weights=lambda w, input: f"--weights {input.weights}" if input.weights else "",
    shell:
        "python -m workflow tune {wildcards.problem} {wildcards.row} --config {input.config}"
        " --images {input.images} {params.weights} --out {output} 2>&1 | tee {log}"


rule tune:
    input:
        [
            f"{RUN}/tuning/{problem}/{row}.csv"
            for problem in CONFIG["tuning"]["problems"]
            for row in rows_run(CONFIG, problem)
            if CONFIG["rows"][row]["search"]
        ],
