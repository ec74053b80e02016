# Reconstructions: one job per problem and row, all test images, resumed at the next batch.


rule reconstruct:
    input:
        measurements=f"{RUN}/measurements/{{problem}}.npz",
        weights=lambda w: weights_of(w.problem, w.row),
    output:
        images=f"{RUN}/reconstructions/{{problem}}/{{row}}.npz",
        record=f"{RUN}/reconstructions/{{problem}}/{{row}}.json",
    log:
        f"{RUN}/logs/reconstruct/{{problem}}/{{row}}.log",
    benchmark:
        f"{RUN}/benchmarks/reconstruct/{{problem}}/{{row}}.tsv"
    wildcard_constraints:
        problem=OTHERS,
    priority: lambda w: soon((w.problem, w.row))
    conda:
        "../../environment.yml"
    threads: THREADS
    resources:
        **needs("reconstruct"),
    params:
        **values(lambda w: JOBS.reconstruct(w.problem, w.row)),
    shell:
        "python -m workflow reconstruct {params.spec:q} {output.images:q} {input.measurements:q} {input.weights:q}"
        " --threads {threads} &> {log:q}"


rule controls:
    input:
        images=lambda w: images_of(w.problem),
        train=lambda w: f"{RUN}/data/{CONFIG['problems'][w.problem]['trained_on']}/train.npy",
    output:
        first=f"{RUN}/reconstructions/{{problem}}/{[*CONTROLS][0]}.npz",
        others=[
            f"{RUN}/reconstructions/{{problem}}/{name}.{kind}"
            for name in CONTROLS
            for kind in ("npz", "json")
        ][1:],
    log:
        f"{RUN}/logs/reconstruct/{{problem}}/controls.log",
    priority: lambda w: first_problem(w.problem)
    conda:
        "../../environment.yml"
    params:
        **values(lambda w: JOBS.controls(w.problem)),
    shell:
        "python -m workflow controls {params.spec:q} {output.first:q} {input.images:q} {input.train:q}"
        " &> {log:q}"
