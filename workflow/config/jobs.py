"""The jobs of a configuration: for each what it reads (``workflow.config.spec``)."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from methods.priors.assembly import MODULES
from workflow.config import spec
from workflow.config.views import (
    CONTROLS,
    VALIDATION,
    images_of,
    measured_splits,
    networks_for,
    networks_of,
    params_of,
    prior_of,
    trials_of,
)
from workflow.plugins.discovery import ROOT, find
from workflow.score.scores import protocols
from workflow.store.digest import digests

Config = dict[str, Any]
NETWORKS = "results/networks"  # all runs share it
EXACT = ("base", "lattice", "mixture", "patches")  # modules of methods.priors.exact


def coded(job: Any) -> Any:
    """``job`` with the digests of the science code that it runs."""
    return replace(job, code=dict(_digests(tuple(sources(job)))))


@cache
def _digests(paths: tuple[Path, ...]) -> dict[str, str]:
    return digests(paths)


def sources(job: spec.JobSpec) -> list[Path]:
    """Files with the science code that a job runs; they import others."""
    if isinstance(job, (spec.Train, spec.Show)):
        return []
    kinds = {"source": "dataset", "family": "problem", "method": "method"}
    plugins = [(kind, getattr(job, name)) for name, kind in kinds.items() if hasattr(job, name)]
    names = [] if isinstance(job, spec.Prepare) else ["problems.noise"]
    if isinstance(job, spec.Exact):
        plugins += [("method", row["method"]) for row in job.rows]
        names += [f"methods.priors.exact.{name}" for name in EXACT]
    elif isinstance(job, spec.Generate):
        names += ["methods.sampling"]
    if isinstance(getattr(job, "prior", None), spec.Prior):
        names += ["methods.priors.assembly", "methods.priors.networks"]
        names += [MODULES[job.prior.assembly][0]]
    own = [ROOT / f"{name.replace('.', '/')}.py" for name in names]
    return sorted({*own, *(find(*plugin).path for plugin in plugins)})


def changed(job: spec.JobSpec) -> list[str]:
    """Files of science code that are no longer what they were when the job was described."""
    now = digests(sources(job))
    return [name for name in sorted({*now, *job.code}) if now.get(name) != job.code.get(name)]


def prepare(config: Config, dataset: str, split: str, grid: int = 1) -> spec.Prepare:
    """One split of a dataset, on a grid so many times finer than its size."""
    chosen = images_of(config, dataset, split)
    source = find("dataset", chosen["source"])
    job = spec.Prepare(
        dataset=dataset,
        split=split,
        folds=chosen["folds"],
        source=chosen["source"],
        params=chosen["params"],
        size=[grid * side for side in chosen["size"]],
        count=chosen[split],
        files=chosen["files"],
        plugins=outside(source),
    )
    return coded(job)


def measure(config: Config, problem: str) -> spec.Measure:
    """Measurements of the images of a problem."""
    job = spec.Measure(
        **_operator(config, problem),
        seed=config["seed"],
        inputs={
            f"{split}, {kind}": job
            for split in measured_splits(config, problem)
            for kind, job in _measured(config, problem, split).items()
        },
    )
    return coded(job)


def controls(config: Config, problem: str) -> spec.Controls:
    """The controls of a problem."""
    dataset = config["problems"][problem]["dataset"]
    job = spec.Controls(
        **_operator(config, problem),
        inputs={split: prepare(config, dataset, split).hash for split in ("test", "train")},
    )
    return coded(job)


def train(config: Config, fold: str, network: str) -> spec.Train:
    """One network of a fold: of ct/1, or ct where there is one."""
    recipe = config["networks"][network]
    dataset, _, number = fold.partition("/")
    return spec.Train(
        dataset=fold,
        fold=int(number or 1),
        name=network,
        network=recipe["network"],
        training=recipe["training"],
        images={
            **_described(config, dataset),
            "used": recipe["images"],
        },
        validation=VALIDATION,
        **_computed(config),
    )


def _described(config: Config, dataset: str) -> dict[str, Any]:
    """What is known of the training and validation images of a dataset before they are there."""
    train, validation = (images_of(config, dataset, split) for split in ("train", "validation"))
    params = spec.without_place(train["params"]) if train["files"] else train["params"]
    return {**train, "params": params, "validation": validation["validation"]}


def network_folder(config: Config, fold: str, network: str) -> str:
    """Folder of a network of a fold: of ct/1, or ct where there is one. All runs share it."""
    dataset, _, number = fold.partition("/")
    key = train(config, fold, network).hash
    return f"{NETWORKS}/{dataset}-{number or 1}-{network}-{key}"


def reconstruct(config: Config, problem: str, row: str) -> spec.Reconstruct:
    """One row on the test images of a problem."""
    values = of_row(config, problem, row)
    values["inputs"]["measurements"] = measure(config, problem).hash
    return coded(spec.Reconstruct(**values))


def tune(config: Config, problem: str, row: str) -> spec.Tune:
    """The search of a row on a problem; it does not depend on what an earlier one has found."""
    values = of_row(config, problem, row)
    settings, tuning = config["rows"][row], config["tuning"]
    values["params"] = {k: v for k, v in values["params"].items() if k not in settings["search"]}
    values["inputs"] |= _measured(config, problem, tuning["split"])
    job = spec.Tune(
        **values,
        axes=list(settings["search"]),
        search=settings["search"],
        starts=starts_of(config, problem, row),
        trials=trials_of(config, row),
        images=tuning["images"],
        margin=tuning["margin"],
    )
    return coded(job)


def starts_of(config: Config, problem: str, row: str) -> list[dict[str, float]]:
    """Points at which a search starts: the values of the row itself and of its kin.

    Kin are rows of one sampler with other priors, which search the same parameters.
    """
    search, rows = config["rows"][row]["search"], config["rows"]
    shown = {r for t in config["tables"].values() if problem in t["problems"] for r in t["rows"]}
    kin = [r for r in rows if r in shown and r != row and list(rows[r]["search"]) == list(search)]
    found = []
    for name in [row, *kin]:
        values = params_of(rows[name], problem)
        point = {parameter: values[parameter] for parameter in search if parameter in values}
        if point and point not in found:
            found.append(point)
    return found[: trials_of(config, row) // 2]


def generate(config: Config, name: str) -> spec.Generate:
    """Samples of the prior ``name``."""
    settings, prior = config["generation"], config["priors"][name]
    network = networks_of(config, settings["dataset"], prior["network"])[0]
    job = spec.Generate(
        name=name,
        prior=_prior(config, [network], prior),
        samples=settings["samples"],
        sampler=settings["sampler"],
        batch=config["batch"],
        **_computed(config),
    )
    return coded(job)


def score(config: Config, problem: str, rows: list[str]) -> spec.Score:
    """Scores of rows and controls on a problem."""
    made = {
        row: (controls(config, problem) if row in CONTROLS else reconstruct(config, problem, row))
        for row in rows
    }
    job = spec.Score(
        **_operator(config, problem),
        rows=rows,
        metrics=protocols(),
        inputs={row: job.hash for row, job in made.items()},
    )
    return coded(job)


def _measured(config: Config, problem: str, split: str) -> dict[str, str]:
    """The images of a problem, and the same ones on the grid on which they are measured."""
    settings = config["problems"][problem]
    images, measured = (
        prepare(config, settings["dataset"], split, grid) for grid in (1, settings["grid"])
    )
    return {"images": images.hash, "measured": measured.hash}


def _operator(config: Config, problem: str) -> dict[str, Any]:
    """Fields of ``spec.Operator``."""
    settings = config["problems"][problem]
    family = find("problem", settings["family"])
    return {
        "problem": problem,
        "dataset": settings["dataset"],
        "family": settings["family"],
        "problem_params": settings["params"],
        "plugins": outside(family),
    }


def of_row(config: Config, problem: str, row: str) -> dict[str, Any]:
    """Fields of ``spec.Reconstruct`` but for its measurements and its code."""
    fields = _operator(config, problem)
    settings, prior = config["rows"][row], prior_of(config, row)
    method = find("method", settings["method"])
    needed = networks_for(config, problem, row)
    fields |= {
        "row": row,
        "method": settings["method"],
        "params": params_of(settings, problem),
        "prior": _prior(config, needed, prior) if prior else None,
        "repeats": config["problems"][problem]["repeats"],
        "batch": config["batch"],
        "inputs": {},
        "plugins": sorted({*fields["plugins"], *outside(method)}),
        **_computed(config),
    }
    return fields


def _prior(config: Config, networks: list[str], prior: dict[str, Any]) -> spec.Prior:
    folders = [Path(network_folder(config, *name.rsplit("/", 1))).name for name in networks]
    return spec.Prior(networks=folders, assembly=prior["assembly"], overlap=prior["overlap"])


def _computed(config: Config) -> dict[str, Any]:
    return {key: config[key] for key in ("seed", "device", "precision")}


def plugins_of(config: Config, rows: Iterable[str]) -> list[str]:
    """Files outside the project that define the methods of rows."""
    methods = {config["rows"][row]["method"] for row in rows}
    return sorted(path for name in methods for path in outside(find("method", name)))


def outside(plugin: Any) -> list[str]:
    return [str(plugin.path)] if plugin.outside else []
