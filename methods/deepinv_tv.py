"""deepinv's FISTA for least squares with isotropic total variation.

    x <- prox_{lambda TV}(z - A^T (A z - y)),    z from the last two x by Nesterov's rule

The proximal operator is computed by Condat's primal-dual iteration.

Reference: Beck, Teboulle, IEEE Transactions on Image Processing 2009; ``deepinv.optim.FISTA`` and
``deepinv.optim.prior.TVPrior``.

Deviations: those of deepinv 0.5.0. It is a cross-check of our ADMM-TV (same objective).
"""

from dataclasses import dataclass

from pydantic import NonNegativeFloat, PositiveInt

from methods.deepinv_adapter import DeepinvMethod


class DeepinvTV(DeepinvMethod):
    label = "FISTA-TV (deepinv)"
    reference = "Beck, Teboulle, IEEE TIP 2009; deepinv 0.5.0"
    draws = False

    @dataclass(frozen=True)
    class Params:
        weight: NonNegativeFloat = 0.001  # lambda for the unit-norm operator, > 0
        iterations: PositiveInt = 200
        inner: PositiveInt = 50  # iterations of the proximal operator, at most

    def make(self, problem, denoiser, generator):
        from deepinv.optim import FISTA
        from deepinv.optim.data_fidelity import L2
        from deepinv.optim.prior import TVPrior

        p = self.params
        self.evaluations = 1
        model = FISTA(
            data_fidelity=L2(),
            prior=TVPrior(n_it_max=p.inner),
            lambda_reg=p.weight,
            stepsize=1.0,
            max_iter=p.iterations,
        )
        return lambda y, physics: model(y, physics, init=(problem.baseline(y),) * 2)
