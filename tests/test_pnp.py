"""Plug-and-play methods with a quadratic prior, whose fixed point is known."""

import torch
from exact import MEAN, GaussianPrior, Matrix, MatrixProblem
from test_posterior import posterior  # noqa: F401

from methods.pnp_admm import PnPADMM
from methods.pnp_red import PnPRED


def run(method, y):
    return method.reconstruct(y, MatrixProblem(), GaussianPrior(), None, lambda done, total: None)


def dense():
    """A as a matrix (measurements, pixels)."""
    physics = Matrix()
    return physics.values * physics.rows


def test_admm_with_a_quadratic_finds_the_minimiser(posterior):  # noqa: F811
    """D = prox of (w/2) ||x - m||^2 for 1/gamma, so ADMM solves a ridge problem.

    D(z) = m + t (z - m) with t = tau^2 / (tau^2 + sigma^2) = gamma / (gamma + w).
    """
    y, _, _ = posterior
    gamma, sigma, tau = 0.3, 0.2, 0.3
    t = tau**2 / (tau**2 + sigma**2)
    w = gamma * (1 - t) / t
    x = run(PnPADMM(PnPADMM.Params(gamma=gamma, sigma=sigma, iterations=300)), y)
    a = dense()
    left = a.T @ a + w * torch.eye(a.shape[1])
    expected = torch.linalg.solve(left, a.T @ y[0] + w * MEAN)
    torch.testing.assert_close(x.flatten(), expected, atol=2e-4, rtol=0)


def test_red_finds_its_fixed_point(posterior):  # noqa: F811
    """0 = A^T (A x - y) + lambda (x - D(x)) is linear for a linear denoiser."""
    y, _, _ = posterior
    weight, sigma, tau = 0.2, 0.2, 0.3
    t = tau**2 / (tau**2 + sigma**2)
    params = PnPRED.Params(mu=1.0, weight=weight, sigma=sigma, iterations=2000)
    x = run(PnPRED(params), y)
    a = dense()
    left = a.T @ a + weight * (1 - t) * torch.eye(a.shape[1])
    expected = torch.linalg.solve(left, a.T @ y[0] + weight * (1 - t) * MEAN)
    torch.testing.assert_close(x.flatten(), expected, atol=2e-4, rtol=0)
