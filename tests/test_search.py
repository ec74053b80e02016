"""Parameter searches: starts and ranges, determinism, early ends, resumption, values at an edge."""

import json
import math
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from problems.datasets.base import Images
from workflow.config.machine import Machine
from workflow.run import harness
from workflow.run import tune as module
from workflow.run.search import FIRST, Axis, at_edge, on_axes, parameters, search
from workflow.run.tune import tune
from workflow.store.images import save_images

NAN = float("nan")
TWO = {"a": Axis(0.01, 100.0), "b": Axis(0.01, 100.0)}


def tried(axes, trials, score, starts=(), seed=0):
    found = []

    def evaluate(point):
        found.append(point)
        return score(point)

    search(axes, trials, evaluate, starts, seed)
    return found


def peak(**at):
    return lambda p: -sum(math.log10(p[name] / value) ** 2 for name, value in at.items())


@pytest.mark.parametrize("seed", range(2))
def test_it_finds_a_value_ten_times_off(seed):
    score = peak(a=0.5, b=8.0)
    best = max(tried(TWO, 16, score, [{"a": 5.0, "b": 0.8}], seed), key=score)
    assert 0.8 < best["a"] / 0.5 < 1.25
    assert 0.8 < best["b"] / 8.0 < 1.25


def test_parameters_that_depend_on_each_other_are_found():
    def score(p):
        a, b = math.log10(p["a"]), math.log10(p["b"])
        return -10 * (a + b) ** 2 - (a - b - 1) ** 2

    assert max(map(score, tried(TWO, 16, score, [{"a": 0.1, "b": 0.2}]))) > -0.1


@pytest.mark.parametrize("trials", [1, 2, 9])
def test_there_are_as_many_different_trials_as_asked_for(trials):
    for axes in (TWO, {"a": TWO["a"]}):
        points = tried(axes, trials, lambda p: p["a"], [{"a": 90.0}] * 3)  # the best is at a limit
        assert len(points) == len({tuple(p.values()) for p in points}) == trials


def test_equal_scores_give_equal_points_and_seeds_others():
    first = tried(TWO, 6, peak(a=5.0, b=0.3))
    assert tried(TWO, 6, peak(a=5.0, b=0.3)) == first
    assert tried(TWO, 6, peak(a=5.0, b=0.3), seed=1) != first


def test_starts_come_first_and_the_search_goes_on_from_the_best():
    starts = [{"a": 50.0, "b": 10.0}, {"a": 0.02, "b": 0.02}, {"a": 50.0, "b": 10.0}]
    points = tried(TWO, 6, peak(a=0.03, b=0.03), starts)
    assert points[:2] == starts[:2]
    for point in points[2:FIRST]:
        assert all(0.02 / 3.2 < value < 0.1 * 3.2 for value in point.values())


def test_steps_from_a_limit_lead_into_the_range():
    points = tried(TWO, FIRST, lambda p: -p["a"], [{"a": 0.01, "b": 100.0}])
    assert points[1] == {"a": 0.0316, "b": 31.6}
    assert all(p["a"] > 0.01 and p["b"] < 100 for p in points[1:])  # shorter steps


def test_starts_are_moved_into_the_ranges_and_completed():
    axes = {"a": Axis(0.1, 10.0), "b": Axis(0.01, 1.0, of="a"), "n": Axis(4, 9, whole=True)}
    found = tried(axes, 2, lambda p: 0.0, [{"a": 100.0, "b": 1.0, "other": 3.0}, {"n": 5}])
    assert found == [{"a": 10.0, "b": 0.1, "n": 6}, {"a": 1.0, "b": 0.1, "n": 5}]
    assert tried(axes, 1, lambda p: 0.0) == [{"a": 1.0, "b": 0.1, "n": 6}]


def test_a_ratio_moves_with_its_parameter():
    axes = {"b": Axis(0.01, 0.1, of="a"), "a": Axis(0.1, 100.0)}
    assert parameters({"b": 0.05, "a": 2.0}, axes) == {"b": 0.1, "a": 2.0}
    assert on_axes({"b": 0.1, "a": 2.0}, axes) == {"b": 0.05, "a": 2.0}
    points = tried(axes, 10, peak(a=60.0, b=6.0))
    assert [*points[0]] == ["b", "a"]
    assert all(0.0099 < p["b"] / p["a"] < 0.101 for p in points)
    assert max(p["a"] for p in points) > 10 * min(p["a"] for p in points)


