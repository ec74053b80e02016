"""Predictor-corrector: reverse diffusion steps, each followed by a Langevin correction.

For consecutive noise levels sigma > sigma', with r(x) = y - A x and z ~ N(0, I):

    s     = (D(x; sigma) - x) / sigma^2
    x    <- x + (sigma^2 - sigma'^2) s + sqrt(sigma^2 - sigma'^2) z         predictor
    x    <- x + zeta A^T r(x) / ||r(x)||
    s'    = (D(x; sigma') - x) / sigma'^2
    x    <- x + e s' + sqrt(2 e) z,     e = 2 snr ||z|| / ||s'||            corrector
    x    <- x + zeta A^T r(x) / ||r(x)||

Reference: Song et al., "Score-Based Generative Modeling through Stochastic Differential
Equations", ICLR 2021, arXiv 2011.13456; with data as in Chung, Ye, "Score-based diffusion models
for accelerated MRI", Medical Image Analysis 2022, arXiv 2110.05243; the "predictor-corrector" rows
of PaDIS, NeurIPS 2024, arXiv 2406.02462.

Deviations: as in PaDIS, the length of the corrector step is not squared; ``squared=True`` gives
e = 2 (snr ||z|| / ||s'||)^2 of the original. ``data_step="least_squares"`` is a step of
zeta A^T r(x); with measurement noise, ``noise_aware`` limits zeta.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from methods.sampler import Output, Sampler
from methods.sampling import Schedule, Start, data_step, initial_state


class PredictorCorrector(Sampler):
    label = "Predictor-corrector"
    reference = "Chung, Ye, Medical Image Analysis 2022, arXiv 2110.05243; Hu et al., NeurIPS 2024"
    prior = "padis"

    @dataclass(frozen=True)
    class Params(Schedule, Start, Output):
        zeta: NonNegativeFloat = 0.3  # data step, unscaled; "least_squares": unit norm, < 2
        snr: PositiveFloat = 0.16  # signal-to-noise ratio of the corrector
        squared: bool = False  # square the length of the corrector step
        sigma_max: PositiveFloat = 10.0  # first noise level, image units
        sigma_min: PositiveFloat = 0.002  # last noise level
        levels: PositiveInt = 500  # noise levels, two evaluations each
        data_step: Literal["norm", "least_squares"] = "norm"

    def draw(self, y, problem, prior, noise, progress):
        p = self.params
        x = initial_state(y, problem, prior, noise, p.start, p.sigma_max)
        for step, (sigma, sigma_next) in enumerate(pairwise(p.sigmas())):
            s = (prior.denoise(x, sigma) - x) / sigma**2
            variance = sigma**2 - sigma_next**2
            x = x + variance * s + variance**0.5 * noise.normal_like(x)
            x = x + data_step(x, y, problem, prior, p.data_step, p.zeta, variance)

            s = (prior.denoise(x, sigma_next) - x) / sigma_next**2
            z = noise.normal_like(x)
            e = self._corrector_step(z, s)
            x = x + e * s + (2 * e) ** 0.5 * z
            x = x + data_step(x, y, problem, prior, p.data_step, p.zeta, e)
            progress(step + 1, p.levels - 1)
        return prior.crop(x)

    def _corrector_step(self, z, s):
        """Step length e per image, (B, 1, 1, 1)."""
        ratio = self.params.snr * z.flatten(1).norm(dim=1) / s.flatten(1).norm(dim=1)
        return 2 * (ratio**2 if self.params.squared else ratio)[:, None, None, None]
