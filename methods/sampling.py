"""Shared by samplers: noise levels, starts, annealed Langevin dynamics, explicit data steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import PositiveFloat, PositiveInt

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
class Schedule:
    """Noise levels of a sampler; base class of ``Params``."""

    sigma_max: PositiveFloat = 1.0  # first noise level, image units
    sigma_min: PositiveFloat = 0.01  # last noise level
    levels: PositiveInt = 50  # noise levels
    spacing: Literal["geometric", "power"] = "geometric"  # of the noise levels

    def sigmas(self) -> list[float]:
        """The noise levels, from ``sigma_max`` down to ``sigma_min``.

        Raises:
            ValueError: they do not decrease.
        """
        first, last = self.sigma_max, self.sigma_min
        if not 0 < last <= first:
            raise ValueError(f"sigma_min {last:g} is not between 0 and sigma_max {first:g}")
        return SPACINGS[self.spacing](first, last, self.levels)


@dataclass(frozen=True)
class Start:
    """Start of a sampler; base class of ``Params``."""

    start: Literal["noise", "baseline"] = "noise"  # with sigma_max, or the problem's baseline


@dataclass(frozen=True)
class Annealing(Schedule):
    """Parameters of ``anneal``; base class of ``Params``. The defaults take 1000 evaluations."""

    epsilon: PositiveFloat = 1.0  # Langevin step relative to sigma^2, (0, 2)
    sigma_max: PositiveFloat = 10.0  # first noise level, image units
    sigma_min: PositiveFloat = 0.002  # last noise level
    levels: PositiveInt = 100  # noise levels
    updates: PositiveInt = 10  # updates per level


def anneal(
    x: torch.Tensor,
    move: Callable[[torch.Tensor, float, float], torch.Tensor],
    params: Annealing,
    noise: ImageNoise,
    progress: Progress,
) -> torch.Tensor:
    """Annealed Langevin dynamics (Song, Ermon, NeurIPS 2019, arXiv 1907.05600, algorithm 1).

    For each level sigma, from high to low, ``updates`` times:

        x <- move(x, sigma, alpha) + sqrt(alpha) z,     alpha = epsilon sigma^2

    z ~ N(0, I), and 0 at the last level.

    Args:
        x: initial states (B, C, H, W).
        move: returns x after the drift of the Langevin step, alpha/2 times the score, and, for a
            posterior, after the data step.

    Returns:
        The last x.
    """
    p = params
    for level, sigma in enumerate(p.sigmas()):
        alpha = p.epsilon * sigma**2
        for update in range(p.updates):
            x = move(x, sigma, alpha)
            if level < p.levels - 1:
                x = x + alpha**0.5 * noise.normal_like(x)
            progress(level * p.updates + update + 1, p.levels * p.updates)
    return x


@dataclass(frozen=True)
class GenerationParams(Annealing):
    """Parameters of ``generate``; the defaults take 300 evaluations."""

    levels: PositiveInt = 300  # noise levels
    updates: PositiveInt = 1  # updates per level


def generate(
    prior: Prior, noise: ImageNoise, progress: Progress, params: GenerationParams
) -> torch.Tensor:
    """Sample the prior with ``anneal``, starting from N(0, sigma_max^2 I).

    Returns (B, C, H, W), where B is the number of images of ``noise``.
    """

    def move(x, sigma, alpha):
        return x + alpha / 2 * (prior.denoise(x, sigma) - x) / sigma**2

    x = params.sigma_max * noise.normal(prior.state_shape)
    return prior.crop(anneal(x, move, params, noise, progress))


def initial_state(
    y: torch.Tensor, problem: Problem, prior: Prior, noise: ImageNoise, start: str, sigma_max: float
) -> torch.Tensor:
    """Initial state of a sampler: N(0, sigma_max^2 I) for "noise", or the padded "baseline"."""
    if start == "noise":
        return sigma_max * noise.normal(prior.state_shape).to(y)
    return prior.pad(problem.baseline(y))


def noisy_start(
    y: torch.Tensor, problem: Problem, noise: ImageNoise, start: str, sigma_max: float
) -> torch.Tensor:
    """Noise of level ``sigma_max``, (B, C, H, W): alone ("noise") or added to the "baseline"."""
    baseline = problem.baseline(y)
    noisy = sigma_max * noise.normal_like(baseline)
    return noisy if start == "noise" else baseline + noisy


def noise_aware(zeta: float, step: float | torch.Tensor, problem: Problem) -> float | torch.Tensor:
    """Length of a least-squares step beside ``step`` times the score: min(zeta, step / sigma_y^2).

    A^T (y - A x) / sigma_y^2 is the gradient of the log-likelihood, which Langevin dynamics and the
    reverse diffusion of the posterior add to the score (ignoring the noise level sigma of x). The
    step is zeta as long as that is shorter, and always without measurement noise; a longer step
    would fit the noise of the measurement. At unit norm, steps below 2 / (1 + epsilon / 2) are
    stable for any denoiser; denoisers are contractions, so longer steps can be stable, too.
    """
    if not problem.noise_level:
        return zeta
    return torch.as_tensor(step / problem.noise_level**2).clamp(max=zeta)


def data_step(
    x: torch.Tensor,
    y: torch.Tensor,
    problem: Problem,
    prior: Prior,
    kind: str,
    zeta: float,
    step: float | torch.Tensor,
) -> torch.Tensor:
    """Update of a state x by an explicit data step, with r = y - A x.

    "norm" is zeta A^T r / ||r|| of the unscaled operator; "least_squares" is zeta A^T r of the
    unit-norm operator, where ``noise_aware`` limits zeta relative to ``step`` times the score.
    """
    r = y - problem.physics.A(prior.crop(x))
    direction = prior.pad(problem.physics.A_adjoint(r))
    if kind == "least_squares":
        return noise_aware(zeta, step, problem) * direction
    norms = r.flatten(1).norm(dim=1).clamp(min=1e-12)
    return zeta * problem.norm * direction / norms[:, None, None, None]
