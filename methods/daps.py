"""DAPS: decoupled annealing posterior sampling.

For each noise level sigma from high to low, with the next level sigma':

    v     = solution at s = 0 of the probability flow dx/ds = (x - D(x; s)) / s from x at s = sigma
    x0    ~ N(x0; v, r^2 I) N(y; A x0, sigma_y^2 I),     r = spread sigma
    x    <- x0 + sigma' z,     z ~ N(0, I)

The flow takes ``steps`` Euler steps with one evaluation each, and one step at the last level, where
v is the mean over ``shifts`` evaluations. The result is the most probable x0 at the last level.

Reference: Zhang, Chu, Berner, Meng, Anandkumar, Song, "Improving Diffusion Inverse Problem Solving
with Decoupled Noise Annealing", CVPR 2025, arXiv 2407.01521.

Deviations: x0 is drawn without Langevin dynamics, as A is linear: it minimises ||A x - y - sigma_y
n||^2 / 2 + gamma/2 ||x - v - r z||^2 with n, z ~ N(0, I) and gamma = sigma_y^2 / r^2 (perturbation
and optimisation: Papandreou, Yuille, NIPS 2010), up to the convergence of conjugate gradients;
gamma has a lower limit (``methods.proximal.penalty``). The flow has two steps instead of five, and
the last x0 is not drawn. ``start="baseline"`` starts at the baseline with noise of sigma_max.
"""

from dataclasses import dataclass
from itertools import pairwise

from pydantic import PositiveFloat, PositiveInt

from methods.base import Method
from methods.proximal import mean_denoised, penalty, proximal
from methods.sampling import Schedule, Start, noisy_start, power_levels


class DAPS(Method):
    label = "DAPS"
    reference = "Zhang et al., CVPR 2025, arXiv 2407.01521"
    prior = "padis"
    samples = True

    @dataclass(frozen=True)
    class Params(Schedule, Start):
        spread: PositiveFloat = 1.0  # r / sigma, > 0
        steps: PositiveInt = 2  # of the flow per level, one evaluation each
        cg_iterations: PositiveInt = 20  # per data step
        shifts: PositiveInt = 1  # evaluations averaged in the last step

    def reconstruct(self, y, problem, prior, noise, progress):
        p, physics = self.params, problem.physics
        x = noisy_start(y, problem, noise, p.start, p.sigma_max)
        for level, (sigma, sigma_next) in enumerate(pairwise([*p.sigmas(), 0.0])):
            v = self._flow(x, sigma, prior, 1 if sigma_next else p.shifts)
            r = p.spread * sigma
            gamma = penalty(1.0, r, problem)
            data = y
            if sigma_next:
                v = v + r * noise.normal_like(v)
                # Drawn even if sigma_y = 0, so that later draws do not depend on sigma_y.
                data = y + problem.noise_level * noise.normal_like(y)
            x0 = proximal(physics, physics.A_adjoint(data), v, gamma, p.cg_iterations)
            if sigma_next:
                x = x0 + sigma_next * noise.normal_like(x0)
            progress(level + 1, p.levels)
        return x0

    def _flow(self, x, sigma, prior, shifts):
        """Solve the probability flow from x at noise level sigma down to 0."""
        p = self.params
        levels = power_levels(sigma, min(p.sigma_min, sigma), p.steps)
        levels = levels[:1] if sigma < 1.001 * p.sigma_min else levels
        for s, s_next in pairwise([*levels, 0.0]):
            d = mean_denoised(prior, x, s, 1 if s_next else shifts)
            x = d + s_next / s * (x - d)
        return x
