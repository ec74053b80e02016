"""deepinv's DPS: diffusion posterior sampling along the reverse variance-preserving diffusion.

    x_{t-1} ~ p(x_{t-1} | x_t, D(x_t)),    x_{t-1} <- x_{t-1} - weight * grad_{x_t} ||y - A D(x_t)||

Reference: Chung, Kim, McCann, Klasky, Ye, ICLR 2023, arXiv 2209.14687; ``deepinv.sampling.DPS``.

Deviations: those of deepinv 0.5.0. It is a cross-check of our implementation.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import NonNegativeFloat, PositiveInt

from methods.deepinv_adapter import DeepinvMethod


class DeepinvDPS(DeepinvMethod):
    label = "DPS (deepinv)"
    reference = "Chung et al., ICLR 2023, arXiv 2209.14687; deepinv 0.5.0"
    prior = "whole"
    samples = True
    starts_at = "noise"
    jacobian = True

    @dataclass(frozen=True)
    class Params:
        weight: NonNegativeFloat = 1.0  # of the gradient of the residual norm, unit-norm operator
        steps: PositiveInt = 1000  # from noise to the image; steps - 1 evaluations
        solver: Literal["ddpm", "ddim", "ancestral"] = "ddpm"

    def make(self, problem, denoiser, generator):
        from deepinv.sampling import DPS

        p = self.params
        self.evaluations = p.steps - 1
        return DPS(
            denoiser,
            num_steps=p.steps,
            weight=p.weight,
            solver=p.solver,
            rng=generator,
            device=generator.device,
        )
