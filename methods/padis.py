"""PaDIS: posterior sampling with a patch diffusion prior.

The image is denoised as K x L non-overlapping patches of a zero-padded canvas; the grid is shifted
at random before every evaluation, so that no seam stays in place (``prior`` "padis"). With this
denoiser D, for each noise level sigma from high to low, several times:

    d     = D(x; sigma),  s = (d - x) / sigma^2
    x    <- x - zeta grad_x ||y - A d|| + alpha/2 s + sqrt(alpha) z,     alpha = epsilon sigma^2

Reference: Hu, Song, Xu, Shen, Fessler, "Learning Image Priors through Patch-based Diffusion Models
for Solving Inverse Problems", NeurIPS 2024, arXiv 2406.02462, algorithm 1.

Deviations: epsilon and the data step are those of the authors' code, which differ from the paper's
text (``epsilon=1.0, data_step="squared"``); noise levels and start are the text's.
"""

from dataclasses import dataclass

from methods.base import Method
from methods.sampling import DPSParams, dps_langevin


class PaDIS(Method):
    label = "PaDIS"
    reference = "Hu, Song, Xu, Shen, Fessler, NeurIPS 2024, arXiv 2406.02462"
    prior = "padis"
    jacobian = True

    @dataclass(frozen=True)
    class Params(DPSParams):
        """See ``methods.sampling.DPSParams``."""

    def reconstruct(self, y, problem, prior, noise, progress):
        return dps_langevin(y, problem, prior, noise, progress, self.params)
