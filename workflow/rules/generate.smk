# Samples of the priors, without a measurement.


rule generate:
    input:
        lambda w: [
            f"{STORE}/{name}/weights.safetensors" for name in JOBS.generate(w.prior).prior.networks
        ],
    output:
        f"{RUN}/generation/{{prior}}.npz",
    log:
        f"{RUN}/logs/generation/{{prior}}.log",
    conda:
        "../../environment.yml"
    threads: THREADS
    resources:
        **needs("generate"),
    params:
        **values(lambda w: JOBS.generate(w.prior)),
    shell:
        "python -m workflow generate {params.spec:q} {output:q} {input:q}"
        " --threads {threads} &> {log:q}"


if GENERATION:

    rule generation:
        input:
            samples=[f"{RUN}/generation/{prior}.npz" for prior in GENERATION["priors"]],
            train=f"{RUN}/data/{GENERATION['dataset']}/train.npy",
            test=f"{RUN}/data/{GENERATION['dataset']}/test.npy",
        output:
            csv=f"{RUN}/tables/generation.csv",
            others=multiext(f"{RUN}/tables/generation", ".md", ".json"),
            figure=report(
                f"{RUN}/figures/generation.png",
                caption="../show/captions/generation.rst",
                category="Samples of the priors",
                labels={"figure": "samples"},
            ),
        log:
            f"{RUN}/logs/generation/report.log",
        conda:
            "../../environment.yml"
        params:
            **values(lambda w: shown_by.generation(CONFIG)),
        shell:
            "python -m workflow generation {params.spec:q} {output.csv:q} {input.train:q} {input.test:q} {input.samples:q}"
            " &> {log:q}"
