# Reconstructions: one job per problem and row, all test images, resumed at the next batch.
from workflow.config.views import CONTROLS


rule reconstruct:
    input:
        measurements=f"{RUN}/measurements/{{problem}}.npz",
        weights=lambda w: weights_of(w.problem, w.row),
    output:
        images=f"{RUN}/reconstructions/{{problem}}/{{row}}.npz",
        record=f"{RUN}/reconstructions/{{problem}}/{{row}}.json",
    log:
        f"{RUN}/logs/reconstruct/{{problem}}/{{row}}.log",
    wildcard_constraints:
        problem="|".join(p for p in CONFIG["problems"] if p not in SAMPLED) or "-",
    priority: lambda w: soon((w.problem, w.row))
    threads: THREADS
    resources:
        **needs("reconstruct"),
    params:
        **values(lambda w: JOBS.reconstruct(w.problem, w.row)),
    shell:
        "python -m workflow reconstruct {params.spec:q} {output.images:q} {input:q}"
        " --threads {threads} &> {log:q}"


# Posteriors on real images: samples of rows on problems with `samples`, and their scores.
rule sample:
    input:
        test=lambda w: images_of(w.problem),
        validation=lambda w: images_of(w.problem, "validation"),
        measurements=f"{RUN}/measurements/{{problem}}.npz",
        weights=lambda w: weights_of(w.problem, w.row),
    output:
        images=f"{RUN}/reconstructions/{{problem}}/{{row}}.npz",
        record=f"{RUN}/reconstructions/{{problem}}/{{row}}.json",
        scores=f"{RUN}/scores/{{problem}}/{{row}}.csv",
    log:
        f"{RUN}/logs/reconstruct/{{problem}}/{{row}}.log",
    wildcard_constraints:
        problem="|".join(SAMPLED) or "-",
    threads: THREADS
    resources:
        **needs("reconstruct"),
    params:
        **values(lambda w: JOBS.sample(w.problem, w.row)),
    shell:
        "python -m workflow sample {params.spec:q} {output.images:q} {input:q}"
        " --threads {threads} &> {log:q}"


rule controls:
    input:
        lambda w: images_of(w.problem),
        lambda w: f"{RUN}/data/{CONFIG['problems'][w.problem]['trained_on']}/train.npy",
    output:
        images=[f"{RUN}/reconstructions/{{problem}}/{name}.npz" for name in CONTROLS],
        records=[f"{RUN}/reconstructions/{{problem}}/{name}.json" for name in CONTROLS],
    log:
        f"{RUN}/logs/reconstruct/{{problem}}/controls.log",
    priority: lambda w: first_problem(w.problem)
    params:
        **values(lambda w: JOBS.controls(w.problem)),
    shell:
        "python -m workflow controls {params.spec:q} {output.images[0]:q} {input:q} &> {log:q}"
