"""Scores of samples, where their values are known: one normal posterior, right and wrong ones."""

import numpy as np
import pytest

from workflow.score import calibration, samples, tarp
from workflow.score.calibration import BAR
from workflow.score.samples import CREDIBILITIES, LEVELS

K, SIDE = 16, 64
SHAPE = (1, SIDE, SIDE)
CRPS = {0.5: 0.6149421123842436, 1.0: 0.567423702304526, 2.0: 0.6553599994338715}
THEIRS = {0.1: 0.0525, 0.3: 0.1525, 0.5: 0.255, 0.7: 0.4225, 0.9: 0.595}  # of the package tarp


def drawn(spread, seed=0, count=K, shift=0.0):
    """Samples (K, 1, 64, 64) of N(m, spread^2) + shift, and a truth of N(m, 1)."""
    random = np.random.default_rng(seed)
    mean = random.normal(size=SHAPE)
    truth = mean + random.normal(size=SHAPE)
    return mean + shift + spread * random.normal(size=(count, *SHAPE)), truth


@pytest.mark.parametrize("count", [3, K])
@pytest.mark.parametrize("level", LEVELS)
def test_intervals_cover_what_they_say_for_every_number_of_samples(level, count):
    """4096 pixels: the standard error is 0.8 % at most."""
    x, truth = drawn(1.0, count=count)
    assert samples.coverage(x, truth, level) == pytest.approx(level, abs=0.025)
    assert samples.coverage(samples.low_pass(x), samples.low_pass(truth), level) == pytest.approx(
        level, abs=0.09
    )  # about 4096 / (4 pi 2^2) = 81 independent numbers


@pytest.mark.parametrize("level", LEVELS)
def test_wrong_spreads_are_seen_in_the_coverage(level):
    narrow, wide = (samples.coverage(*drawn(spread), level) for spread in (0.5, 2.0))
    assert narrow < level - 0.05
    assert wide > level + 0.03


def test_a_wrong_mean_is_seen_after_the_low_pass_filter():
    """Errors that pixels share are small beside the spread of a pixel and large beside theirs."""
    x, truth = drawn(1.0, shift=0.3)
    assert samples.coverage(x, truth, 0.9) > 0.85
    assert samples.coverage(samples.low_pass(x), samples.low_pass(truth), 0.9) < 0.5


@pytest.mark.parametrize("level", LEVELS)
def test_pixels_where_nothing_varies_are_left_out_of_the_coverage(level):
    """Air that every sample and the truth have as 0 says nothing about the spread."""
    x, truth = drawn(0.5)
    air = np.zeros((K, 1, SIDE, 3 * SIDE))
    padded, beside = np.concatenate([x, air], -1), np.concatenate([truth, air[0]], -1)
    assert samples.coverage(padded, beside, level) == samples.coverage(x, truth, level)
    assert np.isnan(samples.coverage(air, air[0], level))
    assert samples.coverage(air, air[0] + 0.1, level) == 0.0


def chi_squared(shares, total):
    """Of shares beside equal ones, over the degrees of freedom: 1 on average if these hold."""
    expected = total / len(shares)
    return ((shares * total - expected) ** 2 / expected).sum() / (len(shares) - 1)


def test_ranks_are_flat_if_and_only_if_samples_are_like_the_truth():
    random = np.random.default_rng(1)
    shares = {}
    for name, spread in {"right": 1.0, "narrow": 0.5, "wide": 2.0}.items():
        x, truth = drawn(spread)
        shares[name] = samples.histogram(samples.ranks(x, truth, random), K)
        assert shares[name].sum() == pytest.approx(1)
    assert chi_squared(shares["right"], SIDE**2) < 2.0  # 16 degrees: above with 1 %
    assert chi_squared(shares["narrow"], SIDE**2) > 20
    assert chi_squared(shares["wide"], SIDE**2) > 20
    middle = K // 2
    assert shares["narrow"][[0, K]].min() > 2 * shares["narrow"][middle]
    assert shares["wide"][middle] > 2 * shares["wide"][[0, K]].max()
    x, truth = drawn(1.0, shift=1.0)
    biased = samples.histogram(samples.ranks(x, truth, random), K)
    assert biased[0] > 3 * biased[K]


def test_ranks_among_equal_samples_are_drawn():
    random = np.random.default_rng(2)
    found = samples.ranks(np.zeros((K, *SHAPE)), np.zeros(SHAPE), random)
    assert chi_squared(samples.histogram(found, K), SIDE**2) < 2.0


def test_crps_of_a_normal_ensemble_is_that_of_the_normal_distribution():
    """E CRPS of N(0, 1) with a truth of it is 1 / sqrt(pi); fair, so that K does not matter."""
    for count in (2, 5, 50):
        found = samples.crps(*drawn(1.0, count=count))
        assert found == pytest.approx(np.pi**-0.5, abs=0.03)
    right = samples.crps(*drawn(1.0))
    assert right < min(samples.crps(*drawn(0.5)), samples.crps(*drawn(2.0)))


def test_crps_is_its_definition_and_of_one_sample_the_absolute_error():
    random = np.random.default_rng(3)
    x, truth = random.random((7, 1, 4, 4)), random.random((1, 4, 4))
    pairs = np.abs(x[:, None] - x[None]).sum(axis=(0, 1)).mean() / (2 * 7 * 6)
    expected = np.abs(x - truth).mean() - pairs
    assert samples.crps(x, truth) == pytest.approx(expected, rel=1e-12)
    assert samples.crps(x[:1], truth) == pytest.approx(np.abs(x[0] - truth).mean())


