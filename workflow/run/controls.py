"""Controls: what could be had without a method, made from what no method is given.

They bound a table. Their names and labels are in ``workflow.config.resolve.CONTROLS``.
"""

import torch
from deepinv.optim.linear import conjugate_gradient

from problems.base import Problem

ITERATIONS = 1000  # of conjugate gradients


def mean_image(problem: Problem, truth: torch.Tensor, train: torch.Tensor) -> torch.Tensor:
    """m, the mean training image, for every test image: what is known without a measurement."""
    return train.mean(dim=0, keepdim=True).expand_as(truth).clone()


def oracle(problem: Problem, truth: torch.Tensor, train: torch.Tensor) -> torch.Tensor:
    """m + A^+ A (x - m): the measured part of the truth x without noise, the rest from m.

    A^+ A is the projection onto the range of A^T, by conjugate gradients on least squares in double
    precision. Directions that hardly reach the measurement count as null-space: how weak they are
    is decided by the number of iterations. ``problem`` is in double precision afterwards.
    """
    physics, mean = problem.physics.double(), mean_image(problem, truth, train)

    def normal(x):
        return physics.A_adjoint(physics.A(x))

    b = normal((truth - mean).double())
    start = torch.zeros_like(b)
    step = conjugate_gradient(
        normal, b, ITERATIONS, tol=1e-12, eps=1e-30, parallel_dim=[0], init=start
    )
    return mean + step.float()


CONTROLS = {"mean_image": mean_image, "oracle": oracle}
