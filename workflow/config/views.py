"""What jobs, tables and rules read of a resolved configuration."""

import json
import os
import re
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from problems.datasets.reading.files import files_of, root_of
from problems.files import is_file

Config = dict[str, Any]
CONTROLS = {  # reconstructions that workflow.run.controls makes of the truth: name to label
    "mean_image": "Control: mean training image",
    "oracle": "Control: measured part of the truth",
}
VALIDATION = {  # of networks during training: how often, on how many images, at which noise levels
    "points": 10,
    "images": 8,
    "sigmas": [0.05, 0.2, 1.0],
}
NOT_IN_PAPER = "†"  # behind the label of a row
REFERENCE = "padis"  # with which tables compare the other rows, if they do not say what


# ---- labels -----------------------------------------------------------------------------------


def title(name: str) -> str:
    """A name in a configuration as a heading: "CT" for ct, "Table 1" for table1."""
    words = re.sub(r"(?<=[a-z]{2})(?=\d)", " ", name).split("_")
    words = [word if set(word) & set("aeiouy") else word.upper() for word in words]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def plain_label(row: dict[str, Any]) -> str:
    """Name of a row in figures and messages."""
    return row["label"] if "label" in row else row["method"]


def label_of(name: str, row: dict[str, Any], published_as: str = "") -> str:
    """Label of a row in tables, marked if the paper has no numbers of it."""
    from workflow.score.published import in_paper  # pandas, which the Snakefile does without

    return plain_label(row) + ("" if in_paper(name, published_as) else f" {NOT_IN_PAPER}")


def labels_of(config: Config, names: list[str]) -> dict[str, str]:
    """Labels of rows and controls in tables."""
    tables = config.get("tables", {}).values()
    published = {row: key for t in tables for row, key in t.get("published", {}).items()}
    return {
        n: CONTROLS[n] if n in CONTROLS else label_of(n, config["rows"][n], published.get(n, ""))
        for n in names
    }


# ---- rows -------------------------------------------------------------------------------------


def params_of(row: dict[str, Any], problem: str) -> dict[str, Any]:
    """Parameters of a row on one problem."""
    return {**row["params"], **row["params_for"].get(problem, {})}


def prior_of(config: Config, row: str) -> dict[str, Any] | None:
    """Network, assembly and overlap of the prior that a row uses, or None."""
    settings = config["rows"][row]
    if "prior" not in settings:
        return None
    prior = config["priors"][settings["prior"]]
    return {**prior, "network": settings.get("network", prior["network"])}


def trials_of(config: Config, row: str) -> int:
    """Number of trials of a row's search on one problem."""
    return config["rows"][row].get("trials", config["tuning"]["trials"])


def searches(config: Config) -> list[tuple[str, str]]:
    """(problem, row) of every search that ``snakemake tune`` runs."""
    pairs = shown(config, config["tables"])
    return [
        (problem, row)
        for problem in config["tuning"]["problems"]
        for other, row in pairs
        if other == problem and row not in CONTROLS and config["rows"][row]["search"]
    ]


def searched(config: Config) -> list[str]:
    """Parameters that the searches vary."""
    names = [name for _, row in searches(config) for name in config["rows"][row]["search"]]
    return list(dict.fromkeys(names))


# ---- tables -----------------------------------------------------------------------------------


def main_tables(config: Config) -> dict[str, dict[str, Any]]:
    """Tables of which the leaderboard is made."""
    return {n: t for n, t in config["tables"].items() if not (t["ablation"] or t["extra"])}


def rows_of(config: Config, table: str) -> list[str]:
    """Names of the rows, and after them the controls, of a table."""
    return [*config["tables"][table]["rows"], *config["tables"][table]["controls"]]


def shown(config: Config, tables: list[str]) -> list[tuple[str, str]]:
    """(problem, row) of all rows and controls of tables, each once."""
    found = (
        (p, r) for t in tables for p in config["tables"][t]["problems"] for r in rows_of(config, t)
    )
    return list(dict.fromkeys(found))


def sampled_problems(config: Config) -> list[str]:
    """Names of the problems with `samples`."""
    return [name for name, problem in config["problems"].items() if "samples" in problem]


