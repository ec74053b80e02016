"""The solvers with explicit data steps against posteriors and limits that are known.

With x ~ N(m, tau^2 I) and y = A x + sigma_y n, every method here is linear in x, y and its noise,
so that along each right singular vector of A its mean and variance are known numbers: those of the
posterior, or those of the method's own update equations, written out below for one singular value.
"""

from itertools import pairwise

import pytest
import torch
from exact import CHAINS, MEAN, SIDE, TAU, Matrix, MixturePrior, run

from methods.daps import DAPS
from methods.dds import DDS
from methods.dual_diffusion import DualDiffusion, complement
from methods.proximal import LEAST_PENALTY, proximal
from methods.red_diff import REDDiff
from methods.sampling import geometric_levels, power_levels

PHYSICS = Matrix()
EXACT = 40  # steps of conjugate gradients that solve 36 equations
LEVELS = {"sigma_max": 1.0, "sigma_min": 0.05, "levels": 30}
NOISES = pytest.mark.parametrize("sigma_y", [0.0, 0.15])


def measured(sigma_y):
    """A measurement, and its distance from that of the prior's mean along each singular vector."""
    truth = MEAN + TAU * torch.randn(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    y = PHYSICS.A(truth)
    y = y + sigma_y * torch.randn(y.shape, generator=torch.Generator().manual_seed(3))
    return y, (y - PHYSICS.A(torch.full_like(truth, MEAN)))[0]


def along(x):
    """Distance of images from the prior's mean: along the singular vectors, in the null-space."""
    gap = (x - MEAN).flatten(1)
    inside = gap @ PHYSICS.rows.T
    return inside, gap - inside @ PHYSICS.rows


def posterior_mean(gap, sigma_y):
    """Of the coefficients along the singular vectors."""
    a = PHYSICS.values[:, 0]
    return a * gap / (a**2 + sigma_y**2 / TAU**2)


def moments(step, levels, start, spread):
    """Mean and variance of a coefficient after ``step`` at every level.

    ``step(sigma, sigma_next)`` gives f, b, s of  q <- f q + b + N(0, s^2).
    """
    mean, variance = start, spread**2 * torch.ones_like(start)
    for sigma, sigma_next in pairwise([*levels, 0.0]):
        f, b, s = step(sigma, sigma_next)
        mean, variance = f * mean + b, f**2 * variance + s**2
    return mean, variance


def assert_moments(x, mean, variance):
    """300 chains know a mean to 0.06 and a standard deviation to 0.04 of the latter."""
    inside, null = along(x)
    spread = variance[:-1].sqrt()
    assert (inside.mean(dim=0) - mean[:-1]).abs().max() < 0.25 * spread.max() + 2e-3
    torch.testing.assert_close(inside.std(dim=0), spread, rtol=0.2, atol=2e-3)
    dimensions = SIDE**2 - len(PHYSICS.rows)
    found = (null.square().sum(dim=1).mean() / dimensions).sqrt()
    assert float(found) == pytest.approx(float(variance[-1].sqrt()), rel=0.1)


# The singular values, and last the 0 of the null-space, where nothing is measured.
A = torch.cat([PHYSICS.values[:, 0], torch.zeros(1)])


@NOISES
@pytest.mark.parametrize("eta", [1.0, 0.5])
def test_dds_has_the_moments_of_its_equations(sigma_y, eta):
    y, gap = measured(sigma_y)
    gap = torch.cat([gap, torch.zeros(1)])
    params = DDS.Params(**LEVELS, eta=eta, cg_iterations=EXACT, start="noise")

    def step(sigma, sigma_next):
        c, gamma = TAU**2 / (TAU**2 + sigma**2), max(LEAST_PENALTY, sigma_y**2 / sigma**2)
        kept = gamma * c / (A**2 + gamma)
        noise = sigma_next * (1 - eta**2) ** 0.5 * (1 - c) / sigma
        return kept + noise, A * gap / (A**2 + gamma), sigma_next * eta

    start = torch.cat([-MEAN * PHYSICS.rows.sum(dim=1), torch.zeros(1)])
    mean, variance = moments(step, geometric_levels(*LEVELS.values()), start, LEVELS["sigma_max"])
    assert_moments(run(DDS(params), y, sigma_y), mean, variance)
    if eta == 1.0:  # with so many levels the mean is that of the posterior, but for a lag
        assert (mean[:-1] - posterior_mean(gap[:-1], sigma_y)).abs().max() < 0.05


@NOISES
def test_daps_has_the_moments_of_its_equations(sigma_y):
    y, gap = measured(sigma_y)
    gap = torch.cat([gap, torch.zeros(1)])
    spread = 0.7
    params = DAPS.Params(**LEVELS, spread=spread, steps=3, cg_iterations=EXACT, start="noise")

    def flow(sigma):
        """The factor by which the flow shrinks the distance from the prior's mean."""
        factor = 1.0
        levels = [sigma] if sigma <= 0.05 else power_levels(sigma, 0.05, 3)
        for s, s_next in pairwise([*levels, 0.0]):
            c = TAU**2 / (TAU**2 + s**2)
            factor *= c + s_next / s * (1 - c)
        return factor

    def step(sigma, sigma_next):
        r = spread * sigma
        gamma = max(LEAST_PENALTY, sigma_y**2 / r**2)
        noise = torch.zeros_like(A)
        if sigma_next:  # of the data and of the image, and that of the next level
            noise = ((A * sigma_y) ** 2 + (gamma * r) ** 2).sqrt() / (A**2 + gamma)
            noise = (noise**2 + sigma_next**2).sqrt()
        return gamma * flow(sigma) / (A**2 + gamma), A * gap / (A**2 + gamma), noise

    start = torch.cat([-MEAN * PHYSICS.rows.sum(dim=1), torch.zeros(1)])
    levels = geometric_levels(*LEVELS.values())
    mean, variance = moments(step, levels, start, LEVELS["sigma_max"])
    assert_moments(run(DAPS(params), y, sigma_y), mean, variance)


@NOISES
@pytest.mark.parametrize("kind", ["homogenised", "white", "none"])
def test_dual_diffusion_has_the_posterior_mean(sigma_y, kind):
    """Before its last step, which solves A^T (A x - y) + rho (x - v) = 0 for v = x + u.

    The penalty sigma_y^2 / sigma^2 makes the posterior mean the fixed point at every noise level.
    """
    y, gap = measured(sigma_y)
    params = DualDiffusion.Params(**{**LEVELS, "levels": 120}, cg_iterations=EXACT, noise=kind)
    inside, null = along(run(DualDiffusion(params), y, sigma_y))
    a, exact = PHYSICS.values[:, 0], posterior_mean(gap, sigma_y)
    sigma = LEVELS["sigma_min"]
    rho = max(LEAST_PENALTY, sigma_y**2 / sigma**2)
    expected = (a * gap + rho * exact) / (a**2 + rho)  # v is the posterior mean, too
    assert (inside.mean(dim=0) - expected).abs().max() < 0.01
    assert null.mean(dim=0).abs().max() < 4 * null.std() / CHAINS**0.5 + 5e-3


def test_homogenised_noise_complements_what_is_there():
    """Residual and noise together have a flat spectrum; where there is more, nothing is added."""
    generator = torch.Generator().manual_seed(6)
    sigma, count, side = 0.2, 400, 32
    white, coloured = torch.randn(2, count, 2, side, side, generator=generator)
    frequency = torch.fft.fftfreq(side)
    distance = (frequency[:, None] ** 2 + frequency**2).sqrt()
    shape = 0.8 * torch.exp(-((distance / 0.25) ** 2))  # of its spectrum, relative to white noise
    residual = torch.fft.ifft2(shape * torch.fft.fft2(sigma * coloured)).real
    xi = complement(sigma * white, residual, sigma)
    power = torch.fft.fft2(residual + xi).abs().square().mean(dim=(0, 1)) / side**2 / sigma**2
    before = torch.fft.fft2(residual).abs().square().mean(dim=(0, 1)) / side**2 / sigma**2
    assert before.max() - before.min() > 0.6
    assert (power - 1).abs().max() < 0.25  # without noise 0.64; smoothing misses the peak
    assert complement(sigma * white, 3 * sigma * coloured, sigma).abs().max() < 0.2 * sigma
    # Every image by itself: what one has does not change what another gets.
    torch.testing.assert_close(xi[:1], complement(sigma * white[:1], residual[:1], sigma))


@NOISES
def test_red_diff_has_the_limit_of_its_equations(sigma_y):
    """At one level A^T (A mu - y) + lambda (mu - D(mu)) = 0 in the mean, whatever the noise is."""
    y, gap = measured(sigma_y)
    sigma, weight = 0.3, 0.2
    params = REDDiff.Params(sigma_max=sigma, sigma_min=sigma, levels=1500, weight=weight, rate=0.01)
    inside, null = along(run(REDDiff(params), y, sigma_y))
    a = PHYSICS.values[:, 0]
    pull = weight * sigma**2 / (sigma**2 + TAU**2)
    assert (inside.mean(dim=0) - a * gap / (a**2 + pull)).abs().max() < 0.01
    assert null.mean(dim=0).abs().max() < 0.02


def test_data_step_is_where_the_gradient_of_red_diff_is_zero():
    """What the docstring of RED-diff says of DDS: A^T (A x0 - y) + lambda (x0 - d) = 0."""
    y, _ = measured(0.0)
    d = torch.rand(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(4))
    for weight in (LEAST_PENALTY, 0.05, 20.0):
        x0 = proximal(PHYSICS, PHYSICS.A_adjoint(y), d, weight, EXACT)
        gradient = PHYSICS.A_adjoint(PHYSICS.A(x0) - y) + weight * (x0 - d)
        assert gradient.abs().max() < 1e-5 * max(weight, 1)
        null = (x0 - d).flatten() - (x0 - d).flatten() @ PHYSICS.rows.T @ PHYSICS.rows
        assert null.abs().max() < 1e-3  # what is not measured is left to the denoiser


SOLVERS = {
    "dds": DDS(DDS.Params(**LEVELS, eta=1.0, cg_iterations=EXACT, start="noise")),
    "daps": DAPS(DAPS.Params(**LEVELS, cg_iterations=EXACT, start="noise")),
    "dual": DualDiffusion(DualDiffusion.Params(**LEVELS, cg_iterations=EXACT, noise="white")),
    "homogenised": DualDiffusion(
        DualDiffusion.Params(**LEVELS, cg_iterations=EXACT, noise="homogenised")
    ),
    "quiet": DualDiffusion(DualDiffusion.Params(**LEVELS, cg_iterations=EXACT, noise="none")),
    "red-diff": REDDiff(REDDiff.Params(**{**LEVELS, "levels": 200}, rate=0.05)),
}


@pytest.mark.parametrize("name", SOLVERS)
def test_what_is_not_measured_follows_the_component_of_a_mixture(name):
    """Two components differ in the range and in the null-space; the data are of the first.

    Given the data its posterior share is above 0.98, and its mean in the null-space is that of the
    component: a prior that is used only as one Gaussian would end half-way.
    """
    generator = torch.Generator().manual_seed(5)
    direction = torch.randn(SIDE**2, generator=generator)
    inside = PHYSICS.rows.T @ (PHYSICS.rows @ direction)
    null = direction - inside
    gap = (0.6 * inside / inside.norm() + 0.6 * null / null.norm()).reshape(1, 1, SIDE, SIDE)
    spread, sigma_y = 0.05, 0.05
    means = MEAN + gap / 2, MEAN - gap / 2
    truth = means[0] + spread * torch.randn(1, 1, SIDE, SIDE, generator=generator)
    y = PHYSICS.A(truth)
    y = y + sigma_y * torch.randn(y.shape, generator=generator)

    a = PHYSICS.values[:, 0]
    variance = a**2 * spread**2 + sigma_y**2
    misfits = [((y - PHYSICS.A(mean)) ** 2 / variance).sum() for mean in means]
    assert float(torch.sigmoid((misfits[1] - misfits[0]) / 2)) > 0.98

    x = run(SOLVERS[name], y, sigma_y, MixturePrior(means, spread))
    place = ((x - MEAN).flatten(1) @ null) / (gap.flatten() @ null)  # 1/2 and -1/2 are the means
    right = place > 0
    assert float(right.float().mean()) > 0.9
    assert float(place[right].mean()) == pytest.approx(0.5, abs=0.05)
