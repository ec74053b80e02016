"""deepinv's DDRM: diffusion restoration in the singular vectors of the operator.

For noise levels from high to low the image is denoised; where the singular value s and the noise
sigma_y of the measurement are such that sigma_t >= sigma_y / s, its component is that of the
measurement, with noise up to sigma_t.

Reference: Kawar, Elad, Ermon, Song, NeurIPS 2022, arXiv 2201.11793; ``deepinv.sampling.DDRM``.

Deviations: those of deepinv 0.5.0. The last noise level is not 0. It needs the singular value
decomposition, which of our problems inpainting has.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import PositiveFloat, PositiveInt

from methods.deepinv_adapter import DeepinvMethod, with_noise_level


class DeepinvDDRM(DeepinvMethod):
    label = "DDRM (deepinv)"
    reference = "Kawar, Elad, Ermon, Song, NeurIPS 2022, arXiv 2201.11793; deepinv 0.5.0"
    prior = "whole"
    samples = True
    starts_at = "noise"

    @dataclass(frozen=True)
    class Params:
        sigma_max: PositiveFloat = 1.0  # first noise level, image units
        sigma_min: PositiveFloat = 0.01  # last noise level
        eta: float = 0.85  # share of fresh noise where nothing is measured, [0, 1]
        etab: float = 1.0  # weight of the measurement, [0, 1]
        steps: PositiveInt = 100

    def skip(self, problem):
        from deepinv.physics import DecomposablePhysics

        if not isinstance(getattr(problem.physics, "inner", None), DecomposablePhysics):
            return "needs the singular value decomposition of the operator"
        return None

    def make(self, problem, denoiser, generator):
        from deepinv.sampling import DDRM

        p = self.params
        self.evaluations = p.steps
        sigmas = np.linspace(p.sigma_max, p.sigma_min, p.steps)
        model = DDRM(denoiser, sigmas=sigmas, eta=p.eta, etab=p.etab)
        inner = with_noise_level(problem.physics.inner, problem.noise_level * problem.norm)
        return lambda y, physics: model(problem.norm * y, inner)
