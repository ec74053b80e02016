"""Intervals of means over images of few patients."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workflow.score.intervals import half_width, independent, survives_holm


def test_half_width_is_that_of_the_cluster_robust_t_interval():
    """Against the formula written out, with unequally many images per patient."""
    generator = np.random.default_rng(3)
    values, clusters = generator.normal(size=9), list("aabbbbccd")
    sums = [
        sum(v - values.mean() for v, c in zip(values, clusters, strict=True) if c == patient)
        for patient in "abcd"
    ]
    error = np.sqrt(4 / 3 * np.square(sums).sum()) / 9
    assert half_width(values, clusters) == pytest.approx(stats.t.ppf(0.975, 3) * error)


def test_one_image_per_patient_gives_the_t_interval():
    values = np.random.default_rng(1).normal(size=20)
    expected = stats.t.ppf(0.975, 19) * values.std(ddof=1) / 20**0.5
    assert half_width(values, list(map(str, range(20)))) == pytest.approx(expected)


def test_equally_many_images_per_patient_give_the_t_interval_of_their_means():
    values = np.random.default_rng(2).normal(size=(5, 3))
    expected = stats.t.ppf(0.975, 4) * values.mean(axis=1).std(ddof=1) / 5**0.5
    clusters = np.repeat(list("abcde"), 3)
    assert half_width(values.ravel(), clusters) == pytest.approx(expected)


def test_copies_of_an_image_add_nothing():
    values, people = [1.0, 2.0, 4.0, 8.0], ["a", "b", "c", "d"]
    alone = half_width(values, people)
    assert half_width(values * 5, people * 5) == pytest.approx(alone)
    assert half_width(values * 5, list(map(str, range(20)))) < 0.6 * alone


def test_images_of_one_patient_count_one_by_one():
    values = [1.0, 2.0, 4.0, 8.0]
    assert half_width(values, ["a"] * 4) == half_width(values, ["a", "b", "c", "d"])


def test_too_little_is_not_a_number():
    assert np.isnan(half_width([1.0], ["a"]))
    assert np.isnan(half_width([], []))
    assert np.isnan(half_width([1.0, np.nan], ["a", "b"]))


@pytest.mark.parametrize("patients", [4, 12])
def test_intervals_hold_what_they_say(patients):
    """Five images each, half of the variance between patients; 400 repetitions, 95 +- 3.3 %."""
    generator = np.random.default_rng(patients)
    clusters = np.repeat(np.arange(patients), 5).astype(str)
    hits = 0
    for _ in range(400):
        shared = np.repeat(generator.normal(size=patients), 5)
        values = shared + generator.normal(size=5 * patients)
        hits += abs(values.mean()) <= half_width(values, clusters)
    assert 0.917 <= hits / 400 <= 0.983


def test_holm_corrects_the_p_values_of_the_intervals():
    """p = .01, .04, .03, .005, adjusted .03, .06, .06, .02 (the example of R's p.adjust)."""
    p = np.array([0.01, 0.04, 0.03, 0.005])
    counts = independent(pd.Series([9, 9, 12, 4]), pd.Series([3, 3, 12, 1]))
    assert counts.tolist() == [3, 3, 12, 4]
    means = pd.Series([1.0, 1, 1, 1])
    halves = pd.Series(stats.t.ppf(0.975, counts - 1) / stats.t.ppf(1 - p / 2, counts - 1))
    assert survives_holm(means, halves, counts).tolist() == [True, False, False, True]
    means[4], halves[4], counts[4] = float("nan"), float("nan"), 0  # a row that failed is none
    assert survives_holm(means, halves, counts).tolist() == [True, False, False, True, False]
