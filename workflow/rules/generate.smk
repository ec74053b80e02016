# Samples of the priors, without a measurement.
GENERATION = CONFIG.get("generation")


rule generate:
    input:
        weights=lambda w: weights_of(GENERATION["dataset"], CONFIG["priors"][w.prior]["network"]),
        train=lambda w: f"{RUN}/data/{GENERATION['dataset']}/train.npz",
        config=ancient(SETTINGS),
    output:
        f"{RUN}/generation/{{prior}}.npz",
    log:
        f"{RUN}/logs/generation/{{prior}}.log",
    conda:
        "../../environment.yml"
    threads: THREADS
    resources:
        gpu=int(ON_GPU),
    params:
        settings=lambda w: digest(
            [
                CONFIG["seed"],
                GENERATION["samples"],
                GENERATION["sampler"],
                CONFIG["priors"][w.prior],
            ]
        ),
        code=lambda w: fingerprint(
            "workflow.run.generate",
            "methods.sampling",
            ASSEMBLIES[CONFIG["priors"][w.prior]["assembly"]],
        ),
    shell:
        "python -m workflow generate {wildcards.prior} --config {input.config} --weights {input.weights}"
        " --train {input.train} --out {output} 2>&1 | tee {log}"


if GENERATION:

    rule generation:
        input:
            samples=collect("{run}/generation/{prior}.npz", run=RUN, prior=GENERATION["priors"]),
            train=f"{RUN}/data/{GENERATION['dataset']}/train.npz",
            test=f"{RUN}/data/{GENERATION['dataset']}/test.npz",
            config=ancient(SETTINGS),
        output:
            f"{RUN}/tables/generation.csv",
            f"{RUN}/tables/generation.md",
            report(
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
            settings=digest(GENERATION),
            code=fingerprint("workflow.show.generation"),
            run=lambda w, output: os.path.dirname(os.path.dirname(output[0])),
        shell:
            "python -m workflow generation --config {input.config} --samples {input.samples}"
            " --train {input.train} --test {input.test} --out {params.run} 2>&1 | tee {log}"
