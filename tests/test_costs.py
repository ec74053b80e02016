"""What is estimated before a run: evaluations, pixels, hours."""

import pytest
import torch

from methods.priors.training import TrainingParams
from workflow.config.resolve import resolve
from workflow.run.costs import (
    Rate,
    counting,
    estimate,
    hours,
    measured,
    seen_by_prior,
    seen_in_training,
)


@pytest.fixture(scope="module")
def smoke():
    return resolve({"preset": "smoke"})


def test_pixels_of_the_paper():
    size, whole = [256, 256], {"assembly": "whole"}
    assert seen_by_prior(whole, 0, size) == 256**2
    assert seen_by_prior({"assembly": "random_grid"}, 56, size) == 25 * 56**2
    assert seen_by_prior({"assembly": "average", "overlap": 8}, 56, size) == 36 * 56**2
    params = resolve({"preset": "paper"})["networks"]["patch"]["training"]
    assert seen_in_training(TrainingParams(**params), size) == pytest.approx(16e9, rel=0.01)
    assert seen_in_training(TrainingParams(examples=600_000), size) == pytest.approx(
        39.3e9, rel=0.01
    )


def test_evaluations_are_those_of_the_algorithms(smoke):
    counts, rows = counting(smoke), smoke["rows"]
    padis = {**resolve({"preset": "paper"})["rows"]["padis"], "params": {"levels": 3, "updates": 4}}
    langevin = {**padis, "method": "langevin"}
    corrector = {**padis, "method": "predictor_corrector", "params": {"levels": 5}}
    other = {"padis": padis, "langevin": langevin, "predictor_corrector": corrector}
    counts = counting({**smoke, "rows": {**rows, **other}})
    assert counts("ct20", "padis") == (12, 12)
    assert counts("ct20", "langevin") == (12, 0)
    assert counts("ct20", "predictor_corrector") == (8, 0)
    assert counts("ct20", "admm_tv") == (0, 0)
    assert counts("deblurring", "ve_ddnm") == (0, 0)  # skipped


def test_hours_are_those_of_pixels(smoke):
    rate = Rate(inference=1.0, gradient=2.0, training=3.0, flops=1e12)
    trainings, tables = hours(smoke, lambda name, dataset: rate)
    recipe = TrainingParams(**smoke["networks"]["whole"]["training"])
    assert trainings["ct/whole"] == pytest.approx(3 * recipe.examples * 32**2 / 3600)
    calls, gradients = counting(smoke)("ct20", "padis")
    assert calls == gradients > 0
    patch = smoke["networks"]["patch"]["training"]["patch"]
    seen = seen_by_prior({"assembly": "random_grid"}, patch, [32, 32])
    images = smoke["datasets"]["ct"]["test"] * smoke["problems"]["ct20"]["repeats"]
    wanted = 2 * calls * seen * images / 3600
    assert tables["table1"]["padis on ct20"] == pytest.approx(wanted)
    assert rate.at(1e12).training == 3.0


def test_what_is_measured_and_said(smoke):
    rate = measured(smoke["networks"]["patch"], [32, 32], torch.device("cpu"), torch.float32)
    assert 0 < rate.inference < 3600
    assert 0 < rate.gradient < 3600
    assert rate.training > rate.inference / 2  # of an example; other work may disturb either
    assert rate.flops > 1000
    lines = []
    estimate(smoke, 1.0, lines.append)
    assert any(line.startswith("train ct/patch: ") for line in lines)
    assert any(line.startswith("on 4 devices: ") for line in lines)
    assert lines[-1].startswith("Assumed")
