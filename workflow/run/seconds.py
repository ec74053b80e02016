"""Seconds and operations of a network per pixel that it sees, measured on this machine."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from methods.priors.networks import NetworkParams, build_network
from methods.priors.training import TrainingParams, trainer_of
from workflow.plugins.params import make_params

REPEATS = 5  # on a GPU, and on a CPU of what takes less than a second
PIXELS = {"cpu": 8_000, "cuda": 200_000}  # that the network sees at a time


@dataclass(frozen=True)
class Rate:
    """Of one architecture, per pixel that the network sees.

    Attributes:
        inference: seconds of an evaluation.
        gradient: seconds of an evaluation with its gradient.
        training: seconds of a training step.
        flops: operations of an evaluation; a gradient has twice as many, a training step three
            times.
    """

    inference: float
    gradient: float
    training: float
    flops: float

    def at(self, speed: float) -> "Rate":
        """The rate on a machine that does ``speed`` operations per second."""
        cost = self.flops / speed
        return Rate(cost, 2 * cost, 3 * cost, self.flops)


def measured(
    recipe: dict[str, Any], size: list[int], device: torch.device, precision: torch.dtype
) -> Rate:
    """Measure the network of ``recipe``, grey, on its patches or on images of ``size`` (H, W).

    On a CPU the seconds are those of the processor, not those that it spends on other programs.
    """
    params = make_params(TrainingParams, recipe["training"], "training")
    structure = structure_of(recipe["network"]) | {"context": False}
    network = build_network(1, NetworkParams(**structure), params.patch, params.batch[0])
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
    images = torch.rand(count, 1, *size, device=device)
    trainer = trainer_of(network, images, params, 0)
    step = seconds_of(lambda: trainer.step(), device) / pixels
    return Rate(*times, step, flops.get_total_flops() / (side[0] * side[1]))


def structure_of(network: dict[str, Any]) -> dict[str, Any]:
    """All parameters of a network."""
    return make_params(NetworkParams, network, "network")._asdict()


def seconds_of(call: Callable[[], object], device: torch.device) -> float:
    """Seconds that a call takes; the first one is not counted unless it is long."""
    cpu = device.type == "cpu"
    clock = time.process_time if cpu else time.perf_counter
    wait = (lambda: None) if cpu else torch.cuda.synchronize

    def seconds(repeats: int) -> float:
        start = clock()
        for _ in range(repeats):
            call()
        wait()
        return (clock() - start) / repeats

    first = seconds(1)
    return first if cpu and first > 1 else seconds(REPEATS)
