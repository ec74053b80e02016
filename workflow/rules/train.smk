# Networks: one per dataset and recipe, shared by all problems.


rule train:
    input:
        images=f"{RUN}/data/{{dataset}}/train.npz",
        validation=ancient(f"{RUN}/data/{{dataset}}/validation.npz"),
        config=ancient(SETTINGS),
    output:
        weights=f"{RUN}/networks/{{dataset}}/{{network}}/weights.safetensors",
        card=f"{RUN}/networks/{{dataset}}/{{network}}/card.json",
        losses=f"{RUN}/networks/{{dataset}}/{{network}}/loss.csv",
        validation=f"{RUN}/networks/{{dataset}}/{{network}}/validation.csv",
    log:
        f"{RUN}/logs/train/{{dataset}}/{{network}}.log",
    benchmark:
        f"{RUN}/benchmarks/train/{{dataset}}/{{network}}.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    threads: THREADS
    resources:
        gpu=int(ON_GPU),
    params:
        settings=lambda w: digest(
            [
                CONFIG["seed"],
                CONFIG["precision"],
                CONFIG["device"],
                CONFIG["networks"][w.network],
                VALIDATION,
            ]
        ),
        code=fingerprint("methods.priors.training"),
    shell:
        "python -m workflow train {wildcards.dataset} {wildcards.network} --config {input.config}"
        " --images {input.images} --validation {input.validation} --code {params.code}"
        " --out {output.weights} 2>&1 | tee {log}"
