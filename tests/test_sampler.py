"""Draws, their mean, and least squares after them, where the posterior is known."""

import pytest
import torch
from exact import MEAN, SIDE, TAU, GaussianPrior, Matrix, MatrixProblem, run

from methods.conjugate_gradients import ConjugateGradients
from methods.langevin import Langevin
from methods.sampler import ERROR
from workflow.plugins.discovery import draws

PHYSICS = Matrix()
CHAIN = {"sigma_max": 1.0, "sigma_min": 0.05, "levels": 10, "updates": 3, "epsilon": 0.5}
STEPS = {**CHAIN, "data_step": "least_squares", "zeta": 1.0}


def langevin(**params):
    return Langevin(Langevin.Params(**STEPS, **params))


def measured(sigma_y=0.0):
    generator = torch.Generator().manual_seed(2)
    truth = MEAN + TAU * torch.randn(1, 1, SIDE, SIDE, generator=generator)
    y = PHYSICS.A(truth)
    return y + sigma_y * torch.randn(y.shape, generator=generator)


def test_the_mean_of_draws_has_their_variance_divided_by_their_number():
    y = measured()
    one, mean = run(langevin(), y), run(langevin(draws=4), y)
    variances = [float(x.var(dim=0).mean()) for x in (one, mean)]
    assert variances[1] == pytest.approx(variances[0] / 4, rel=0.1)
    assert float(mean.mean()) == pytest.approx(float(one.mean()), abs=0.02)
    assert draws(langevin())
    assert not draws(langevin(draws=4))


def test_progress_counts_all_draws():
    seen = []
    noise = type("", (), {"normal": lambda self, shape: torch.zeros(1, *shape)})()
    noise.normal_like = torch.zeros_like
    method, problem = langevin(draws=2), MatrixProblem()
    method.reconstruct(measured(), problem, GaussianPrior(), noise, lambda k, n: seen.append(k / n))
    assert seen == sorted(seen)
    assert (len(seen), seen[-1]) == (60, 1.0)


def test_a_draw_that_is_fitted_meets_data_without_noise_and_keeps_its_null_space():
    y = measured()
    draw, fitted = run(langevin(), y), run(langevin(data_iterations=40), y)
    residuals = [(PHYSICS.A(x) - y).norm(dim=1).mean() for x in (draw, fitted)]
    assert residuals[1] < 1e-2 * residuals[0]
    moved = (fitted - draw).flatten(1)
    outside = moved - moved @ PHYSICS.rows.T @ PHYSICS.rows
    assert outside.abs().max() < 1e-3


def test_noisy_data_are_weighed_against_the_error_of_a_draw():
    y, sigma_y = measured(0.15), 0.15
    draw, fitted = (run(langevin(**k), y, sigma_y) for k in ({}, {"data_iterations": 40}))
    gamma = sigma_y**2 / ERROR**2
    gradient = PHYSICS.A_adjoint(PHYSICS.A(fitted) - y) + gamma * (fitted - draw)
    assert gradient.abs().max() < 1e-4


def test_conjugate_gradients_end_at_the_nearest_solution():
    y = measured()
    start = MatrixProblem().baseline(y) + 0.1
    problem = MatrixProblem()
    problem.baseline = lambda y: start
    method = ConjugateGradients(ConjugateGradients.Params(iterations=40))
    found = method.reconstruct(y, problem, None, None, None)
    nearest = start + PHYSICS.A_dagger(y - PHYSICS.A(start))
    assert torch.allclose(found, nearest, atol=1e-3)
    early = ConjugateGradients(ConjugateGradients.Params(iterations=1))
    assert (PHYSICS.A(early.reconstruct(y, problem, None, None, None)) - y).norm() > 1e-3
