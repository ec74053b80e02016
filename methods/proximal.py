"""Data step shared by plug-and-play methods: least squares near an image."""

import torch
from deepinv.optim.linear import conjugate_gradient
from deepinv.physics import LinearPhysics

from methods.priors.base import Prior
from problems.base import Problem

LEAST_PENALTY = 1e-4  # for the unit-norm operator in single precision
EPS = 1e-20  # added to denominators; the default of conjugate_gradient makes it stop early


def proximal(
    physics: LinearPhysics,
    aty: torch.Tensor,
    v: torch.Tensor,
    gamma: float,
    iterations: int,
    start: torch.Tensor | None = None,
) -> torch.Tensor:
    """argmin_x ||A x - y||^2 / 2 + gamma/2 ||x - v||^2 by conjugate gradients.

    Step lengths are per image, so that images of a batch do not influence each other.

    Args:
        physics: A, of spectral norm 1.
        aty: A^T y, (B, C, H, W).
        v: centre of the penalty, (B, C, H, W).
        gamma: penalty, > 0; a small one stabilises the iteration if A has a null-space.
        iterations: of conjugate gradients, on (A^T A + gamma I) x = A^T y + gamma v.
        start: first iterate, default ``v``, which keeps the null-space component of ``v``.
    """

    def normal(x):
        return physics.A_adjoint(physics.A(x)) + gamma * x

    return conjugate_gradient(
        normal,
        aty + gamma * v,
        iterations,
        tol=0,
        eps=EPS,
        parallel_dim=[0],
        init=v if start is None else start,
    )


def penalty(weight: float, sigma: float, problem: Problem) -> float:
    """Penalty weight max(sigma_y^2 / sigma^2, 1e-4) around an image with error level ``sigma``.

    With weight 1 and measurement noise sigma_y, ``proximal`` is the most probable image if the
    errors of v are Gaussian with standard deviation ``sigma``. Without noise the penalty could be
    arbitrarily small. Rounding errors in the null-space of A are divided by the penalty; the lower
    limit keeps them below 1e-3 for weight 1.
    """
    return weight * max(problem.noise_level**2 / sigma**2, LEAST_PENALTY)


def mean_denoised(prior: Prior, x: torch.Tensor, sigma: float, evaluations: int) -> torch.Tensor:
    """Mean of D(x; sigma) over ``evaluations`` calls, for a patch prior over random grids."""
    return torch.stack([prior.denoise(x, sigma) for _ in range(evaluations)]).mean(dim=0)
