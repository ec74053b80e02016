"""Every sampler against a Gaussian prior and a linear problem, whose posterior is known.

With x ~ N(m, tau^2 I) and y = A x without noise, the posterior has the mean m + A^+ (y - A m), no
spread in the range of A^T and the spread tau of the prior in the null-space of A.
"""

import pytest
import torch
from exact import CHAINS, MEAN, MEASURED, SIDE, TAU, Matrix, run

from methods.langevin import Langevin
from methods.padis import PaDIS
from methods.predictor_corrector import PredictorCorrector
from methods.ve_ddnm import VEDDNM


@pytest.fixture(scope="module")
def posterior():
    """Measurement, posterior mean and projection onto the range of A^T."""
    physics = Matrix()
    truth = MEAN + TAU * torch.randn(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    y = physics.A(truth)
    prior_mean = torch.full_like(truth, MEAN)
    mean = prior_mean + physics.A_dagger(y - physics.A(prior_mean))
    return y, mean, physics.rows.T @ physics.rows


LEVELS = {"sigma_max": 3.0, "sigma_min": 0.002, "levels": 60}
STEP = {"data_step": "least_squares", "zeta": 1.0}
SAMPLERS = {
    "padis": (PaDIS(PaDIS.Params(**LEVELS, **STEP, updates=10, epsilon=0.5)), 0.002),
    "padis-norm": (PaDIS(PaDIS.Params(**LEVELS, updates=10, epsilon=0.5, zeta=0.03)), 0.06),
    "langevin": (Langevin(Langevin.Params(**LEVELS, **STEP, updates=10, epsilon=0.5)), 0.002),
    "langevin-norm": (
        Langevin(Langevin.Params(**LEVELS, updates=10, epsilon=0.5, zeta=0.03)),
        0.06,
    ),
    "ve-ddnm": (VEDDNM(VEDDNM.Params(**LEVELS, updates=10, epsilon=0.5)), 0.002),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_samples_have_the_posterior_mean_and_spread(name, posterior):
    """Up to the limit of the update rule: steps of constant length zeta keep jittering by zeta."""
    y, mean, projection = posterior
    sampler, jitter = SAMPLERS[name]
    x = run(sampler, y)
    error = (x.mean(dim=0) - mean[0]).flatten()
    assert (projection @ error).abs().max() < 0.005, "mean in the range"
    # The mean of 300 chains has std tau / 17 per dimension of the null-space.
    assert (error - projection @ error).norm() < 2 * TAU / CHAINS**0.5 * SIDE, "null-space"
    deviation = (x - x.mean(dim=0)).flatten(1)
    inside = deviation @ projection
    assert float(inside.norm(dim=1).max()) < jitter, "spread of the range"
    null = (deviation - inside).square().sum(dim=1).mean() / (SIDE**2 - MEASURED)
    # Finite Langevin steps run hot: up to 1 / (1 - epsilon / 4) in variance at each level.
    assert 0.9 * TAU < float(null.sqrt()) < 1.15 * TAU, "spread of the null-space"


PC = PredictorCorrector.Params(**{**LEVELS, "levels": 300}, **STEP, squared=True, snr=0.05)
NOISY = {name: SAMPLERS[name][0] for name in ("padis", "langevin")}
NOISY["predictor-corrector"] = PredictorCorrector(PC)


@pytest.mark.parametrize("name", NOISY)
def test_samples_of_a_noisy_problem_have_the_posterior_mean_and_spread(name, posterior):
    """With noise sigma_y the range of A^T has the spread (1 / tau^2 + a^2 / sigma_y^2)^(-1/2)."""
    y, _, _ = posterior
    physics, sigma_y = Matrix(), 0.15
    y = y + sigma_y * torch.randn(y.shape, generator=torch.Generator().manual_seed(3))
    precision = 1 / TAU**2 + physics.values[:, 0] ** 2 / sigma_y**2
    x = run(NOISY[name], y, sigma_y).flatten(1) @ physics.rows.T
    prior_mean = physics.rows.sum(dim=1) * MEAN
    data = (y[0] - physics.values[:, 0] * prior_mean) * physics.values[:, 0] / sigma_y**2
    mean = prior_mean + data / precision
    spread = precision**-0.5
    # 300 chains know a mean to 0.06 and a spread to 0.04 standard deviations.
    assert ((x.mean(dim=0) - mean) / spread).abs().max() < 0.25
    ratio = x.std(dim=0) / spread
    assert float(ratio.min()) > 0.85
    assert float(ratio.max()) < 1.25
    assert float(ratio.mean()) == pytest.approx(1.05, abs=0.1)


def test_predictor_corrector_has_the_bias_of_its_rule(posterior):
    """The corrector's step e = 2 (snr ||z|| / ||s||)^2 does not vanish with sigma for this prior.

    For a singular value a the error d of the mean then obeys  d <- c ((1 - f) c d - f g)  with
    c = 1 - zeta a^2, f = e / tau^2 and g the distance of the data's solution from the prior's mean.
    """
    y, mean, projection = posterior
    snr, zeta = PC.snr, PC.zeta
    x = run(PredictorCorrector(PC), y)

    physics = Matrix()
    gap = physics.rows @ (mean.flatten() - MEAN)
    squared_score = (gap.square().sum() + (SIDE**2 - MEASURED) * TAU**2) / TAU**4
    f = 2 * snr**2 * SIDE**2 / squared_score / TAU**2
    c = 1 - zeta * physics.values[:, 0] ** 2
    expected = -c * f * gap / (1 - c**2 * (1 - f))
    error = physics.rows @ (x.mean(dim=0) - mean[0]).flatten()
    assert expected.abs().max() > 0.003  # the bias is there to be seen
    torch.testing.assert_close(error, expected, atol=0.0025, rtol=0.2)
    null = (x - x.mean(dim=0)).flatten(1)
    null = (null - null @ projection).square().sum(dim=1).mean() / (SIDE**2 - MEASURED)
    assert 0.9 * TAU < float(null.sqrt()) < 1.1 * TAU
