"""Whole-image diffusion: posterior sampling with a diffusion prior of the whole image.

The sampler of PaDIS with D(x; sigma) a network that sees the whole image (``prior`` "whole"). For
each noise level sigma from high to low, several times:

    d     = D(x; sigma),  s = (d - x) / sigma^2
    x    <- x - zeta grad_x ||y - A d|| + alpha/2 s + sqrt(alpha) z,     alpha = epsilon sigma^2

Reference: Chung, Kim, Mccann, Klasky, Ye, "Diffusion Posterior Sampling for General Noisy Inverse
Problems", ICLR 2023, arXiv 2209.14687, as the "whole image diffusion" rows of PaDIS, NeurIPS 2024,
arXiv 2406.02462.

Deviations: variance-exploding Langevin updates instead of the variance-preserving DDPM steps of
DPS, as in the rows that we reproduce.
"""

from dataclasses import dataclass

from methods.base import Method
from methods.sampling import DPSParams, dps_langevin


class WholeImageDiffusion(Method):
    label = "Whole-image diffusion"
    reference = "Chung et al., ICLR 2023, arXiv 2209.14687; Hu et al., NeurIPS 2024"
    prior = "whole"
    jacobian = True

    @dataclass(frozen=True)
    class Params(DPSParams):
        """See ``methods.sampling.DPSParams``."""

    def reconstruct(self, y, problem, prior, noise, progress):
        return dps_langevin(y, problem, prior, noise, progress, self.params)
