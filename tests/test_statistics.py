"""Intervals of means over images of few patients."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workflow.score.intervals import half_width, independent, ranks, survives_holm


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


def rows_of(values, clusters):
    """Rows of one score, as ``ranks`` takes them: name to a value per image."""
    return {
        name: pd.DataFrame({"psnr": found, "cluster": clusters}) for name, found in values.items()
    }


def test_ranks_are_what_paired_differences_leave_open():
    hard = np.array([0.0, 10.0, 20.0])  # images differ more than rows
    ahead = {"far": [-9, -9, -9], "second": [1, 1.1, 0.9], "first": [2, 2.2, 1.7]}
    values = {row: np.add(hard, by) for row, by in {**ahead, "unsteady": [2, -3, 3]}.items()}
    rows = rows_of(values, list("abc"))
    assert ranks(rows, "psnr") == {
        "far": "4", "second": "2-3", "first": "1-2", "unsteady": "1-3"
    }  # fmt: skip
    rising = ranks(rows, "psnr", higher=False)
    assert rising == {"far": "1", "second": "2-3", "first": "3-4", "unsteady": "2-4"}
    assert ranks(rows_of(values, ["a"] * 3), "psnr") == {}  # one patient
    assert ranks(rows_of({"far": values["far"]}, list("abc")), "psnr") == {}
    values["failed"] = hard * np.nan
    assert ranks(rows_of(values, list("abc")), "psnr") == ranks(rows, "psnr")


def test_ranks_separate_what_is_equal_at_most_at_their_level():
    """Five rows without a difference and one that is ahead, three patients, 400 repetitions."""
    generator, pairs, tables, seen = np.random.default_rng(5), 0, 0, 0
    clusters = np.repeat(list("abc"), 3)
    for _ in range(400):
        shared = generator.normal(size=(3, 1, 1)) * 5  # how hard a patient is, for all rows
        own = generator.normal(size=(3, 1, 6)) + generator.normal(size=(3, 3, 6)) / 3
        values = np.add((shared + own).reshape(9, 6), [0, 0, 0, 0, 0, 20])
        rows = rows_of(dict(zip("uvwxyz", values.T, strict=True)), clusters)
        found, corrected = ranks(rows, "psnr"), ranks(rows, "psnr", corrected=True)
        pairs += sum(int(found[row].split("-")[0]) - 2 for row in "uvwxy")
        tables += any(corrected[row][0] not in "12" for row in "uvwxy")
        seen += found["z"] == "1"
    assert pairs / (400 * 10) <= 0.05 + 3.3 * (0.05 * 0.95 / 400 / 3) ** 0.5  # pairs share rows
    assert tables / 400 <= 0.05 + 3.3 * (0.05 * 0.95 / 400) ** 0.5
    assert seen > 380
