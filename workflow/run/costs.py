"""What a configuration costs before it runs: hours of trainings and reconstructions, and GPUs.

Evaluations are counted (``workflow.run.evaluations``), seconds per pixel are measured on this
machine (``workflow.run.seconds``) and multiplied by the pixels that networks will see.
"""

import json
from collections.abc import Callable
from math import ceil
from typing import Any

from methods.priors.overlap import starts
from methods.priors.patches import tiles_and_margin
from methods.priors.training import TrainingParams
from workflow.config.jobs import Jobs
from workflow.config.views import CONTROLS, foreign_of, networks_for, prior_of, recipe, rows_of
from workflow.plugins.params import make_params
from workflow.run.device import setup
from workflow.run.evaluations import counting
from workflow.run.seconds import Rate, measured, structure_of
from workflow.store.provenance import processor

Hours = dict[str, float]  # of jobs, by what they are called
DEVICES = (1, 4, 8, 16)
IMAGES = 25  # of a test split whose number is not set
ASSUMED = (
    "Assumed: the time of a network is proportional to the pixels that it sees, at every size of "
    "patches; three channels cost as much as one; operators, images, scores and methods without a "
    "network cost nothing; the memory of the device holds every batch; one job at a time on a "
    f"device; {IMAGES} test images where their number is not set."
)


def seen_by_prior(prior: dict[str, Any], patch: int, size: list[int]) -> int:
    """Pixels that the network sees in an evaluation of one image of ``size`` (H, W)."""
    if prior["assembly"] == "whole":
        return size[0] * size[1]
    if prior["assembly"] in ("average", "stitch"):
        count = [len(starts(n, 0, patch, prior["overlap"])) for n in size]
    else:
        count = [tiles_and_margin(n, patch)[0] for n in size]
    return count[0] * count[1] * patch**2


def seen_in_training(params: TrainingParams, size: list[int]) -> float:
    """Pixels that a network sees in its training on images of ``size`` (H, W)."""
    if not params.patch:
        return params.examples * size[0] * size[1]
    steps = list(zip(params.probabilities, params.batch, params.sizes, strict=True))
    examples = sum(share * batch for share, batch, _ in steps)
    return params.examples * sum(p * batch * side**2 for p, batch, side in steps) / examples


def hours(
    config: dict[str, Any], rate_of: Callable[[str, str], Rate]
) -> tuple[Hours, dict[str, Hours]]:
    """Hours of all trainings that tables of ``all`` need, and by table of its reconstructions.

    Args:
        config: resolved.
        rate_of: seconds per pixel of a network (name) on the images of a dataset.
    """
    trainings: Hours = {}
    tables: dict[str, Hours] = {}
    counts = counting(config)
    for table, chosen in config["tables"].items():
        if chosen["extra"]:
            continue
        rows = [row for row in rows_of(config, table) if row not in CONTROLS]
        tables[table] = {}
        for problem, row in ((p, r) for p in chosen["problems"] for r in rows):
            prior = prior_of(config, row)
            if prior is None or foreign_of(config, prior):  # of which no recipe is known
                continue
            settings = config["problems"][problem]
            rate = rate_of(prior["network"], settings["trained_on"])
            dataset = config["datasets"][settings["dataset"]]
            training = recipe(config, prior["network"], settings["trained_on"])["training"]
            params = make_params(TrainingParams, training, prior["network"])
            calls, gradients = counts(problem, row)
            seen = seen_by_prior(prior, params.patch, dataset["size"]) * (dataset["test"] or IMAGES)
            cost = (calls - gradients) * rate.inference + gradients * rate.gradient
            tables[table][f"{row} on {problem}"] = cost * seen * settings["repeats"] / 3600
            for name in networks_for(config, problem, row):
                size = config["datasets"][name.split("/")[0]]["size"]
                trainings[name] = rate.training * seen_in_training(params, size) / 3600
    return trainings, tables


def estimate(
    config: dict[str, Any], tflops: float | None, say: Callable[[str], None] = print
) -> None:
    """Say what everything that ``all`` makes of ``config`` costs.

    Args:
        config: resolved.
        tflops: 10^12 operations per second that the device that is meant sustains; if None, hours
            are those of this machine.
        say: is called with each line as soon as it is known.
    """
    job = Jobs(config).train(f"{next(iter(config['datasets']))}/{next(iter(config['networks']))}")
    device, precision = setup(job, 1)
    rates: dict[str, Rate] = {}
    where = f"{processor(device)}{', one core' if device.type == 'cpu' else ''}"
    say(f"measured on {where}, {str(precision).removeprefix('torch.')}")

    def rate_of(name: str, dataset: str) -> Rate:
        made = recipe(config, name, dataset)
        structure = structure_of(made["network"]) | {"position": None, "context": None}
        key = json.dumps([structure, bool(made["training"].get("patch"))])
        if key not in rates:
            size = next(iter(config["datasets"].values()))["size"]
            rates[key] = measured(made, size, device, precision)
            say(_said(name, rates[key], size))
        return rates[key].at(1e12 * tflops) if tflops else rates[key]

    trainings, tables = hours(config, rate_of)
    if tflops:
        say(f"all hours are those of a device that sustains {tflops:g} TFLOP/s")
    for name, cost in trainings.items():
        say(f"train {name}: {cost:.3g} h")
    for table, rows in tables.items():
        longest = max(rows, key=rows.get, default=None)
        said = f", the longest {longest} {rows[longest]:.3g} h" if longest else ""
        say(f"{table}: {len(rows)} rows with a network, {sum(rows.values()):.3g} h{said}")
    different = {name: cost for rows in tables.values() for name, cost in rows.items()}
    training, reconstruction = sum(trainings.values()), sum(different.values())
    chain = max(trainings.values(), default=0) + max(different.values(), default=0)
    say(f"all: {training:.3g} h of training and {reconstruction:.3g} h of reconstruction")
    for count in DEVICES:
        days = max((training + reconstruction) / count, chain) / 24
        say(f"on {count} device{'s' if count > 1 else ''}: {days:.3g} days or more")
    useful = ceil((training + reconstruction) / chain) if chain else 1
    say(f"more than {useful} devices make nothing faster")
    say(ASSUMED)


def _said(name: str, rate: Rate, size: list[int]) -> str:
    pixels = size[0] * size[1]
    return (
        f"{name}: {rate.flops * pixels / 1e9:.0f} GFLOP per {size[0]} x {size[1]} pixels seen: "
        f"evaluation {rate.inference * pixels:.3g} s ({rate.flops / rate.inference / 1e9:.0f} "
        f"GFLOP/s), with its gradient {rate.gradient * pixels:.3g} s, training "
        f"{rate.training * pixels:.3g} s"
    )
