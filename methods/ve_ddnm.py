"""VE-DDNM: null-space component of the denoised image, range component of the measurement.

For each noise level sigma from high to low, with d = D(x; sigma):

    x0    = A^+ y + d - A^+ A d
    x    <- x + alpha/2 s + sqrt(alpha) z,   s = (x0 - x) / sigma^2,   alpha = epsilon sigma^2

z ~ N(0, I), and 0 at the last level. With epsilon = 1 this is x <- (x + x0) / 2 + sigma z.

Reference: Wang, Yu, Zhang, "Zero-Shot Image Restoration Using Denoising Diffusion Null-Space
Model", ICLR 2023, arXiv 2212.00490, as the "VE-DDNM" rows of PaDIS, NeurIPS 2024, arXiv 2406.02462.

Deviations: Langevin updates for a variance-exploding model, as in the rows that we reproduce. A^+
is ``A_dagger`` of the problem. For CT it is filtered back-projection, not a pseudo-inverse, so the
correction is approximate. Deblurring is skipped as in the paper: it has no usable A^+.
"""

from dataclasses import dataclass

from pydantic import PositiveInt

from methods.sampler import Output, Sampler
from methods.sampling import Annealing, Start, anneal, initial_state


class VEDDNM(Sampler):
    label = "VE-DDNM"
    reference = "Wang, Yu, Zhang, ICLR 2023, arXiv 2212.00490; Hu et al., NeurIPS 2024"
    prior = "padis"

    @dataclass(frozen=True)
    class Params(Annealing, Start, Output):
        levels: PositiveInt = 1000  # noise levels
        updates: PositiveInt = 1  # updates per level

    def skip(self, problem):
        if not problem.has_pseudo_inverse:
            return "no usable pseudo-inverse: it would amplify the noise without bound"
        return None

    def draw(self, y, problem, prior, noise, progress):
        p, physics = self.params, problem.physics
        measured = physics.A_dagger(y)  # A^+ y

        def move(x, sigma, alpha):
            d = prior.denoise(x, sigma)
            image = prior.crop(d)
            x0 = d + prior.pad(measured - physics.A_dagger(physics.A(image)))
            return x + alpha / 2 * (x0 - x) / sigma**2

        x = initial_state(y, problem, prior, noise, p.start, p.sigma_max)
        return prior.crop(anneal(x, move, p, noise, progress))
