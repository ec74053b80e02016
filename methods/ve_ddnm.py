"""VE-DDNM: the null-space of the denoised image, the range of the measurement.

For each noise level sigma from high to low, with d = D(x; sigma):

    x0    = A^+ y + d - A^+ A d
    x    <- x + alpha/2 s + sqrt(alpha) z,   s = (x0 - x) / sigma^2,   alpha = epsilon sigma^2

z ~ N(0, I), and 0 at the last level. With epsilon = 1 this is x <- (x + x0) / 2 + sigma z.

Reference: Wang, Yu, Zhang, "Zero-Shot Image Restoration Using Denoising Diffusion Null-Space
Model", ICLR 2023, arXiv 2212.00490, as the "VE-DDNM" rows of PaDIS, NeurIPS 2024, arXiv 2406.02462.

Deviations: Langevin updates for a variance-exploding model, as in the rows that we reproduce. A^+
is ``A_dagger`` of the problem: filtered back-projection for CT, which is not a pseudo-inverse, so
that the correction is approximate there. Deblurring is skipped as in the paper: no usable A^+.
"""

from dataclasses import dataclass

from methods.base import Method
from methods.sampling import Schedule, Start, initial_state


class VEDDNM(Method):
    label = "VE-DDNM"
    reference = "Wang, Yu, Zhang, ICLR 2023, arXiv 2212.00490; Hu et al., NeurIPS 2024"
    prior = "padis"

    @dataclass(frozen=True)
    class Params(Schedule, Start):
        epsilon: float = 1.0  # Langevin step relative to sigma^2, (0, 2)
        sigma_max: float = 10.0  # first noise level, image units
        sigma_min: float = 0.002  # last noise level
        levels: int = 1000  # noise levels
        updates: int = 1  # updates per level

    def skip(self, problem):
        if not problem.has_pseudo_inverse:
            return "no usable pseudo-inverse: it would amplify the noise without bound"
        return None

    def reconstruct(self, y, problem, prior, noise, progress):
        p, physics = self.params, problem.physics
        x = initial_state(y, problem, prior, noise, p.start, p.sigma_max)
        measured = physics.A_dagger(y)  # A^+ y
        for level, sigma in enumerate(p.sigmas()):
            alpha = p.epsilon * sigma**2
            for update in range(p.updates):
                d = prior.denoise(x, sigma)
                image = prior.crop(d)
                x0 = d + prior.pad(measured - physics.A_dagger(physics.A(image)))
                x = x + alpha / 2 * (x0 - x) / sigma**2
                if level < p.levels - 1:
                    x = x + alpha**0.5 * noise.normal_like(x)
                progress(level * p.updates + update + 1, p.levels * p.updates)
        return prior.crop(x)
