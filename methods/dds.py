"""DDS: decomposed diffusion sampling, with conjugate gradients and without network gradients.

For each noise level sigma from high to low, with the next level sigma':

    d     = D(x; sigma)
    x0    = argmin_x ||A x - y||^2 / 2 + gamma/2 ||x - d||^2    (conjugate gradients, from d)
    x    <- x0 + sigma' (sqrt(1 - eta^2) (x - d) / sigma + eta z),     z ~ N(0, I)

The result is x0 of the last level, where d is the mean over ``shifts`` evaluations.

Reference: Chung, Lee, Ye, "Decomposed Diffusion Sampler for Accelerating Large-Scale Inverse
Problems", ICLR 2024, arXiv 2303.05754, for a variance-exploding diffusion.

Deviations: gamma = weight sigma_y^2 / sigma^2 (``methods.proximal.penalty``) instead of a constant;
it is small without measurement noise because conjugate gradients that start at d stay near d.
``start="baseline"`` starts at the baseline with noise of sigma_max instead of noise alone.
"""

from dataclasses import dataclass
from itertools import pairwise

from pydantic import NonNegativeFloat, PositiveInt

from methods.base import Method
from methods.proximal import mean_denoised, penalty, proximal
from methods.sampling import Schedule, Start, noisy_start


class DDS(Method):
    label = "DDS"
    reference = "Chung, Lee, Ye, ICLR 2024, arXiv 2303.05754"
    prior = "padis"
    samples = True

    @dataclass(frozen=True)
    class Params(Schedule, Start):
        weight: NonNegativeFloat = 1.0  # of the penalty, > 0
        eta: float = 0.85  # share of fresh noise, [0, 1]
        cg_iterations: PositiveInt = 5  # per data step
        shifts: PositiveInt = 1  # evaluations averaged at the last level

    def reconstruct(self, y, problem, prior, noise, progress):
        p, physics = self.params, problem.physics
        aty = physics.A_adjoint(y)
        x = noisy_start(y, problem, noise, p.start, p.sigma_max)
        for level, (sigma, sigma_next) in enumerate(pairwise([*p.sigmas(), 0.0])):
            d = mean_denoised(prior, x, sigma, 1 if sigma_next else p.shifts)
            gamma = penalty(p.weight, sigma, problem)
            x0 = proximal(physics, aty, d, gamma, p.cg_iterations)
            if sigma_next:
                kept = (1 - p.eta**2) ** 0.5 * (x - d) / sigma
                x = x0 + sigma_next * (kept + p.eta * noise.normal_like(x))
            progress(level + 1, p.levels)
        return x0
