# Parameter searches on validation images. Not part of `all`: what they find is committed under
# workflow/presets/tuned, which every run reads.


rule tune_row:
    input:
        images=lambda w: test_images(w.problem).replace(
            "test.npz", f"{CONFIG['tuning']['split']}.npz"
        ),
        weights=lambda w: weights_for(w.problem, w.row),
        config=ancient(SETTINGS),
    output:
        f"{RUN}/{TRIALS}/{{problem}}/{{row}}.csv",
    log:
        f"{RUN}/logs/tuning/{{problem}}/{{row}}.log",
    conda:
        "../../environment.yml"
    threads: THREADS
    resources:
        gpu=int(ON_GPU),
    params:
        settings=lambda w: search_of(w.problem, w.row),
        code=lambda w: code_of(CONFIG, w.problem, w.row) + fingerprint("workflow.run.search"),
        weights=lambda w, input: f"--weights {input.weights}" if input.weights else "",
    shell:
        "python -m workflow tune {wildcards.problem} {wildcards.row} --config {input.config}"
        " --images {input.images} {params.weights} --out {output} 2>&1 | tee {log}"


rule sensitivity:
    input:
        trials=[f"{RUN}/{TRIALS}/{problem}/{row}.csv" for problem, row in searches(CONFIG)],
        config=ancient(SETTINGS),
    output:
        f"{RUN}/figures/{TRIALS}/{{parameter}}.png",
    log:
        f"{RUN}/logs/tuning/{{parameter}}.log",
    conda:
        "../../environment.yml"
    params:
        code=fingerprint("workflow.show.plots"),
        folder=lambda w, output: f"{os.path.dirname(output[0])}/../../{TRIALS}",
    shell:
        "python -m workflow sensitivity {wildcards.parameter} --config {input.config} --trials {params.folder}"
        " --out {output} 2>&1 | tee {log}"


rule tuned:
    input:
        trials=[f"{RUN}/{TRIALS}/{problem}/{row}.csv" for problem, row in searches(CONFIG)],
        config=ancient(SETTINGS),
    output:
        f"{RUN}/{TRIALS}/tuned.yaml",
    log:
        f"{RUN}/logs/tuning/tuned.log",
    conda:
        "../../environment.yml"
    params:
        folder=lambda w, output: os.path.dirname(output[0]),
    shell:
        "python -m workflow tuned --config {input.config} --trials {params.folder} --out {output}"
        " 2>&1 | tee {log}"


rule tune:
    input:
        f"{RUN}/{TRIALS}/tuned.yaml",
        collect(
            "{run}/figures/{trials}/{parameter}.png",
            run=RUN,
            trials=TRIALS,
            parameter=searched(CONFIG),
        ),
