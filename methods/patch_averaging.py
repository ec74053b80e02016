"""Patch averaging: posterior sampling with the mean of overlapping denoised patches.

The sampler of PaDIS with D(x; sigma) the mean, at each pixel, of all patches of a fixed overlapping
grid (``prior`` "patch_averaging"); the same trained network. For each noise level sigma from high
to low, several times:

    d     = D(x; sigma),  s = (d - x) / sigma^2
    x    <- x - zeta grad_x ||y - A d|| + alpha/2 s + sqrt(alpha) z,     alpha = epsilon sigma^2

Reference: Ozdenizci, Legenstein, "Restoring Vision in Adverse Weather Conditions with Patch-Based
Denoising Diffusion Models", TPAMI 2023, arXiv 2207.14626, as the "patch averaging" rows of PaDIS,
NeurIPS 2024, arXiv 2406.02462.

Deviations: the averaged patches enter the loop of PaDIS instead of a conditional DDIM, as in the
rows that we reproduce. The overlap of those rows is not known; their code has 8 pixels for P = 56.
"""

from dataclasses import dataclass

from methods.base import Method
from methods.sampling import DPSParams, dps_langevin


class PatchAveraging(Method):
    label = "Patch averaging"
    reference = "Ozdenizci, Legenstein, TPAMI 2023, arXiv 2207.14626; Hu et al., NeurIPS 2024"
    prior = "patch_averaging"
    jacobian = True

    @dataclass(frozen=True)
    class Params(DPSParams):
        """See ``methods.sampling.DPSParams``."""

    def reconstruct(self, y, problem, prior, noise, progress):
        return dps_langevin(y, problem, prior, noise, progress, self.params)
