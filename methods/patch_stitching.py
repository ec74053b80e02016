"""Patch stitching: posterior sampling with denoised patches that are put side by side.

The sampler of PaDIS with D(x; sigma) assembled from a fixed overlapping grid of which the later
patch overwrites the earlier one (``prior`` "patch_stitching"); the same trained network. For each
noise level sigma from high to low, several times:

    d     = D(x; sigma),  s = (d - x) / sigma^2
    x    <- x - zeta grad_x ||y - A d|| + alpha/2 s + sqrt(alpha) z,     alpha = epsilon sigma^2

Reference: tile-and-stitch, as the "patch stitching" rows of Hu, Song, Xu, Shen, Fessler, NeurIPS
2024, arXiv 2406.02462.

Deviations: the overlap of those rows is not known; their code has 8 pixels for P = 56.
"""

from dataclasses import dataclass

from methods.base import Method
from methods.sampling import DPSParams, dps_langevin


class PatchStitching(Method):
    label = "Patch stitching"
    reference = "Hu, Song, Xu, Shen, Fessler, NeurIPS 2024, arXiv 2406.02462"
    prior = "patch_stitching"
    jacobian = True

    @dataclass(frozen=True)
    class Params(DPSParams):
        """See ``methods.sampling.DPSParams``."""

    def reconstruct(self, y, problem, prior, noise, progress):
        return dps_langevin(y, problem, prior, noise, progress, self.params)
