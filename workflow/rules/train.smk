# Networks: one per fold of a dataset and recipe, in one store that the problems of all runs share.
STORED = f"{STORE}/{{dataset}}-{{number}}-{{network}}-{{key}}"


# Networks that are there are files that no rule makes: a run of another name, or images that were
# prepared again, must not train them anew. (A job on a cluster reads the Snakefile, too, and a task of
# an array asks for the jobs of the others.)
PARTS = ("weights.safetensors", "loss.csv", "validation.csv")
TRAINED = [
    card.parent.name[-16:]
    for card in Path(STORE).glob("*/card.json")
    if workflow.is_main_process and all(card.with_name(part).exists() for part in PARTS)
]


wildcard_constraints:
    number=r"\d+",
    key=f"(?!{'|'.join(TRAINED) or '-'})[0-9a-f]{{16}}",


rule train:
    input:
        images=lambda w: f"{RUN}/data/{w.dataset}/train.npy",
        validation=lambda w: f"{RUN}/data/{w.dataset}/validation.npy",
    output:
        weights=f"{STORED}/weights.safetensors",
        card=f"{STORED}/card.json",
        losses=f"{STORED}/loss.csv",
        validation=f"{STORED}/validation.csv",
    log:
        f"{RUN}/logs/train/{{dataset}}-{{number}}-{{network}}-{{key}}.log",
    benchmark:
        f"{RUN}/benchmarks/train/{{dataset}}-{{number}}-{{network}}-{{key}}.tsv"
    priority: lambda w: soon(network_folder(f"{fold_of(w)}/{w.network}"), NETWORKS)
    conda:
        "../../environment.yml"
    threads: THREADS
    resources:
        **needs("train"),
    params:
        **values(lambda w: JOBS.train(fold_of(w), w.network)),
    shell:
        "python -m workflow train {params.spec:q} {output.weights:q} {input.images:q} {input.validation:q}"
        " --threads {threads} &> {log:q}"
