# Samples of the priors, without a measurement.
if GENERATION:

    rule generate:
        input:
            lambda w: [
                f"{STORE}/{name}/weights.safetensors"
                for name in JOBS.generate(w.prior).prior.networks
            ],
        output:
            f"{RUN}/generation/{{prior}}.npz",
        log:
            f"{RUN}/logs/generation/{{prior}}.log",
        threads: THREADS
        resources:
            **needs("generate"),
        params:
            **values(lambda w: JOBS.generate(w.prior)),
        shell:
            "python -m workflow generate {params.spec:q} {output:q} {input:q}"
            " --threads {threads} &> {log:q}"

    rule generation:
        input:
            [f"{RUN}/data/{GENERATION['dataset']}/{split}.npy" for split in ("train", "test")],
            [f"{RUN}/generation/{prior}.npz" for prior in GENERATION["priors"]],
        output:
            csv=f"{RUN}/tables/generation.csv",
            others=multiext(f"{RUN}/tables/generation", ".md", ".json"),
            figure=reported(
                f"{RUN}/figures/generation.png",
                *("generation", "Samples of the priors"),
                figure="samples",
            ),
        log:
            f"{RUN}/logs/generation/report.log",
        params:
            **values(lambda w: shown_by.generation(CONFIG)),
        shell:
            "python -m workflow generation {params.spec:q} {output.csv:q} {input:q} &> {log:q}"
