"""ADMM-TV: least squares with total variation.

Minimises ||A x - y||^2 / 2 + lambda TV(x) with the split w = D x, D the forward differences:

    x <- argmin_x ||A x - y||^2 / 2 + rho/2 ||D x - w + u||^2      (conjugate gradients, warm start)
    w <- shrink(D x + u, lambda / rho)
    u <- u + D x - w

TV is isotropic (norm of the difference vector at each pixel) or anisotropic (sum of the absolute
values of its entries); differences at the border are 0. Channels are independent.

Reference: Boyd, Parikh, Chu, Peleato, Eckstein, "Distributed Optimization and Statistical Learning
via ADMM", 2011, section 6.4; the "ADMM-TV" rows of Hu et al., NeurIPS 2024, arXiv 2406.02462.

Deviations: PaDIS does not state rho, the number of iterations or the kind of TV.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from deepinv.optim.linear import conjugate_gradient
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from methods.base import Method
from methods.proximal import EPS


def differences(x: torch.Tensor) -> torch.Tensor:
    """D x: forward differences along rows and columns, (B, C, H, W) -> (B, C, H, W, 2)."""
    dx = torch.zeros(*x.shape, 2, dtype=x.dtype, device=x.device)
    dx[..., :-1, :, 0] = x[..., 1:, :] - x[..., :-1, :]
    dx[..., :-1, 1] = x[..., 1:] - x[..., :-1]
    return dx


def differences_adjoint(w: torch.Tensor) -> torch.Tensor:
    """D^T w, the exact transpose of ``differences``."""
    x = torch.zeros_like(w[..., 0])
    x[..., 1:, :] += w[..., :-1, :, 0]
    x[..., :-1, :] -= w[..., :-1, :, 0]
    x[..., 1:] += w[..., :-1, 1]
    x[..., :-1] -= w[..., :-1, 1]
    return x


class ADMMTV(Method):
    label = "ADMM-TV"
    reference = "Boyd et al., Foundations and Trends in Machine Learning, 2011"

    @dataclass(frozen=True)
    class Params:
        weight: NonNegativeFloat = 0.001  # lambda for the unscaled operator, > 0
        rho: PositiveFloat = 0.1  # penalty for the unit-norm operator, > 0
        iterations: PositiveInt = 100  # of ADMM
        cg_iterations: PositiveInt = 5  # per x-update
        tv: Literal["isotropic", "anisotropic"] = "isotropic"

    def reconstruct(self, y, problem, prior, noise, progress):
        p, physics = self.params, problem.physics
        # lambda is for the unscaled operator: ||A x - y||^2 scales with ||A||^2.
        threshold = p.weight / problem.norm**2 / p.rho
        aty = physics.A_adjoint(y)

        def normal(x):
            return physics.A_adjoint(physics.A(x)) + p.rho * differences_adjoint(differences(x))

        x = problem.baseline(y)
        w = differences(x)
        u = torch.zeros_like(w)
        for k in range(p.iterations):
            b = aty + p.rho * differences_adjoint(w - u)
            x = conjugate_gradient(
                normal, b, p.cg_iterations, tol=0, eps=EPS, parallel_dim=[0], init=x
            )
            dx = differences(x)
            w = self._shrink(dx + u, threshold)
            u = u + dx - w
            progress(k + 1, p.iterations)
        return x

    def _shrink(self, v, threshold):
        size = v.abs()
        if self.params.tv == "isotropic":
            size = v.norm(dim=-1, keepdim=True)
        return v * (1 - threshold / size.clamp(min=threshold))
