"""ADMM-TV against an interior-point solution of the same objective."""

import cvxpy
import numpy as np
import pytest
import torch

from methods.admm_tv import ADMMTV, differences, differences_adjoint
from problems.ct import CT
from problems.deblurring import Deblurring
from problems.noise import ImageNoise

SHAPE = (1, 12, 10)
PROBLEMS = {
    "ct": CT(SHAPE, CT.Params(views=5)),
    "deblurring": Deblurring(SHAPE, Deblurring.Params(kernel_size=3)),
}


def matrix(function, shape):
    """The matrix of a linear function of images."""
    basis = torch.eye(int(np.prod(shape))).reshape(-1, *shape)
    return function(basis).flatten(1).T.double().numpy()


def objective(x, y, problem, weight, tv):
    """||A x - y||^2 / 2 + lambda TV(x) in the units of the unscaled operator."""
    data = (problem.norm * (problem.physics.A(x) - y)).double().square().sum() / 2
    d = differences(x).double()
    return float(data + weight * (d.norm(dim=-1) if tv == "isotropic" else d.abs()).sum())


@pytest.mark.parametrize("tv", ["isotropic", "anisotropic"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_minimiser_is_that_of_an_interior_point_solver(name, tv):
    problem = PROBLEMS[name]
    weight = 0.3 if name == "ct" else 0.01
    truth = torch.zeros(1, *SHAPE)
    truth[..., 3:9, 2:7] = 0.8
    truth[..., 5:7, 4:] += 0.2
    y = problem.measure(truth, ImageNoise([1]))

    x = cvxpy.Variable(truth.numel())
    a, d = matrix(problem.physics.A, SHAPE), matrix(differences, SHAPE)
    residual = problem.norm * (a @ x - y.flatten().double().numpy())
    down, right = d[0::2] @ x, d[1::2] @ x
    length = cvxpy.norm(cvxpy.vstack([down, right]), 2 if tv == "isotropic" else 1, axis=0)
    target = cvxpy.Problem(
        cvxpy.Minimize(cvxpy.sum_squares(residual) / 2 + weight * cvxpy.sum(length))
    )
    target.solve(solver=cvxpy.CLARABEL)
    exact = torch.from_numpy(x.value).float().reshape(truth.shape)

    params = ADMMTV.Params(weight=weight, rho=0.03, iterations=800, cg_iterations=10, tv=tv)
    ours = ADMMTV(params).reconstruct(y, problem, None, None, lambda done, total: None)
    assert objective(ours, y, problem, weight, tv) == pytest.approx(target.value, rel=1e-4)
    assert float((ours - exact).abs().max()) < 2e-3
    assert float((problem.baseline(y) - exact).abs().max()) > 0.05  # there was something to do


def test_differences_have_an_exact_transpose():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 5, 4, generator=generator)
    w = torch.randn(2, 3, 5, 4, 2, generator=generator)
    left, right = (differences(x) * w).sum(), (x * differences_adjoint(w)).sum()
    torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-4)
