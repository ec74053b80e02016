"""Conjugate gradients: least squares from the baseline, without a prior.

    x_0 = baseline,    x_k: k-th iterate on (A^T A + gamma I) x = A^T y + gamma x_0,   gamma = 1e-4

gamma only keeps rounding errors out of the null-space of A: without noise the limit is nearly the
solution of A x = y that is nearest to the baseline. With noise, and where A^T A is ill conditioned,
the number of iterations regularises. A control: a problem on which it beats a method with a prior
says little about that prior.

Reference: Hestenes, Stiefel, "Methods of Conjugate Gradients for Solving Linear Systems", Journal
of Research of the National Bureau of Standards 1952; as a regularisation: Hanke, "Conjugate
Gradient Type Methods for Ill-Posed Problems", 1995.

Deviations: none.
"""

from dataclasses import dataclass

from pydantic import PositiveInt

from methods.base import Method
from methods.proximal import LEAST_PENALTY, proximal


class ConjugateGradients(Method):
    label = "Conjugate gradients, no prior"
    reference = "Hestenes, Stiefel, 1952; Hanke, 1995"

    @dataclass(frozen=True)
    class Params:
        iterations: PositiveInt = 100

    def reconstruct(self, y, problem, prior, noise, progress):
        x = problem.baseline(y)
        aty = problem.physics.A_adjoint(y)
        return proximal(problem.physics, aty, x, LEAST_PENALTY, self.params.iterations)
