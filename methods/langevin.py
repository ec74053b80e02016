"""Langevin dynamics: annealed Langevin sampling of the posterior, without network gradients.

For each noise level sigma from high to low, ``updates`` times, with r(x) = y - A x:

    s     = (D(x; sigma) - x) / sigma^2
    x    <- x + zeta A^T r(x) / ||r(x)||
    x    <- x + alpha/2 s + sqrt(alpha) z,     alpha = epsilon sigma^2

z ~ N(0, I), and 0 at the last level. The score is that of x before the data step.

Reference: Song, Ermon, "Generative Modeling by Estimating Gradients of the Data Distribution",
NeurIPS 2019, arXiv 1907.05600; with data as in Jalal et al., NeurIPS 2021, arXiv 2108.01368; the
"Langevin dynamics" rows of PaDIS, NeurIPS 2024, arXiv 2406.02462.

Deviations: none with the defaults. ``data_step="least_squares"`` is a step of zeta A^T r(x); with
measurement noise, ``noise_aware`` limits zeta.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import NonNegativeFloat

from methods.sampler import Output, Sampler
from methods.sampling import Annealing, Start, anneal, data_step, initial_state


class Langevin(Sampler):
    label = "Langevin dynamics"
    reference = "Song, Ermon, NeurIPS 2019, arXiv 1907.05600; Hu et al., NeurIPS 2024"
    prior = "padis"

    @dataclass(frozen=True)
    class Params(Annealing, Start, Output):
        zeta: NonNegativeFloat = 0.3  # data step, unscaled; "least_squares": unit norm, < 2
        data_step: Literal["norm", "least_squares"] = "norm"

    def draw(self, y, problem, prior, noise, progress):
        p = self.params

        def move(x, sigma, alpha):
            s = (prior.denoise(x, sigma) - x) / sigma**2
            x = x + data_step(x, y, problem, prior, p.data_step, p.zeta, alpha / 2)
            return x + alpha / 2 * s

        x = initial_state(y, problem, prior, noise, p.start, p.sigma_max)
        return prior.crop(anneal(x, move, p, noise, progress))
