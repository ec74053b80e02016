"""deepinv's DiffPIR: denoising, a proximal data step, and new noise.

    x_0 <- D(x_t),    x_0 <- prox_{gamma_t ||A . - y||^2 / 2}(x_0),    x_{t-1} from x_0 and noise

gamma_t = sigma_t^2 / (2 lambda sigma_y^2).

Reference: Zhu, Zhang, Liang, Cao, Wen, Timofte, Van Gool, CVPR Workshops 2023, arXiv 2305.08995;
``deepinv.sampling.DiffPIR``.

Deviations: those of deepinv 0.5.0. It starts at the baseline. If the measurement has less noise
than ``sigma``, sigma_y is set to ``sigma``.
"""

from dataclasses import dataclass

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from methods.deepinv_adapter import DeepinvMethod, with_noise_level


class DeepinvDiffPIR(DeepinvMethod):
    label = "DiffPIR (deepinv)"
    reference = "Zhu et al., CVPR Workshops 2023, arXiv 2305.08995; deepinv 0.5.0"
    prior = "whole"
    samples = True

    @dataclass(frozen=True)
    class Params:
        sigma: PositiveFloat = 0.01  # least noise level of the measurement, unit-norm operator
        weight: NonNegativeFloat = 7.0  # lambda, of the prior
        zeta: NonNegativeFloat = 0.1  # share of fresh noise, [0, 1]
        steps: PositiveInt = 100

    def make(self, problem, denoiser, generator):
        from deepinv.optim.data_fidelity import L2
        from deepinv.sampling import DiffPIR

        p = self.params
        self.evaluations = p.steps
        sigma = max(p.sigma, problem.noise_level)
        model = DiffPIR(
            denoiser,
            L2(),
            sigma=sigma,
            max_iter=p.steps,
            zeta=p.zeta,
            lambda_=p.weight,
            device=generator.device,
        )
        return lambda y, physics: model(
            y, with_noise_level(physics, sigma), x_init=problem.baseline(y)
        )