def sampled_tables(config: Config) -> list[str]:
    """Names of the tables of such problems."""
    known = set(sampled_problems(config))
    return [n for n, table in config["tables"].items() if set(table["problems"]) <= known]


# ---- networks ---------------------------------------------------------------------------------


def recipe(config: Config, network: str, dataset: str) -> dict[str, Any]:
    """`network` and `training` of a network on the images of a dataset, and how many `images`."""
    found = config["networks"][network]
    here = found["at"].get(dataset, {})
    parts = {part: {**found[part], **here.get(part, {})} for part in ("network", "training")}
    return {**parts, "images": found["images"]}


def foreign_of(config: Config, prior: dict[str, Any]) -> dict[str, Any] | None:
    """The network of a prior if it was not trained here (``workflow.config.schema.Foreign``)."""
    return config["networks"][prior["network"]].get("foreign")


def networks_of(config: Config, dataset: str, network: str) -> list[str]:
    """A network of all folds of a dataset: named ct/patch, or ct/1/patch with several."""
    count = config["datasets"][dataset]["folds"]
    folds = [f"{dataset}/{fold}" for fold in range(1, count + 1)] if count > 1 else [dataset]
    return [f"{fold}/{network}" for fold in folds]


def networks_for(config: Config, problem: str, row: str) -> list[str]:
    """Networks trained here that a row or control needs on ``problem``, one per fold, or nothing.

    Images of another dataset than that of the networks, which have seen none of them, take those of
    the first folds, and those of the last one where they have more folds.
    """
    prior = None if row in CONTROLS else prior_of(config, row)
    if prior is None or foreign_of(config, prior):
        return []
    settings = config["problems"][problem]
    networks = networks_of(config, settings["trained_on"], prior["network"])
    folds = config["datasets"][settings["dataset"]]["folds"]
    return [networks[min(fold, len(networks) - 1)] for fold in range(folds)]


def networks_shown(config: Config, tables: list[str]) -> list[str]:
    """Every network that a row of tables needs, sorted."""
    return sorted({n for row in shown(config, tables) for n in networks_for(config, *row)})


# ---- images -----------------------------------------------------------------------------------


def measured_splits(config: Config, problem: str) -> list[str]:
    """Splits whose images are measured: error bars of samples are calibrated on validation ones."""
    return ["test", "validation"] if "samples" in config["problems"][problem] else ["test"]


def split_datasets(config: Config) -> set[str]:
    """Datasets of which networks, controls or searches need training or validation images."""
    problems, tables = config["problems"], list(config["tables"])
    asked = [*config["tuning"]["problems"], *sampled_problems(config)]
    generated = [config["generation"]["dataset"]] if "generation" in config else []
    trained = [
        problems[problem]["trained_on"]
        for problem, row in shown(config, tables)
        if row in CONTROLS or prior_of(config, row)
    ]
    return {*(problems[name]["dataset"] for name in asked), *generated, *trained}


def images_of(config: Config, dataset: str, split: str) -> dict[str, Any]:
    """What decides the images of a split, the state of a folder of images included."""
    settings = config["datasets"][dataset]
    chosen = {k: settings[k] for k in ("source", "size", "params", "folds", split)}
    state = state_of(json.dumps(settings["params"], sort_keys=True), settings["source"])
    return {**chosen, "files": state}


def contents_of(params: dict[str, Any]) -> dict[str, str]:
    """Parameters of a problem that name a file, each with a digest of the file."""
    files = {name: value for name, value in params.items() if is_file(value)}
    return {n: sha256(Path(path).read_bytes()).hexdigest()[:16] for n, path in files.items()}


@cache
def state_of(params: str, source: str) -> str:
    """A hash of names, sizes and times of the files that a dataset reads, "" if it reads none.

    Names are relative to the folder: where it lies does not count.
    """
    files = files_of(json.loads(params), every=source != "folder")
    root = root_of(json.loads(params).get("path"))
    names = [os.path.relpath(path, root) for path in files]
    found = [[n, p.stat().st_size, p.stat().st_mtime_ns] for n, p in zip(names, files, strict=True)]
    return sha256(json.dumps(found).encode()).hexdigest() if files else ""