def test_crps_is_that_of_another_implementation():
    """scoringrules 0.10.0: crps_ensemble(truth, x, m_axis=0, estimator="fair").mean()."""
    for spread, theirs in CRPS.items():
        assert samples.crps(*drawn(spread)) == pytest.approx(theirs, abs=1e-6)


def test_spread_over_skill():
    assert samples.spread_skill(*drawn(1.0)) == pytest.approx(1, abs=0.04)
    assert samples.spread_skill(*drawn(1.0, count=3)) == pytest.approx(1, abs=0.05)
    assert samples.spread_skill(*drawn(0.5)) < 0.6
    assert samples.spread_skill(*drawn(2.0)) > 1.5


def test_residuals_of_a_linear_normal_posterior_have_chi_square_1():
    """y = A x + 0.1 n of x ~ N(0, I), posterior in closed form; the mean fits too well or not."""
    random = np.random.default_rng(4)
    a, level = random.normal(size=(300, 500)) / 500**0.5, 0.1
    x = random.normal(size=500)
    y = a @ x + level * random.normal(size=300)
    covariance = np.linalg.inv(a.T @ a / level**2 + np.eye(500))
    mean = covariance @ a.T @ y / level**2
    root = np.linalg.cholesky(covariance)
    draws = mean + random.normal(size=(K, 500)) @ root.T
    found = samples.residual_chi2(draws @ a.T - y, 300, level)
    assert found == pytest.approx(1, abs=0.1)  # y has 300 numbers: sqrt(2 / 300) = 0.08
    assert samples.residual_chi2((mean @ a.T - y)[None], 300, level) < 0.8
    far = mean + 3 * random.normal(size=(K, 500)) @ root.T
    assert samples.residual_chi2(far @ a.T - y, 300, level) > 2


def tarp_curve(spread, shift=0.0):
    found = []
    for seed in range(20):  # images of 16 blocks
        random = np.random.default_rng(seed)
        x, truth = map(tarp.blocks, drawn(spread, seed, shift=shift))
        points = random.normal(size=(4, *truth.shape))
        found.append(tarp.ranks(x, truth, points, random))
    return np.array([tarp.expected_coverage(np.array(found), K, c) for c in CREDIBILITIES])


def test_tarp_is_on_the_diagonal_if_and_only_if_samples_are_like_the_truth():
    levels = np.array(CREDIBILITIES)
    assert np.abs(tarp_curve(1.0) - levels).max() < 1.63 / 320**0.5  # Kolmogorov, 320 blocks: 1 %
    low, high = CREDIBILITIES.index(0.1), CREDIBILITIES.index(0.9)
    narrow, wide = tarp_curve(0.8), tarp_curve(1.25)
    for found in (narrow, wide, tarp_curve(1.0, shift=0.5)):
        assert np.abs(found - levels).max() > 0.15
    # In many dimensions samples that vary too little are nearer to every point than the truth.
    assert narrow[high] < 0.5
    assert wide[low] > 0.5


def narrow_normal():
    """400 truths of N(0, I) in three dimensions, 50 samples of N(0, 0.6^2 I), points in a cube."""
    random = np.random.default_rng(5)
    truth = random.normal(size=(400, 3))
    return 0.6 * random.normal(size=(50, 400, 3)), truth, random.uniform(size=(400, 3))


def test_tarp_is_that_of_the_authors():
    """tarp 0.1.1, get_tarp_coverage(..., norm=False, num_alpha_bins=20), at every fourth level.

    They count shares of samples below a level; ours spreads a rank over 1 / (K + 1) = 0.02.
    """
    x, truth, points = narrow_normal()
    ranks = tarp.ranks(x, truth, points[None], np.random.default_rng(0))
    ours = [tarp.expected_coverage(ranks, 50, level) for level in THEIRS]
    assert ours == pytest.approx(list(THEIRS.values()), abs=0.03)


def test_blocks_hold_every_pixel_once():
    image = np.arange(3 * 32 * 48).reshape(3, 32, 48)
    found = tarp.blocks(image)
    assert found.shape == (6, 3 * 16 * 16)
    assert np.array_equal(np.sort(found.ravel()), np.arange(image.size))
    assert np.array_equal(found[1].reshape(3, 16, 16), image[:, :16, 16:32])
    assert tarp.blocks(np.zeros((2, 1, 8, 40))).shape == (2, 2, 128)


def test_error_bars_cover_exchangeable_pixels():
    random = np.random.default_rng(6)
    std = random.uniform(0.01, 0.1, size=(2, 20000))
    errors = np.abs(2.5 * std * random.standard_t(3, size=std.shape))
    factor = calibration.scale(errors[0], std[0])
    covered = errors[1] <= calibration.bars(std[1], factor)
    assert covered.mean() == pytest.approx(BAR, abs=0.01)
    assert calibration.coverage(errors[1], std[1], factor) == covered.mean()
    assert calibration.scale(errors[0, :5], std[0, :5]) == np.inf


def test_pixels_where_nothing_varies_are_left_out_of_error_bars():
    """They would make the bars narrower, and count as covered."""
    random = np.random.default_rng(7)
    std = random.uniform(0.01, 0.1, size=20000)
    errors = np.abs(2.5 * std * random.normal(size=std.shape))
    air = np.zeros(60000)
    padded = np.concatenate([errors, air]), np.concatenate([std, air])
    factor = calibration.scale(errors, std)
    assert calibration.scale(*padded) == factor
    assert calibration.coverage(*padded, factor) == calibration.coverage(errors, std, factor)
    assert np.isnan(calibration.coverage(air, air, factor))
