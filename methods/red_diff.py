"""RED-diff: variational inference, regularised by denoising at every noise level.

A posterior N(mu, 0) is fitted by stochastic gradient descent, with one noise level sigma per step,
from high to low, and e = (mu + sigma z - D(mu + sigma z; sigma)) / sigma the predicted noise:

    g     = A^T (A mu - y) + lambda sigma (e - z),     z ~ N(0, I)
    mu   <- mu - Adam(g)

lambda sigma (e - z) = lambda (mu - D(mu + sigma z; sigma)): the weight sigma is that of the paper
(1 / SNR); without z this is regularisation by denoising.

Reference: Mardani, Song, Kautz, Vahdat, "A Variational Perspective on Solving Inverse Problems with
Diffusion Models", ICLR 2024, arXiv 2305.04391, for a variance-exploding diffusion.

Deviations: it starts at the baseline, and the learning rate of Adam falls linearly towards a tenth,
so that it converges in few steps. If mu were set to the solution of g = 0 for fixed D instead of
taking a step of Adam, this would be DDS with eta = 1 and a constant penalty lambda.
"""

from dataclasses import dataclass

import torch
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from methods.base import Method
from methods.sampling import Schedule

BETAS, EPS = (0.9, 0.99), 1e-8  # of Adam, as in the authors' code


class REDDiff(Method):
    label = "RED-diff"
    reference = "Mardani, Song, Kautz, Vahdat, ICLR 2024, arXiv 2305.04391"
    prior = "padis"

    @dataclass(frozen=True)
    class Params(Schedule):
        weight: NonNegativeFloat = 0.1  # lambda, unit-norm operator, > 0
        rate: PositiveFloat = 0.02  # learning rate of Adam, image units
        levels: PositiveInt = 100  # noise levels, one evaluation each

    def reconstruct(self, y, problem, prior, noise, progress):
        p, physics = self.params, problem.physics
        mu = problem.baseline(y)
        mean, square = torch.zeros_like(mu), torch.zeros_like(mu)
        for step, sigma in enumerate(p.sigmas(), start=1):
            d = prior.denoise(mu + sigma * noise.normal_like(mu), sigma)
            g = physics.A_adjoint(physics.A(mu) - y) + p.weight * (mu - d)
            mean = BETAS[0] * mean + (1 - BETAS[0]) * g
            square = BETAS[1] * square + (1 - BETAS[1]) * g**2
            unbiased = square / (1 - BETAS[1] ** step)
            rate = p.rate * (1 - 0.9 * (step - 1) / p.levels)
            mu = mu - rate * mean / (1 - BETAS[0] ** step) / (unbiased.sqrt() + EPS)
            progress(step, p.levels)
        return mu
