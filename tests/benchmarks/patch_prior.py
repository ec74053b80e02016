"""Time of a PaDIS evaluation against its network's own time on the same tiles.

Run ``python tests/benchmarks/patch_prior.py``; prints both for the quick preset's network (64 x 64,
P = 24, batch of 8) and for wider tiles, with and without the Jacobian.
"""

import statistics
import sys
import time
from functools import partial
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from methods.priors.networks import Denoiser, NetworkParams
from methods.priors.patch import PatchPrior
from problems.noise import ImageNoise

REPEATS = 15


def paired(first, second) -> tuple[float, float, float]:
    """Median times of two calls run in turn and the median of their ratios, after a warm-up."""
    first(), second()
    rows = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        first()
        middle = time.perf_counter()
        second()
        rows.append((middle - start, time.perf_counter() - middle))
    ratio = statistics.median(a / b for a, b in rows)
    return statistics.median(a for a, _ in rows), statistics.median(b for _, b in rows), ratio


def evaluate(denoise, state, jacobian):
    """Evaluate ``denoise``, and the gradient through it."""
    if not jacobian:
        with torch.inference_mode():
            return denoise(state)
    state = state.clone().requires_grad_()
    return torch.autograd.grad(denoise(state).sum(), state)


def main() -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = Denoiser(1, NetworkParams(width=32, multipliers=(1, 2, 4), blocks=1))
    network = network.eval().requires_grad_(False).to(device)
    print(f"{device}, {torch.get_num_threads()} threads; milliseconds per evaluation:")
    for size, patch, batch in ((64, 24, 8), (128, 56, 4), (256, 56, 1)):
        noise = ImageNoise(list(range(batch)), device)
        prior = PatchPrior(network, (1, size, size), patch).bind(noise)
        x = torch.rand(batch, *prior.state_shape, device=device)
        tiles = batch * prior._k * prior._l
        v = torch.rand(tiles, 1, patch, patch, device=device)
        sigma, position = (
            torch.ones(tiles, device=device),
            torch.zeros(tiles, 2, patch, patch, device=device),
        )

        for jacobian in (False, True):
            whole, own, ratio = paired(
                partial(evaluate, partial(prior.denoise, sigma=1.0), x, jacobian),
                partial(evaluate, partial(network, sigma=sigma, position=position), v, jacobian),
            )
            kind = "with Jacobian" if jacobian else "inference"
            print(
                f"{size} x {size}, P = {patch}, {tiles} tiles, {kind}: PaDIS {1e3 * whole:.1f}, "
                f"network {1e3 * own:.1f}, ratio {ratio:.3f}"
            )


if __name__ == "__main__":
    main()
