"""Schedules, and the sampler against a Gaussian prior whose answer is known."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from methods.dps import DPS
from methods.sampling import geometric_levels, power_levels
from problems.ct import CT
from problems.noise import ImageNoise


def ignore(done, total):
    pass


@pytest.mark.parametrize("levels", [geometric_levels, power_levels])
def test_levels_fall_from_first_to_last(levels):
    sigmas = levels(10.0, 0.002, 100)
    assert len(sigmas) == 100
    assert sigmas[0] == pytest.approx(10)
    assert sigmas[-1] == pytest.approx(0.002)
    assert all(a > b for a, b in pairwise(sigmas))
    assert levels(5.0, 0.1, 1) == [pytest.approx(5)]


def test_geometric_levels_have_a_constant_ratio():
    ratios = np.diff(np.log(geometric_levels(10, 0.002, 50)))
    assert ratios.std() < 1e-9


class GaussianPrior:
    """x ~ N(mean, std^2 I): the denoiser is known in closed form."""

    def __init__(self, mean, std, shape):
        self.mean, self.std, self.state_shape = mean, std, shape

    def denoise(self, x, sigma):
        gain = self.std**2 / (self.std**2 + sigma**2)
        return self.mean + gain * (x - self.mean)

    def crop(self, x):
        return x

    def pad(self, x):
        return x


@pytest.fixture(scope="module")
def setting():
    problem = CT((1, 12, 12), CT.Params(views=30))
    truth = torch.rand(2, 1, 12, 12, generator=torch.Generator().manual_seed(3))
    return problem, truth, problem.physics.A(truth)


def sample(setting, count=1, **params):
    problem, _, y = setting
    prior = GaussianPrior(0.5, 0.3, (1, 12, 12))
    params = DPS.Params(sigma_max=1.0, sigma_min=0.002, levels=40, updates=10, **params)
    noise = ImageNoise(list(range(2 * count)))
    return DPS(params).reconstruct(y.repeat(count, 1, 1, 1), problem, prior, noise, ignore)


def test_without_data_the_sampler_draws_from_the_prior(setting):
    """zeta = 0: mean 0.5 and std 0.3, slightly hotter because Langevin steps are finite."""
    x = sample(setting, count=40, zeta=0.0, epsilon=0.5, spacing="geometric")
    assert float(x.mean()) == pytest.approx(0.5, abs=0.02)
    assert float(x.std()) == pytest.approx(0.3, rel=0.1)


@pytest.mark.parametrize(
    ("data_step", "zeta", "tolerance"), [("least_squares", 1.0, 0.02), ("norm", 0.01, 0.1)]
)
def test_with_data_the_sampler_fits_what_is_measured(setting, data_step, zeta, tolerance):
    problem, _truth, y = setting
    prior_only = sample(setting, zeta=0.0)
    x = sample(setting, data_step=data_step, zeta=zeta)

    def misfit(image):
        return float((problem.physics.A(image) - y).norm() / y.norm())

    assert misfit(prior_only) > 0.1
    assert misfit(x) < tolerance


def test_squared_is_twice_the_norm_step(setting):
    """The paper's zeta / ||r|| grad ||r||^2 is 2 zeta grad ||r||."""
    squared = sample(setting, data_step="squared", zeta=0.005)
    norm = sample(setting, data_step="norm", zeta=0.01)
    torch.testing.assert_close(squared, norm)


def test_start_from_the_baseline_ignores_the_first_draw(setting):
    problem, _, y = setting
    params = {"zeta": 0.0, "levels": 1, "updates": 1, "sigma_max": 1e-3, "sigma_min": 1e-3}
    prior = GaussianPrior(0.5, 0.3, (1, 12, 12))
    method = DPS(DPS.Params(start="baseline", **params))
    x = method.reconstruct(y, problem, prior, ImageNoise([1, 2]), ignore)
    torch.testing.assert_close(x, problem.baseline(y), atol=1e-3, rtol=0)
