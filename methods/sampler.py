"""What samplers of PaDIS return: one draw, or the mean of draws, as it is or fitted to the data.

    xbar   = (x_1 + ... + x_K) / K,     x_k: draws of the sampler, K = ``draws``
    x_hat  = argmin_x ||A x - y||^2 / 2 + gamma/2 ||x - xbar||^2    (conjugate gradients, from xbar)

gamma = max(sigma_y^2 / 0.05^2, 1e-4), so that x_hat meets data without noise; 0.05 stands for the
error of a draw. The defaults, one draw and no iteration, are the samplers of the papers. A draw of
a posterior has twice the squared error of the posterior mean, and explicit data steps of a few
hundred evaluations leave a part of the residual.
"""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from pydantic import NonNegativeInt, PositiveInt

from methods.base import Method
from methods.proximal import penalty, proximal

ERROR = 0.05  # of a draw, image units


@dataclass(frozen=True)
class Output:
    """What a sampler returns; base class of ``Params``."""

    draws: PositiveInt = 1  # samples whose mean is returned
    data_iterations: NonNegativeInt = 0  # of conjugate gradients on the data, after them


class Sampler(Method):
    """A method that draws from a posterior; ``Params`` is an ``Output``."""

    samples = {"draws": [1]}  # noqa: RUF012

    @abstractmethod
    def draw(self, y, problem, prior, noise, progress) -> torch.Tensor:
        """One draw for each image, (B, C, H, W); arguments are those of ``reconstruct``."""

    def reconstruct(self, y, problem, prior, noise, progress):
        p, total = self.params, 0.0
        for k in range(p.draws):

            def partly(done, steps, k=k):
                progress(k * steps + done, p.draws * steps)

            total = total + self.draw(y, problem, prior, noise, partly)
        mean = total / p.draws
        if not p.data_iterations:
            return mean
        gamma = penalty(1.0, ERROR, problem)
        aty = problem.physics.A_adjoint(y)
        return proximal(problem.physics, aty, mean, gamma, p.data_iterations)
