"""Diffusion posterior sampling (DPS) by annealed Langevin dynamics: the algorithm of PaDIS.

For each noise level sigma from high to low, ``updates`` times, with the denoiser D of a prior:

    d     = D(x; sigma),  s = (d - x) / sigma^2
    x    <- x - zeta grad_x ||y - A d|| + alpha/2 s + sqrt(alpha) z,     alpha = epsilon sigma^2

z ~ N(0, I), and 0 at the last level. The gradient passes through the network. Four methods use this
algorithm and differ only in the prior: padis, whole_image_diffusion, patch_averaging and
patch_stitching.

Reference: Hu, Song, Xu, Shen, Fessler, "Learning Image Priors through Patch-based Diffusion Models
for Solving Inverse Problems", NeurIPS 2024, arXiv 2406.02462, algorithm 1; the gradient through the
network is that of Chung, Kim, Mccann, Klasky, Ye, "Diffusion Posterior Sampling for General Noisy
Inverse Problems", ICLR 2023, arXiv 2209.14687.

Deviations: the paper's text and its code differ. epsilon and the data step follow the code, noise
levels and start follow the text. With ``data_step="squared", epsilon=1.0`` everything follows the
text, with ``spacing="power", start="baseline"`` everything follows the code.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import NonNegativeFloat, PositiveFloat

from methods.sampler import Output, Sampler
from methods.sampling import Annealing, Start, initial_state, noise_aware


class DPS(Sampler):
    jacobian = True

    @dataclass(frozen=True)
    class Params(Annealing, Start, Output):
        """Parameters of the loop; the defaults take 1000 evaluations, as in the paper.

        ``data_step`` selects the gradient that zeta multiplies, with r = y - A D(x):

        * "norm": grad ||r||, as in the code. All steps have the same length, so the image keeps
          jittering by zeta; this needs many evaluations with a small zeta.
        * "squared": (1 / ||r||) grad ||r||^2, as in the paper, twice the above.
        * "least_squares": grad ||r||^2 / 2. Steps shrink with the residual; for few evaluations.
          With measurement noise, ``noise_aware`` limits zeta.
        """

        zeta: NonNegativeFloat = 0.3  # data step, unscaled; "least_squares": unit norm, < 2
        epsilon: PositiveFloat = 0.5  # Langevin step relative to sigma^2, (0, 2)
        data_step: Literal["norm", "squared", "least_squares"] = "norm"

    def draw(self, y, problem, prior, noise, progress):
        p = self.params
        x = initial_state(y, problem, prior, noise, p.start, p.sigma_max)

        for level, sigma in enumerate(p.sigmas()):
            alpha = p.epsilon * sigma**2
            zeta = p.zeta * problem.norm  # the paper's zeta belongs to the unscaled operator
            if p.data_step == "least_squares":
                zeta = noise_aware(p.zeta, alpha / 2, problem)

            for update in range(p.updates):
                with torch.enable_grad():
                    x.requires_grad_()
                    d = prior.denoise(x, sigma)
                    r = y - problem.physics.A(prior.crop(d))
                    (gradient,) = torch.autograd.grad(misfit(r, p.data_step), x)
                x, d = x.detach(), d.detach()
                s = (d - x) / sigma**2
                x = x - zeta * gradient + alpha / 2 * s
                if level < p.levels - 1:
                    x = x + alpha**0.5 * noise.normal_like(x)
                progress(level * p.updates + update + 1, p.levels * p.updates)
        return prior.crop(x)


def misfit(r: torch.Tensor, data_step: str) -> torch.Tensor:
    """Data misfit whose gradient is the data step, of residuals r (B, ...), summed over images."""
    if data_step == "least_squares":
        return r.square().sum() / 2
    norms = r.flatten(1).norm(dim=1).sum()
    return 2 * norms if data_step == "squared" else norms  # (1 / ||r||) grad ||r||^2 = 2 grad ||r||
