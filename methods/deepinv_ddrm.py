"""deepinv's DDRM: diffusion restoration in the singular basis of the operator.

For noise levels sigma_t from high to low the image is denoised. Components with a singular value s
such that sigma_t >= sigma_y / s, with measurement noise sigma_y, are replaced by those of the
measurement, with noise up to sigma_t.

Reference: Kawar, Elad, Ermon, Song, NeurIPS 2022, arXiv 2201.11793; ``deepinv.sampling.DDRM``.

Deviations: those of deepinv 0.5.0. The last noise level is not 0. It needs the singular value
decomposition, which only inpainting has among our problems.
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
        eta: float = 0.85  # share of fresh noise in the null-space, [0, 1]
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
