"""Where a network spends its time: every layer beside the peak of the core."""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from methods.priors.networks import NetworkParams, build_network
from methods.priors.training import Trainer, TrainingParams
from workflow.plugins.params import make_params, nearest

REPEATS = 20
SIDE = 1024  # of the matrices whose product is the peak


def profile(config: dict[str, Any], name: str, dataset: str) -> list[str]:
    """Time a forward pass and a training step of the network ``name``, on one thread.

    Args:
        config: resolved; the network is that of its ``networks``.
        dataset: whose size the images have, which are grey.

    Returns:
        One line per layer that has weights: GFLOP/s and its share of the peak, which is that of a
        product of two matrices; and one for all of them, one for a training step.
    """
    for key, chosen in (("networks", name), ("datasets", dataset)):
        if chosen not in config[key]:
            raise ValueError(f"unknown {key[:-1]} {chosen!r}{nearest(chosen, config[key])}")
    shape = 1, *config["datasets"][dataset]["size"]
    torch.set_num_threads(1)
    recipe = config["networks"][name]
    network = build_network(shape[0], make_params(NetworkParams, recipe["network"], name))
    network = network.to(memory_format=torch.channels_last)
    params = make_params(TrainingParams, recipe["training"], name)
    trainer = Trainer(network, torch.rand(8, *shape), params, 0)
    (height, width), batch = trainer.windows[-1], params.batch[-1]
    x, sigma = torch.rand(batch, shape[0], height, width), torch.full((batch,), 0.1)
    position, peak = torch.rand(batch, 2, height, width), matrix_peak()
    layers = {n: m for n, m in network.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear))}
    seconds, flops = dict.fromkeys(layers, 0.0), dict.fromkeys(layers, 0)
    for layer, module in layers.items():
        module.forward = _timed(module, layer, seconds, flops)
    with torch.inference_mode():
        network(x, sigma, position, x)
        seconds.update(dict.fromkeys(layers, 0.0))
        start = time.perf_counter()
        for _ in range(REPEATS):
            network(x, sigma, position, x)
        total = time.perf_counter() - start
    lines = [f"{batch} x {height} x {width} pixels; peak {peak / 1e9:.0f} GFLOP/s"]
    for layer in layers:
        rate = flops[layer] * REPEATS / seconds[layer]
        said = f"{rate / 1e9:.1f} GFLOP/s, {rate / peak:.0%} of the peak"
        lines.append(f"{layer}: {said}; {seconds[layer] / total:.1%} of the time")
    rate = sum(flops.values()) * REPEATS / total
    lines.append(f"forward pass: {total / REPEATS * 1e3:.1f} ms, {rate / peak:.0%} of the peak")
    trainer.step()
    start, pixels = time.perf_counter(), trainer.pixels
    for _ in range(REPEATS):
        trainer.step()
    cost = (time.perf_counter() - start) / (trainer.pixels - pixels)
    return [*lines, f"training: {cost * 1e6:.2f} microseconds per pixel"]


def matrix_peak() -> float:
    """Operations per second of a product of two matrices."""
    a = torch.rand(SIDE, SIDE)
    a @ a
    start = time.perf_counter()
    for _ in range(REPEATS):
        a @ a
    return 2 * SIDE**3 * REPEATS / (time.perf_counter() - start)


def _timed(
    module: nn.Module, name: str, seconds: dict[str, float], flops: dict[str, int]
) -> Callable[[torch.Tensor], torch.Tensor]:
    """The forward pass of a layer, which adds its time and notes its operations."""
    forward = module.forward

    def call(x: torch.Tensor) -> torch.Tensor:
        start = time.perf_counter()
        out = forward(x)
        seconds[name] += time.perf_counter() - start
        flops[name] = 2 * module.weight[0].numel() * out.numel()
        return out

    return call
