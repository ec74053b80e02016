"""PnP-ADMM: ADMM with a denoiser in place of a proximal operator.

    x <- argmin_x ||A x - y||^2 / 2 + gamma/2 ||x - (v - u)||^2    (conjugate gradients, warm start)
    v <- D(x + u; sigma)
    u <- u + x - v

D is a Gaussian denoiser, trained on the same images as the diffusion priors.

Reference: Venkatakrishnan, Bouman, Wohlberg, "Plug-and-Play Priors for Model Based Reconstruction",
GlobalSIP 2013, doi 10.1109/GlobalSIP.2013.6737048; the "PnP-ADMM" rows of Hu et al., NeurIPS 2024,
arXiv 2406.02462.

Deviations: PaDIS does not state the network, its noise level, gamma or the number of iterations.
x + u is clipped to [0, 1] before denoising, as in a working reproduction of these rows.
"""

from dataclasses import dataclass

import torch
from pydantic import PositiveFloat, PositiveInt

from methods.base import Method
from methods.proximal import proximal


class PnPADMM(Method):
    label = "PnP-ADMM"
    reference = "Venkatakrishnan, Bouman, Wohlberg, GlobalSIP 2013; Hu et al., NeurIPS 2024"
    prior = "gaussian"

    @dataclass(frozen=True)
    class Params:
        gamma: PositiveFloat = 0.1  # penalty for the unit-norm operator, > 0
        sigma: PositiveFloat = 0.02  # noise level that the denoiser removes, image units
        iterations: PositiveInt = 60  # of ADMM
        cg_iterations: PositiveInt = 50  # per x-update

    def reconstruct(self, y, problem, prior, noise, progress):
        p, physics = self.params, problem.physics
        aty = physics.A_adjoint(y)
        x = v = problem.baseline(y)
        u = torch.zeros_like(x)
        for k in range(p.iterations):
            x = proximal(physics, aty, v - u, p.gamma, p.cg_iterations, start=x)
            v = prior.denoise((x + u).clamp(0, 1), p.sigma)
            u = u + x - v
            progress(k + 1, p.iterations)
        return x
