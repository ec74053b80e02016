# Reconstructions: one job per problem and row, all test images, resumed at the next batch.


rule reconstruct:
    input:
        measurements=f"{RUN}/measurements/{{problem}}.npz",
        weights=lambda w: weights_for(w.problem, w.row),
        config=ancient(SETTINGS),
    output:
        images=f"{RUN}/reconstructions/{{problem}}/{{row}}.npz",
        record=f"{RUN}/reconstructions/{{problem}}/{{row}}.json",
    log:
        f"{RUN}/logs/reconstruct/{{problem}}/{{row}}.log",
    benchmark:
        f"{RUN}/benchmarks/reconstruct/{{problem}}/{{row}}.tsv"
    conda:
        "../../environment.yml"
    threads: THREADS
    resources:
        gpu=int(ON_GPU),
    params:
        settings=lambda w: settings_of(w.problem, w.row),
        code=lambda w: code_of(CONFIG, w.problem, w.row),
        weights=lambda w, input: f"--weights {input.weights}" if input.weights else "",
    shell:
        "python -m workflow reconstruct {wildcards.problem} {wildcards.row} --config {input.config}"
        " --measurements {input.measurements} {params.weights} --code {params.code}"
        " --out {output.images} 2>&1 | tee {log}"


rule controls:
    input:
        images=lambda w: test_images(w.problem),
        train=lambda w: test_images(w.problem).replace("test.npz", "train.npz"),
        config=ancient(SETTINGS),
    output:
        images=[f"{RUN}/reconstructions/{{problem}}/{name}.npz" for name in CONTROLS],
        records=[f"{RUN}/reconstructions/{{problem}}/{name}.json" for name in CONTROLS],
    log:
        f"{RUN}/logs/reconstruct/{{problem}}/controls.log",
    conda:
        "../../environment.yml"
    params:
        settings=lambda w: digest(operator_of(CONFIG, w.problem)),
        code=lambda w: fingerprint("workflow.run.controls", family(w.problem)),
        folder=f"{RUN}/reconstructions/{{problem}}",
    shell:
        "python -m workflow controls {wildcards.problem} --config {input.config}"
        " --images {input.images} --train {input.train} --out {params.folder} 2>&1 | tee {log}"
