"""The jobs of the section ``exact``: for each what it reads (``workflow.config.spec``)."""

from typing import Any

from workflow.config import jobs, spec
from workflow.plugins.discovery import find

Config = dict[str, Any]


def images(config: Config) -> spec.Prepare:
    """The training images to which the priors are fitted."""
    chosen = config["exact"]["images"]
    source = find("dataset", chosen["source"])
    job = spec.Prepare(
        dataset="exact",
        split="train",
        folds=1,
        source=chosen["source"],
        params=chosen["params"],
        size=chosen["size"],
        count=None,
        files="",
        plugins=jobs.outside(source),
    )
    return jobs.coded(job)


def posterior(config: Config, prior: str, problem: str) -> spec.Exact:
    """All rows on one problem with one prior; labels do not reach it."""
    exact = config["exact"]
    chosen, of_prior = exact["problems"][problem], exact["priors"][prior]
    family = find("problem", chosen["family"])
    methods = [find("method", row["method"]) for row in exact["rows"].values()]
    rows = [
        {**{k: v for k, v in row.items() if k != "label"}, "row": name}
        for name, row in exact["rows"].items()
    ]
    job = spec.Exact(
        seed=config["seed"],
        prior={"name": prior, "kind": of_prior["kind"], "params": of_prior["params"]},
        problem=problem,
        family=chosen["family"],
        problem_params=chosen["params"],
        rows=rows,
        evaluations=exact["evaluations"],
        samples=exact["samples"],
        inputs={"images": images(config).hash},
        plugins=sorted({path for found in (family, *methods) for path in jobs.outside(found)}),
    )
    return jobs.coded(job)


def show(config: Config) -> spec.Show:
    """The table and the figure of all of them."""
    exact = config["exact"]
    labels = {
        k: {n: v["label"] for n, v in exact[k].items()} for k in ("priors", "problems", "rows")
    }
    settings = {**labels, "samples": exact["samples"], "size": exact["images"]["size"]}
    return spec.Show(name="exact", settings=settings)
