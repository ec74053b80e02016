"""What a configuration costs before it runs: hours of trainings and reconstructions, and GPUs.

Evaluations are counted with a prior that computes nothing, seconds per pixel are measured on this
machine and multiplied by the pixels that networks will see.
"""

import json
import time
from collections.abc import Callable
from functools import cache
from math import ceil
from typing import Any, NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from methods.priors.base import Prior
from methods.priors.networks import NetworkParams, build_network
from methods.priors.overlap import starts
from methods.priors.patches import tiles_and_margin
from methods.priors.training import TrainingParams, trainer_of
from problems.base import Problem
from problems.noise import ImageNoise
from workflow.config.build import build_method, build_problem
from workflow.config.jobs import Jobs
from workflow.config.views import (
    CONTROLS,
    foreign_of,
    networks_for,
    params_of,
    prior_of,
    recipe,
    rows_of,
)
from workflow.plugins.params import make_params
from workflow.run.device import setup
from workflow.run.harness import Counter, timed
from workflow.store.provenance import processor

Hours = dict[str, float]  # of jobs, by what they are called
Counts = tuple[float, float]  # evaluations per image, and those of which the gradient is taken
DEVICES = (1, 4, 8, 16)
IMAGES = 25  # of a test split whose number is not set
SIDE = 32  # of the images on which evaluations are counted, their number is that of large ones
REPEATS = 5  # on a GPU, and on a CPU of what takes less than a second
PIXELS = {"cpu": 8_000, "cuda": 200_000}  # that the network sees at a time
ASSUMED = (
    "Assumed: the time of a network is proportional to the pixels that it sees, at every size of "
    "patches; three channels cost as much as one; operators, images, scores and methods without a "
    "network cost nothing; the memory of the device holds every batch; one job at a time on a "
    f"device; {IMAGES} test images where their number is not set."
)


class Rate(NamedTuple):
    """Seconds of an architecture per pixel that it sees, and operations of an evaluation.

    A gradient has twice as many operations as an evaluation, a training step three times.
    """

    inference: float
    gradient: float
    training: float
    flops: float

    def at(self, speed: float) -> "Rate":
        """The rate on a machine that does ``speed`` operations per second."""
        cost = self.flops / speed
        return Rate(cost, 2 * cost, 3 * cost, self.flops)


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
        structure = make_params(NetworkParams, made["network"], "network")
        structure = structure._replace(position=None, context=None)
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


def hours(
    config: dict[str, Any], rate_of: Callable[[str, str], Rate]
) -> tuple[Hours, dict[str, Hours]]:
    """Hours of all trainings that tables of ``all`` need, and by table of its reconstructions.

    Args:
        config: resolved.
        rate_of: rate of a network (name) on the images of a dataset.
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


class _Halving(Prior):
    def _denoise(self, x, sigma):
        return 0.5 * x


def counting(config: dict[str, Any]) -> Callable[[str, str], Counts]:
    """The function that counts the evaluations of a row on a problem of ``config``, per image.

    Rows of one method whose parameters differ in numbers with a point only are counted once.
    """
    known: dict[str, Counts] = {}

    @cache
    def operator(problem: str) -> Problem:
        settings = config["problems"][problem]
        return build_problem(settings["family"], settings["params"], (1, SIDE, SIDE))

    def counts(problem: str, row: str) -> Counts:
        chosen = config["rows"][row]
        if prior_of(config, row) is None:
            return 0, 0
        method = build_method(chosen["method"], params_of(chosen, problem))
        built = operator(problem)
        if method.skip(built):
            return 0, 0
        whole = {k: v for k, v in vars(method.params).items() if not isinstance(v, float)}
        key = f"{chosen['method']} {whole}"
        if key not in known:
            counter, noise = Counter(), ImageNoise([0], "cpu")
            prior = _Halving(torch.nn.Identity(), built.shape).bind(noise)
            y = built.measure(torch.rand(1, *built.shape), noise)
            timed(method, y, built, counter.watch_prior(prior), noise, lambda done, total: None)
            known[key] = counter.counts["denoiser_calls"], counter.counts["jacobian_calls"]
        return known[key]

    return counts


def measured(
    recipe: dict[str, Any], size: list[int], device: torch.device, precision: torch.dtype
) -> Rate:
    """Measure the network of ``recipe``, grey, on its patches or on images of ``size`` (H, W)."""
    params = make_params(TrainingParams, recipe["training"], "training")
    structure = make_params(NetworkParams, recipe["network"], "network")._replace(context=False)
    network = build_network(1, structure, params.patch, params.batch[0])
    network = network.to(device, memory_format=torch.channels_last)
    network.precision = precision
    side = [params.patch] * 2 if params.patch else list(size)
    count = max(PIXELS[device.type] // (side[0] * side[1]), 1)
    pixels = count * side[0] * side[1]
    x = torch.rand(count, 1, *side, device=device)
    position = torch.rand(count, 2, *side, device=device)
    sigma = torch.full((count,), 0.1, device=device)

    def evaluate() -> None:
        with torch.inference_mode():
            network(x, sigma, position)

    def gradient() -> None:
        state = x.clone().requires_grad_()
        torch.autograd.grad(network(state, sigma, position).sum(), state)

    network.eval().requires_grad_(False)
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        network(x[:1], sigma[:1], position[:1])
    times = [seconds_of(call, device) / pixels for call in (evaluate, gradient)]
    network.requires_grad_(True)
    params = params._replace(batch=(count,))
    if params.patch:
        params = params._replace(sizes=(params.patch,), probabilities=(1.0,))
    trainer = trainer_of(network, torch.rand(count, 1, *size, device=device), params, 0)
    step = seconds_of(lambda: trainer.step(), device) / pixels
    return Rate(*times, step, flops.get_total_flops() / (side[0] * side[1]))


def seconds_of(call: Callable[[], object], device: torch.device) -> float:
    """Seconds that a call takes; the first one is not counted unless it is long.

    On a CPU they are those of the processor, not those that it spends on other programs.
    """
    cpu = device.type == "cpu"
    clock = time.process_time if cpu else time.perf_counter

    def seconds(repeats: int) -> float:
        start = clock()
        for _ in range(repeats):
            call()
        if not cpu:
            torch.cuda.synchronize()
        return (clock() - start) / repeats

    first = seconds(1)
    return first if cpu and first > 1 else seconds(REPEATS)
