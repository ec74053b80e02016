# Networks: one per fold of a dataset and recipe, in one store that the problems of all runs share.
STORED = f"{STORE}/{{dataset}}-{{number}}-{{network}}-{{key}}"


# Networks that are there are files that no rule makes: a run of another name, or images that were
# prepared again, must not train them anew. (A job on a cluster reads the Snakefile, too, and a task of
# an array asks for the jobs of the others.)
PARTS = ("weights.safetensors", "card.json", "loss.csv", "validation.csv")
TRAINED = [
    folder.name[-16:]
    for folder in Path(STORE).glob("*-*")
    if workflow.is_main_process and all((folder / part).exists() for part in PARTS)
]


wildcard_constraints:
    number=r"\d+",
    key=f"(?!{'|'.join(TRAINED) or '-'})[0-9a-f]{{16}}",


rule train:
    input:
        lambda w: f"{RUN}/data/{w.dataset}/train.npy",
        lambda w: f"{RUN}/data/{w.dataset}/validation.npy",
    output:
        weights=f"{STORED}/{PARTS[0]}",
        others=[f"{STORED}/{part}" for part in PARTS[1:]],
    log:
        f"{RUN}/logs/train/{{dataset}}-{{number}}-{{network}}-{{key}}.log",
    priority: lambda w: soon(JOBS.network_folder(network_of(w)), NETWORKS)
    threads: THREADS
    resources:
        **needs("train"),
    params:
        **values(lambda w: JOBS.train(network_of(w))),
    shell:
        "python -m workflow train {params.spec:q} {output.weights:q} {input:q}"
        " --threads {threads} &> {log:q}"
