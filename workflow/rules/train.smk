# Networks: one per dataset and recipe, shared by all problems.


rule train:
    input:
        images=f"{RUN}/data/{{dataset}}/train.npz",
        validation=ancient(f"{RUN}/data/{{dataset}}/validation.npz"),
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
        spec=lambda w: spec(jobs.train(CONFIG, w.dataset, w.network)),
    shell:
        "python -m workflow train {params.spec} {output.weights} {input.images} {input.validation}"
        " --threads {threads} 2>&1 | tee {log}"