def test_whole_numbers_stay_whole_and_few_of_them_end_the_search():
    points = tried({"n": Axis(1, 5, whole=True)}, 8, lambda p: -abs(p["n"] - 4))
    assert sorted(p["n"] for p in points) == [1, 2, 3, 4, 5]
    assert all(isinstance(p["n"], int) for p in points)


def test_failures_do_not_stop_it_and_are_avoided():
    def score(p):
        return NAN if p["a"] > 2 else peak(a=1.0, b=1.0)(p)

    points = tried(TWO, 12, score, [{"a": 50.0, "b": 50.0}, {"a": 0.1, "b": 0.1}])
    assert np.nanmax([score(p) for p in points]) > -0.1
    assert sum(p["a"] > 2 for p in points[6:]) <= 3
    assert len(tried(TWO, 6, lambda p: NAN)) == 6


def test_a_value_at_a_limit_is_at_an_edge():
    axes = {"a": Axis(0.1, 4.0), "b": Axis(0.01, 0.1, of="a"), "c": Axis(1.0, 10.0)}
    points = [{"a": a, "b": r * a, "c": c} for a in (0.1, 2.0, 4.0) for r in (0.01, 0.1)
              for c in (2.0, 3.0, 4.0)]  # fmt: skip
    assert at_edge(axes, points, {"a": 2.0, "b": 0.1, "c": 3.0}) == []
    assert at_edge(axes, points, {"a": 4.0, "b": 0.2, "c": 3.0}) == ["a"]
    assert at_edge(axes, points, {"a": 2.0, "b": 0.1995, "c": 3.0}) == ["b"]
    assert at_edge(axes, points, {"a": 0.1, "b": 0.001, "c": 3.0}) == ["a", "b"]


def test_the_last_value_that_was_tried_is_at_an_edge():
    points = [{"a": 1.0, "b": 1.0}, {"a": 2.0, "b": 3.0}, {"a": 2.001, "b": 9.0}]
    assert at_edge(TWO, points, points[1]) == ["a"]
    assert at_edge(TWO, points, points[0]) == ["a", "b"]
    assert at_edge(TWO, points[:1], points[0]) == ["a", "b"]


@dataclass(frozen=True)
class Job:
    """The attributes of a job that ``tune`` reads."""

    problem: str = "blurred"
    row: str = "tv"
    family: str = "deblurring"
    problem_params: dict = field(default_factory=dict)
    method: str = "admm_tv"
    params: dict = field(default_factory=lambda: {"iterations": 4})
    search: dict = field(
        default_factory=lambda: {"weight": (1e-4, 1.0, None), "rho": (0.001, 0.1, "weight")}
    )
    starts: list = field(default_factory=lambda: [{"weight": 0.01, "rho": 0.0001}])
    trials: int = 6
    images: int = 3
    margin: float = 1.0
    seed: int = 0
    batch: int = 1
    hash: str = "0123456789abcdef"
    prior: None = None
    device: str = "cpu"
    precision: str = "float32"


@pytest.fixture
def tuned(tmp_path):
    """Runs a search on four random images; the lines that it writes, without the times."""
    images = tmp_path / "validation.npy"
    pixels = np.random.default_rng(0).random((4, 1, 12, 12), dtype=np.float32)
    names = [f"image{i}" for i in range(4)]
    save_images(images, Images(pixels, names, names, [1, 1, 2, 2]))

    def run(job, name="trials.csv"):
        tune(job, tmp_path / name, images, images, machine=Machine(cache=tmp_path))
        return pd.read_csv(tmp_path / name).drop(columns="seconds_per_image")

    return run


@pytest.fixture
def psnr(monkeypatch):
    """Replaces reconstructions: ``scored`` gives the PSNR of a method's parameters and a call."""
    found = SimpleNamespace(scored=None, calls=[])

    def timed(method, y, *_):
        found.calls.append(method.params)
        return torch.full_like(y, found.scored(method.params)), 1.0

    monkeypatch.setattr(harness, "timed", timed)
    monkeypatch.setattr(module, "mean_psnr", lambda truth, x_hat: float(x_hat.mean()) * 100)
    return found


