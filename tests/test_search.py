"""The search for parameters: no edges, limits kept, the same number of trials for every row."""

import json
import math

import pandas as pd
import pytest
from running import SETTINGS

from workflow.config import jobs
from workflow.config.machine import Machine
from workflow.config.resolve import resolve
from workflow.config.views import searches
from workflow.run import harness
from workflow.run.search import Axis, at_edge, parameters, search
from workflow.run.tune import tune


def tried(axes, trials, score, starts=()):
    found = []

    def evaluate(point):
        found.append(point)
        return score(point)

    search(axes, trials, evaluate, starts)
    return found


def peak(**at):
    return lambda p: -sum(math.log(p[name] / value) ** 2 for name, value in at.items())


def test_it_goes_beyond_every_start():
    """The best value may be any number of factors away, on either side."""
    axes = {"a": Axis(1.0, 3.0), "b": Axis(1.0, 3.0)}
    for a, b in ((300.0, 0.01), (0.001, 1.0), (1.0, 90.0)):
        points = tried(axes, 40, peak(a=a, b=b))
        best = max(points, key=peak(a=a, b=b))
        assert 0.6 < best["a"] / a < 1.7
        assert 0.6 < best["b"] / b < 1.7
        assert at_edge(axes, points, best) == []


def test_points_differ_and_are_as_many_as_asked_for():
    axes = {"a": Axis(1.0, 2.0), "b": Axis(1.0, 2.0)}
    for trials in (1, 2, 5, 12):
        points = tried(axes, trials, peak(a=5.0, b=0.3))
        assert len(points) == len({tuple(p.values()) for p in points}) == trials


def test_a_killed_search_goes_on_where_it_was(finished, tmp_path, monkeypatch):
    job = jobs.tune(resolve(SETTINGS), "ct20", "admm_tv")
    images = finished / "results/test/data/ct/validation.npy"
    calls, timed = [], harness.timed

    def counted(*arguments):
        calls.append(len(calls))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return timed(*arguments)

    def searched(name):
        tune(job, tmp_path / name, images, images, machine=Machine(cache=tmp_path))
        return pd.read_csv(tmp_path / name).drop(columns="seconds_per_image")

    monkeypatch.setattr(harness, "timed", counted)
    with pytest.raises(KeyboardInterrupt):
        searched("killed.csv")
    (kept,) = tmp_path.glob(".killed.*.json")
    done = sum(len(scores) for scores, *_ in json.loads(kept.read_text()).values())
    again = searched("killed.csv")
    assert not kept.exists()
    resumed = len(calls) - 4
    pd.testing.assert_frame_equal(again, searched("whole.csv"))
    assert resumed + done == len(calls) - 4 - resumed
    assert done > 0


def test_used_up_trials_leave_an_edge_that_is_named():
    axes = {"a": Axis(1.0, 2.0), "b": Axis(1.0, 2.0)}
    points = tried(axes, 6, peak(a=1000.0, b=1.0))
    best = max(points, key=peak(a=1000.0, b=1.0))
    assert "a" in at_edge(axes, points, best)


def test_a_limit_is_no_edge():
    axes = {"a": Axis(1.0, 2.0, high=4.0), "b": Axis(0.05, 2.0, high=0.1, of="a")}
    points = tried(axes, 30, lambda p: p["a"] + p["b"])
    best = max(points, key=lambda p: p["a"] + p["b"])
    assert best == {"a": 4.0, "b": 0.4}
    assert all(p["a"] <= 4 and p["b"] <= 0.1001 * p["a"] for p in points)
    assert at_edge(axes, points, best) == []


def test_a_value_moves_with_the_one_that_it_is_a_multiple_of():
    axes = {"a": Axis(1.0, 2.0), "b": Axis(0.1, 2.0, high=0.1, of="a")}
    assert parameters({"a": 0.5, "b": 0.1}, axes) == {"a": 0.5, "b": 0.05}
    points = tried(axes, 8, peak(a=8.0, b=0.8))
    assert {"a": 8.0, "b": 0.8} in points


def test_the_better_side_of_a_valley_is_taken():
    """A start between two peaks does not slide into the first that is tried."""
    axes = {"a": Axis(1.0, 3.0), "b": Axis(1.0, 3.0)}
    low, high = peak(a=1 / 9), peak(a=9.0)
    points = tried(axes, 8, lambda p: max(low(p) - 1, high(p)))
    assert any(p["a"] == 9.0 for p in points)


def test_of_several_starts_the_best_is_gone_on_from():
    axes = {"a": Axis(1.0, 3.0), "b": Axis(0.1, 3.0, of="a")}
    starts = [{"a": 50.0, "b": 0.2}, {"a": 0.01, "b": 0.1}]
    points = tried(axes, 6, peak(a=60.0, b=12.0), starts)
    assert points[:3] == [{"a": 1.0, "b": 0.1}, {"a": 50.0, "b": 10.0}, {"a": 0.01, "b": 0.001}]
    assert {"a": 150.0, "b": 30.0} in points


def test_whole_numbers_stay_whole_and_positive():
    axes = {"n": Axis(3, 2.0, whole=True)}
    points = tried(axes, 20, lambda p: -p["n"])
    assert all(isinstance(p["n"], int) and p["n"] >= 1 for p in points)
    assert {"n": 1} in points
    assert at_edge(axes, points, {"n": 1}) == []  # nothing is below


def test_nan_is_worse_than_everything():
    axes = {"a": Axis(1.0, 2.0)}
    points = tried(axes, 6, lambda p: p["a"] if p["a"] < 5 else float("nan"))
    assert {"a": 4.0} in points
    assert {"a": 8.0} in points
    assert {"a": 16.0} not in points


@pytest.mark.parametrize("preset", ["quick", "standard"])
def test_the_samplers_of_the_paper_anneal_by_a_factor_of_ten(preset):
    """Wherever a search may go, and in what it has found; two rows with one level are named so."""
    config = resolve({"preset": preset})
    for problem, row in searches(config):
        axes = {n: Axis(**axis) for n, axis in jobs.tune(config, problem, row).search.items()}
        if "sigma_min" in axes and not row.startswith("deepinv"):
            assert (axes["sigma_min"].high, axes["sigma_min"].of) == (0.1, "sigma_max"), row
    for name, row in config["rows"].items():
        for problem, values in row["params_for"].items():
            annealed = {"sigma_max", "sigma_min"} <= set(values)
            if annealed and not name.startswith("deepinv") and "one_level" not in name:
                assert values["sigma_max"] >= 9.9 * values["sigma_min"], (name, problem)
