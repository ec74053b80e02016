"""PnP-RED: gradient descent on least squares plus regularisation by denoising.

    x <- x - mu (A^T (A x - y) + lambda (x - D(x; sigma)))

D is a Gaussian denoiser, trained on the same images as the diffusion priors.

Reference: Romano, Elad, Milanfar, "The Little Engine That Could: Regularization by Denoising
(RED)", SIAM Journal on Imaging Sciences 2017, arXiv 1611.02862; the "PnP-RED" rows of Hu et al.,
NeurIPS 2024, arXiv 2406.02462.

Deviations: PaDIS does not state the network, its noise level, mu, lambda or the number of
iterations. x is clipped to [0, 1] before denoising, because a network that is not nonexpansive
drifts in the null-space.
"""

from dataclasses import dataclass

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from methods.base import Method


class PnPRED(Method):
    label = "PnP-RED"
    reference = "Romano, Elad, Milanfar, SIIMS 2017, arXiv 1611.02862; Hu et al., NeurIPS 2024"
    prior = "gaussian"

    @dataclass(frozen=True)
    class Params:
        mu: PositiveFloat = 1.0  # step for the unit-norm operator, (0, 2 / (1 + weight))
        weight: NonNegativeFloat = 0.05  # lambda for the unit-norm operator, > 0
        sigma: PositiveFloat = 0.02  # noise level that the denoiser removes, image units
        iterations: PositiveInt = 300

    def reconstruct(self, y, problem, prior, noise, progress):
        p, physics = self.params, problem.physics
        x = problem.baseline(y)
        for k in range(p.iterations):
            residual = physics.A_adjoint(physics.A(x) - y)
            x = x - p.mu * (residual + p.weight * (x - prior.denoise(x.clamp(0, 1), p.sigma)))
            progress(k + 1, p.iterations)
        return x