def test_a_search_writes_a_line_per_trial_the_best_first(tuned):
    table = tuned(Job())
    assert [*table] == ["weight", "rho", "psnr", "images", "trial", "at_edge"]
    assert sorted(table["trial"]) == [1, 2, 3, 4, 5, 6]
    whole = table[table["images"] == 3]
    assert len(whole) >= 1
    assert whole["psnr"].is_monotonic_decreasing
    assert table["images"].is_monotonic_decreasing
    first = table[table["trial"] == 1].iloc[0]
    assert (first["weight"], first["rho"]) == (0.01, 0.0001)


def test_a_hopeless_trial_ends_early_and_is_not_the_best(tuned, psnr):
    psnr.scored = lambda p: 0.3 if p.weight == 0.01 else 0.28
    table = tuned(Job())
    assert table["images"].tolist() == [3, 1, 1, 1, 1, 1]
    assert len(psnr.calls) == 8
    psnr.scored = lambda p: 0.3 if p.weight == 0.01 else 0.295
    assert tuned(Job())["images"].tolist() == [3] * 6


def test_the_optimiser_is_told_what_a_hopeless_trial_lacks(tuned, psnr, monkeypatch):
    """On the images that it had: the first image of the best trial is easier than the others."""
    told = []

    def watched(axes, trials, evaluate, starts, seed):
        told.extend(evaluate({"weight": weight, "rho": weight}) for weight in (0.01, 0.02, 0.03))

    psnr.scored = lambda p: {1: 0.5, 2: 0.2, 3: 0.2, 4: 0.45}.get(len(psnr.calls), NAN)
    monkeypatch.setattr(module, "search", watched)
    tuned(Job())
    assert told[:2] == pytest.approx([30.0, 25.0], abs=0.001)
    assert math.isnan(told[2])


def test_a_trial_that_fails_is_logged_and_the_search_goes_on(tuned, psnr, capfd):
    psnr.scored = lambda p: 0.3 if p.weight == 0.01 else NAN
    table = tuned(Job())
    assert table["images"].tolist() == [3, 0, 0, 0, 0, 0]
    assert table["psnr"].isna().sum() == 5
    assert "not finite" in capfd.readouterr().err


def test_edges_and_whole_numbers_reach_the_table(tuned, psnr):
    psnr.scored = lambda p: 0.3 + 0.001 * p.weight + 1e-5 * p.iterations
    search = {"weight": (0.001, 1.0, None), "iterations": (2, 8, None)}
    table = tuned(
        Job(params={}, search=search, trials=8, starts=[{"weight": 0.5, "iterations": 7}])
    )
    assert (table["weight"][0], table["iterations"][0]) == (1.0, 8)
    assert table["iterations"].dtype == int
    assert set(table["at_edge"]) == {"weight iterations"}


def test_a_row_that_skips_the_problem_is_not_tried(tuned, psnr, monkeypatch):
    monkeypatch.setattr("methods.admm_tv.ADMMTV.skip", lambda self, problem: "no use")
    assert len(tuned(Job())) == 0
    assert psnr.calls == []


def test_a_killed_search_goes_on_where_it_was(tuned, tmp_path, monkeypatch):
    calls, timed = [], harness.timed

    def counted(*arguments):
        calls.append(len(calls))
        if len(calls) == 8:
            raise KeyboardInterrupt
        return timed(*arguments)

    monkeypatch.setattr(harness, "timed", counted)
    with pytest.raises(KeyboardInterrupt):
        tuned(Job(), "killed.csv")
    (kept,) = tmp_path.glob(".killed.*.json")
    assert Job.hash in kept.name
    done = sum(len(scores) for scores, *_ in json.loads(kept.read_text()).values())
    again = tuned(Job(), "killed.csv")
    assert not kept.exists()
    resumed = len(calls) - 8
    pd.testing.assert_frame_equal(again, tuned(Job(), "whole.csv"))
    assert resumed + done == len(calls) - 8 - resumed
    assert done > 0
