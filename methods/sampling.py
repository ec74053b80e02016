"""Noise schedules and the sampler that PaDIS and whole-image diffusion share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from methods.base import Progress
from problems.base import Problem
from problems.noise import ImageNoise

if TYPE_CHECKING:
    from methods.priors.base import Prior


def geometric_levels(sigma_max: float, sigma_min: float, count: int) -> list[float]:
    """Noise levels from ``sigma_max`` down to ``sigma_min`` with a constant ratio."""
    ratio = sigma_min / sigma_max
    return [sigma_max * ratio ** (i / max(count - 1, 1)) for i in range(count)]


def power_levels(sigma_max: float, sigma_min: float, count: int, rho: float = 7.0) -> list[float]:
    """Noise levels from ``sigma_max`` down to ``sigma_min`` (EDM, arXiv 2206.00364, equation 5)."""
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return [(high + i / max(count - 1, 1) * (low - high)) ** rho for i in range(count)]


SPACINGS = {"geometric": geometric_levels, "power": power_levels}


@dataclass(frozen=True)
class DPSParams:
    """Parameters of the DPS-Langevin loop. Defaults: 1000 evaluations as in the paper.

    Where the paper and its code differ, the default follows section 9 of our specification. The
    paper's text is ``data_step="squared", epsilon=1.0``, the released code is ``spacing="power",
    start="baseline"``.
    """

    zeta: float = 0.3  # data step for the unscaled operator, > 0
    epsilon: float = 0.5  # Langevin step relative to sigma^2, (0, 2)
    sigma_max: float = 10.0  # first noise level, image units
    sigma_min: float = 0.002  # last noise level
    levels: int = 100  # noise levels
    updates: int = 10  # updates per level
    spacing: Literal["geometric", "power"] = "geometric"  # of the noise levels
    data_step: Literal["norm", "squared", "least_squares"] = "norm"  # zeta grad||r||, or zeta/||r|| grad||r||^2
    start: Literal["noise", "baseline"] = "noise"  # N(0, sigma_max^2), or the baseline without noise


def dps_langevin(
    y: torch.Tensor,
    problem: Problem,
    prior: Prior,
    noise: ImageNoise,
    progress: Progress,
    params: DPSParams,
) -> torch.Tensor:
    """VE-DPS by annealed Langevin dynamics (PaDIS, arXiv 2406.02462, algorithm 1).

    For each level sigma, from high to low, ``updates`` times, with d = D(x; sigma), r = y - A d:

        s     = (d - x) / sigma^2
        x    <- x - zeta grad_x ||r|| + alpha/2 s + sqrt(alpha) z,     alpha = epsilon sigma^2

    z ~ N(0, I), and 0 at the last level. The gradient passes through the network.
    """
    p = params
    # zeta belongs to the unscaled operator: grad ||y - A x|| shrinks with ||A||.
    zeta = p.zeta * {"norm": problem.norm, "squared": 2 * problem.norm, "least_squares": 1}[p.data_step]
    sigmas = SPACINGS[p.spacing](p.sigma_max, p.sigma_min, p.levels)
    if p.start == "noise":
        x = p.sigma_max * noise.normal(prior.state_shape).to(y)
    else:
        x = prior.pad(problem.baseline(y))

    for level, sigma in enumerate(sigmas):
        alpha = p.epsilon * sigma**2
        for update in range(p.updates):
            with torch.enable_grad():
                x.requires_grad_()
                d = prior.denoise(x, sigma)
                r = y - problem.physics.A(prior.crop(d))
                r = r.flatten(1)
                objective = r.square().sum() / 2 if p.data_step == "least_squares" else r.norm(dim=1).sum()
                (gradient,) = torch.autograd.grad(objective, x)
            x, d = x.detach(), d.detach()
            s = (d - x) / sigma**2
            x = x - zeta * gradient + alpha / 2 * s
            if level < p.levels - 1:
                x = x + alpha**0.5 * noise.normal_like(x)
            progress(level * p.updates + update + 1, p.levels * p.updates)
    return prior.crop(x)
