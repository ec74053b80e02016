# Networks: one per dataset and recipe, shared by all problems.


rule train:
    input:
        f"{RUN}/data/{{dataset}}/train.npz",
    output:
        weights=f"{RUN}/networks/{{dataset}}/{{network}}/weights.safetensors",
        card=f"{RUN}/networks/{{dataset}}/{{network}}/card.json",
        losses=f"{RUN}/networks/{{dataset}}/{{network}}/loss.csv",
    log:
        f"{RUN}/logs/train/{{dataset}}/{{network}}.log",
    benchmark:
        f"{RUN}/benchmarks/train/{{dataset}}/{{network}}.tsv"
    params:
        settings=lambda w: digest([CONFIG["seed"], CONFIG["networks"][w.network]]),
        code=fingerprint("methods.priors.training"),
    threads: CONFIG["threads"]
    resources:
        gpu=1,
    priority: 10
    conda:
        "../../environment.yml"
    shell:
        "{PYTHON} train {wildcards.dataset} {wildcards.network} --config {SETTINGS}"
        " --images {input} --out {output.weights} 2>&1 | tee {log}"
