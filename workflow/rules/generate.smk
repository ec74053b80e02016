# Samples of the priors, without a measurement.


rule generate:
    input:
        lambda w: weights_of(jobs.generate(CONFIG, w.prior).prior.networks),
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
        spec=lambda w: spec(jobs.generate(CONFIG, w.prior)),
    shell:
        "python -m workflow generate {params.spec} {output} {input}"
        " --threads {threads} 2>&1 | tee {log}"


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
            spec=lambda w: spec(shown_by.generation(CONFIG)),
        shell:
            "python -m workflow generation {params.spec} {output.csv} {input.train} {input.test} {input.samples}"
            " 2>&1 | tee {log}"
