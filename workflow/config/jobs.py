"""The jobs of a configuration: for each what it reads (``workflow.config.spec``)."""

from collections.abc import Iterable
from functools import cache
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
from workflow.plugins.discovery import OUTSIDE, find
from workflow.plugins.params import whole
from workflow.store.fingerprint import fingerprint as code_of

Config = dict[str, Any]
fingerprint = cache(code_of)


def prepare(config: Config, dataset: str, split: str, grid: int = 1) -> spec.Prepare:
    """One split of a dataset, on a grid so many times finer than its size."""
    chosen = images_of(config, dataset, split)
    source = find("dataset", chosen["source"])
    return spec.Prepare(
        dataset=dataset,
        split=split,
        folds=chosen["folds"],
        source=chosen["source"],
        params=chosen["params"],
        size=[grid * side for side in chosen["size"]],
        count=chosen[split],
        files=chosen["files"],
        code=fingerprint("workflow.run.prepare", source.module),
        plugins=outside(source),
    )


def measure(config: Config, problem: str) -> spec.Measure:
    """Measurements of the images of a problem."""
    operator, code = _operator(config, problem)
    return spec.Measure(
        **operator,
        seed=config["seed"],
        inputs={
            f"{split}, {kind}": job
            for split in measured_splits(config, problem)
            for kind, job in _measured(config, problem, split).items()
        },
        code=fingerprint("workflow.run.measure", *code),
    )


def controls(config: Config, problem: str) -> spec.Controls:
    """The controls of a problem."""
    dataset = config["problems"][problem]["dataset"]
    operator, code = _operator(config, problem)
    return spec.Controls(
        **operator,
        inputs={split: prepare(config, dataset, split).hash for split in ("test", "train")},
        code=fingerprint("workflow.run.controls", *code),
    )


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
        images=recipe["images"],
        validation=VALIDATION,
        **_computed(config),
        inputs={"images": prepare(config, dataset, "train").hash},
        code=fingerprint("workflow.run.train"),
    )


def reconstruct(config: Config, problem: str, row: str) -> spec.Reconstruct:
    """One row on the test images of a problem."""
    values, code = of_row(config, problem, row)
    values["inputs"]["measurements"] = measure(config, problem).hash
    return spec.Reconstruct(**values, code=fingerprint("workflow.run.reconstruct", *code))


def tune(config: Config, problem: str, row: str) -> spec.Tune:
    """The search of a row on a problem; it does not depend on what an earlier one has found."""
    values, code = of_row(config, problem, row)
    settings, tuning = config["rows"][row], config["tuning"]
    annotations = find("method", settings["method"]).params
    values["params"] = {k: v for k, v in values["params"].items() if k not in settings["search"]}
    values["inputs"] |= _measured(config, problem, tuning["split"])
    search = {
        name: {**axis, "whole": whole(annotations[name])}
        for name, axis in settings["search"].items()
    }
    given = tuning["starts"].get(row, {}).get(problem, {})
    first, *others = [_on_axes(p, search) for p in (given if isinstance(given, list) else [given])]
    for name, axis in search.items():
        axis["start"] = first[name]
    return spec.Tune(
        **values,
        search=search,
        starts=others,
        trials=trials_of(config, row),
        images=tuning["images"],
        margin=tuning["margin"],
        code=fingerprint("workflow.run.tune", *code),
    )


def _on_axes(point: dict[str, float], search: dict[str, Any]) -> dict[str, float]:
    """A point of a search from parameter values; those that it lacks are where the axes start."""
    return {
        name: point[name] / point.get(axis.get("of"), 1) if name in point else axis["start"]
        for name, axis in search.items()
    }


def generate(config: Config, name: str) -> spec.Generate:
    """Samples of the prior ``name``."""
    settings, prior = config["generation"], config["priors"][name]
    network = networks_of(config, settings["dataset"], prior["network"])[0]
    return spec.Generate(
        name=name,
        prior=_prior([network], prior),
        samples=settings["samples"],
        sampler=settings["sampler"],
        batch=config["batch"],
        **_computed(config),
        inputs=_weights(config, [network]),
        code=fingerprint("workflow.run.generate", MODULES[prior["assembly"]][0]),
    )


def score(config: Config, problem: str, rows: list[str]) -> spec.Score:
    """Scores of rows and controls on a problem."""
    operator, code = _operator(config, problem)
    made = {
        row: (controls(config, problem) if row in CONTROLS else reconstruct(config, problem, row))
        for row in rows
    }
    return spec.Score(
        **operator,
        rows=rows,
        inputs={row: job.hash for row, job in made.items()},
        code=fingerprint("workflow.score.images", *code),
    )


def _measured(config: Config, problem: str, split: str) -> dict[str, str]:
    """The images of a problem, and the same ones on the grid on which they are measured."""
    settings = config["problems"][problem]
    images, measured = (
        prepare(config, settings["dataset"], split, grid) for grid in (1, settings["grid"])
    )
    return {"images": images.hash, "measured": measured.hash}


def _operator(config: Config, problem: str) -> tuple[dict[str, Any], list[str]]:
    """Fields of ``spec.Operator`` and the module of the problem."""
    settings = config["problems"][problem]
    family = find("problem", settings["family"])
    return {
        "problem": problem,
        "dataset": settings["dataset"],
        "family": settings["family"],
        "problem_params": settings["params"],
        "plugins": outside(family),
    }, [family.module]


def of_row(config: Config, problem: str, row: str) -> tuple[dict[str, Any], list[str]]:
    """Fields of ``spec.Reconstruct``, and the modules of its method, problem and prior."""
    fields, code = _operator(config, problem)
    settings, prior = config["rows"][row], prior_of(config, row)
    method = find("method", settings["method"])
    needed = networks_for(config, problem, row)
    fields |= {
        "row": row,
        "method": settings["method"],
        "params": params_of(settings, problem),
        "prior": _prior(needed, prior) if prior else None,
        "repeats": config["problems"][problem]["repeats"],
        "batch": config["batch"],
        "inputs": _weights(config, needed),
        "plugins": sorted({*fields["plugins"], *outside(method)}),
        **_computed(config),
    }
    return fields, [*code, method.module, *([MODULES[prior["assembly"]][0]] if prior else [])]


def _prior(networks: list[str], prior: dict[str, Any]) -> spec.Prior:
    return spec.Prior(networks=networks, assembly=prior["assembly"], overlap=prior["overlap"])


def _weights(config: Config, networks: list[str]) -> dict[str, str]:
    return {f"weights of {name}": train(config, *name.rsplit("/", 1)).hash for name in networks}


def _computed(config: Config) -> dict[str, Any]:
    return {key: config[key] for key in ("seed", "device", "precision")}


def plugins_of(config: Config, rows: Iterable[str]) -> list[str]:
    """Files outside the project that define the methods of rows."""
    methods = {config["rows"][row]["method"] for row in rows}
    return sorted(path for name in methods for path in outside(find("method", name)))


def outside(plugin: Any) -> list[str]:
    return [str(plugin.path)] if plugin.module.startswith(f"{OUTSIDE}.") else []
