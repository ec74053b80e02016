"""Scores of samples of a known posterior: known values, and a planted error that they find."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from methods.langevin import Langevin
from methods.sampling import anneal, data_step, initial_state
from workflow.config.build import build_method, build_problem
from workflow.config.jobs import Jobs
from workflow.config.resolve import resolve
from workflow.run.exact_priors import fit
from workflow.run.posterior import Case, budgets, matrix_of, params_at
from workflow.score import exact as scores
from workflow.score.exact import agrees

SIDE = 8


def normal(count, size, seed=0):
    return np.random.default_rng(seed).standard_normal((count, size))


def test_the_mean_error_is_unbiased_and_knows_its_error():
    gap = np.full(20, 0.1)
    found = [scores.mean_error(normal(50, 20, s) + gap, np.zeros(20)) for s in range(400)]
    values, errors = np.array(found).T
    assert values.mean() == pytest.approx(0.2, abs=4 * values.std() / 20)  # naive: 0.2 + 20 / 50
    assert values.std() == pytest.approx(errors.mean(), rel=0.15)


def test_spreads_have_their_known_values():
    x = normal(40, 3000)
    assert scores.spread_ratio(1.3 * x, np.ones(3000)) == pytest.approx(1.3, rel=0.01)
    assert scores.spread_error(x, np.ones(3000)) < 0.02  # without what chance adds: 0.11
    assert scores.spread_error(normal(4000, 300) * 1.2, np.ones(300)) == pytest.approx(
        0.22, abs=0.01
    )


def test_the_sliced_wasserstein_distance_of_gaussians():
    """Of N(0, I) and N(t, s^2 I): sqrt(|t|^2 / d + (1 - s)^2)."""
    u, v = normal(4000, 10), 1.5 * normal(4000, 10, 1) + 0.7
    expected = math.hypot(0.7, 0.5)
    assert scores.sliced_wasserstein(u, v) == pytest.approx(expected, rel=0.05)
    assert scores.sliced_wasserstein(u, u) == 0
    assert scores.sliced_wasserstein(u, normal(4000, 10, 2)) < 0.06


def test_the_classifier_tells_apart_what_differs():
    equal = [scores.c2st(normal(150, 40, s), normal(150, 40, s + 50)) for s in range(10)]
    assert np.mean(equal) == pytest.approx(0.5, abs=0.04)
    shifted = normal(1500, 40, 1)
    shifted[:, 0] += 2.0  # the best classifier: Phi(2 / 2) = 0.841
    assert scores.c2st(normal(1500, 40), shifted) == pytest.approx(0.841, abs=0.025)
    # 24 axes of half the standard deviation: nothing differs in mean.
    assert scores.c2st(normal(300, 40), 0.5 * normal(300, 40, 1)) > 0.95


def test_the_stein_discrepancy_is_that_of_its_definition():
    u = normal(5, 3)
    x = torch.from_numpy(u)

    def kernel(a, b):
        return (1 + (a - b).square().sum() / 3) ** -0.5

    total = 0.0
    for i in range(5):
        for j in (j for j in range(5) if j != i):
            a, b = x[i].clone().requires_grad_(), x[j].clone().requires_grad_()
            ga, gb = torch.autograd.grad(kernel(a, b), (a, b), create_graph=True)
            trace = sum(torch.autograd.grad(ga[k], b, retain_graph=True)[0][k] for k in range(3))
            total += float((a @ b * kernel(a, b) - a @ gb - b @ ga + trace).detach())
    expected = math.copysign(abs(total / 20 / 3) ** 0.5, total)
    assert scores.kernel_stein(u, -u) == pytest.approx(expected, rel=1e-9)


def test_the_stein_discrepancy_finds_shifts_and_spreads():
    u = normal(400, 10)
    exact = abs(scores.kernel_stein(u, -u))
    for wrong in (u + 0.5, 0.7 * u, 1.4 * u):
        assert scores.kernel_stein(wrong, -wrong) > max(3 * exact, 0.08)


def test_rounding_does_not_choose_between_axes_of_equal_variance():
    variances = np.repeat([4.0, 1.0, 0.01], [3, 5, 4])
    axes, _ = np.linalg.qr(normal(12, 12))
    turned = axes.copy()  # another basis of the same planes, another rounding
    for first, last in ((0, 3), (3, 8), (8, 12)):
        turned[:, first:last] @= np.linalg.qr(normal(last - first, last - first, 1))[0]
    whitened = [
        scores.Whitening.of(np.zeros(12), basis * variances @ basis.T)(normal(9, 12, 2))
        for basis in (axes, turned)
    ]
    assert np.allclose(*whitened, atol=0.01)  # of 1 to 3


def test_whitening_undoes_a_covariance():
    half = normal(6, 6)
    white = scores.Whitening.of(np.arange(6.0), half @ half.T)
    u = white(normal(50_000, 6, 1) @ half.T + np.arange(6.0))
    assert np.abs(np.cov(u.T) - np.eye(6)).max() < 0.03
    assert (np.diff(white.scales) <= 0).all()
    x = normal(4, 6)  # the score of N(m, C) is -u in these coordinates
    score = -np.linalg.solve(half @ half.T, (x - white.mean).T).T
    np.testing.assert_allclose(white.gradients(score), -white(x), rtol=1e-5)


@pytest.fixture(scope="module")
def images():
    """Smooth random images, (60, 1, 8, 8)."""
    noise = torch.randn(60, 1, SIDE + 4, SIDE + 4, generator=torch.Generator().manual_seed(0))
    return (0.5 + 0.25 * torch.nn.functional.avg_pool2d(noise, 5, stride=1)).numpy()


@pytest.fixture(scope="module")
def case(images):
    problem = build_problem("inpainting", {"keep": 0.4, "noise_level": 0.05}, (1, SIDE, SIDE))
    return Case(fit("gaussian", {}, images, 0), problem, 200, ["test", "inpainting"])


def test_the_matrix_is_the_operator(case):
    x = torch.rand(3, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    y = case.problem.physics.A(x).flatten(1)
    torch.testing.assert_close((x.flatten(1).double() @ matrix_of(case.problem).T).float(), y)


class Scaled(Langevin):
    """Langevin dynamics with ``factor`` times the step of data and score, beside the same noise."""

    factor = 1.0

    def reconstruct(self, y, problem, prior, noise, progress):
        p = self.params

        def move(x, sigma, alpha):
            s = (prior.denoise(x, sigma) - x) / sigma**2
            step = data_step(x, y, problem, prior, p.data_step, p.zeta, alpha / 2)
            return x + self.factor * (step + alpha / 2 * s)

        x = initial_state(y, problem, prior, noise, p.start, p.sigma_max)
        return prior.crop(anneal(x, move, p, noise, progress))


STEPS = Langevin.Params(
    sigma_max=0.3, sigma_min=0.002, levels=400, updates=1, data_step="least_squares", zeta=0.5
)


@pytest.mark.slow
def test_a_step_that_is_wrong_by_a_factor_of_two_is_found(case):
    found = {}
    for factor in (0.5, 1.0, 2.0):
        method = Scaled(replace(STEPS, epsilon=0.7))
        method.factor = factor
        x, calls, _ = case.run(method, "scaled")
        assert calls["denoiser_calls"] == 400
        found[factor] = case.scores(x, point=False)
        if factor == 1.0:
            plain, *_ = case.run(Langevin(replace(STEPS, epsilon=0.7)), "scaled")
            np.testing.assert_allclose(x, plain, atol=1e-5)
    (floor,) = case.floor()
    assert agrees(floor)
    assert agrees(found[1.0])
    assert found[1.0]["c2st"] < 0.6
    for wrong in (found[0.5], found[2.0]):
        assert not agrees(wrong)
        assert wrong["c2st"] > 0.75
        assert wrong["sliced_wasserstein"] > 1.3 * floor["sliced_wasserstein"]
        assert wrong["kernel_stein"] > 3 * abs(floor["kernel_stein"])
    assert found[2.0]["spread_ratio"] == pytest.approx(0.5**0.5, abs=0.06)
    assert found[0.5]["spread_ratio"] == pytest.approx(2**0.5, abs=0.15)


@pytest.mark.slow
def test_every_row_takes_the_evaluations_that_it_is_given(case):
    """And a weight that is matched makes PnP-ADMM the posterior mean of a Gaussian."""
    job = Jobs(resolve({"preset": "smoke"})).exact("gaussian", "inpainting")
    assert len(job.rows) >= 12
    for row in job.rows:
        wanted = budgets(row, [10, 41])
        wanted = [40] if row["method"] == "pnp_admm" else wanted[-1:]
        line = case.scored(row, wanted[0]) if row["method"] != "pnp_admm" else _admm(case, row)
        assert line["status"] == "ok", line
        assert abs(line["evaluations"] - (wanted[0] if row["budget"] else 0)) <= 1, row["row"]


def _admm(case, row):
    row = {**row, "params": {"sigma": 0.05, "cg_iterations": 60}}
    assert params_at(row, 40, 0.1) == {**row["params"], "gamma": 4.0, "iterations": 40}
    line = case.scored(row, 40)
    exact = case.exact.mean.numpy()
    method = build_method("pnp_admm", params_at(row, 400, case.problem.noise_level))
    x, *_ = case.run(method, "pnp_admm", 1)
    assert np.abs(x - exact).max() < 0.02 * np.abs(exact).max()
    return line
