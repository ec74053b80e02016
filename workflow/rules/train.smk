# Networks: one per fold of a dataset and recipe, shared by all problems.


rule train:
    input:
        images=lambda w: f"{RUN}/data/{w.fold.partition('/')[0]}/train.npy",
        validation=lambda w: ancient(f"{RUN}/data/{w.fold.partition('/')[0]}/validation.npy"),
    output:
        weights=f"{RUN}/networks/{{fold}}/{{network}}/weights.safetensors",
        card=f"{RUN}/networks/{{fold}}/{{network}}/card.json",
        losses=f"{RUN}/networks/{{fold}}/{{network}}/loss.csv",
        validation=f"{RUN}/networks/{{fold}}/{{network}}/validation.csv",
    log:
        f"{RUN}/logs/train/{{fold}}/{{network}}.log",
    benchmark:
        f"{RUN}/benchmarks/train/{{fold}}/{{network}}.tsv"
    priority: lambda w: soon(f"{RUN}/networks/{w.fold}/{w.network}", NETWORKS)
    conda:
        "../../environment.yml"
    threads: THREADS
    resources:
        **needs("train"),
    params:
        spec=lambda w: spec(jobs.train(CONFIG, w.fold, w.network)),
    shell:
        "python -m workflow train {params.spec} {output.weights} {input.images} {input.validation}"
        " --threads {threads} 2>&1 | tee {log}"
