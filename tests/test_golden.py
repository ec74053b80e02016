"""A tiny training and a tiny table whose numbers are committed: who changes them raises a number.

Networks are known by recipe and images, results by values and science code: nothing runs again
because code of ``workflow/`` has changed. If these tests fail after a change that is meant, raise
the number that they name (``workflow/config/spec.py``) and put the new values here.
"""

import json

import numpy as np
import pytest
from safetensors.torch import load_file

from workflow.config import spec
from workflow.config.machine import Machine
from workflow.run.measure import measure
from workflow.run.prepare import prepare
from workflow.run.reconstruct import reconstruct
from workflow.run.train import train
from workflow.score.metrics import score
from workflow.score.scores import read_scores

SIDE = 16
PHANTOM = {"slices": 2, "resolution": 32, "train_patients": 2}
PROBLEM = {"problem": "ct", "dataset": "ct", "family": "ct", "problem_params": {"views": 10}}
PLACE = {"seed": 0, "device": "cpu", "precision": "float32"}
PADIS = {"data_step": "least_squares", "zeta": 0.5, "sigma_max": 0.1, "levels": 4, "updates": 2}
ROWS = {  # method: its parameters
    "baseline": {},
    "admm_tv": {"iterations": 10, "weight": 0.02},
    "padis": PADIS,
}
WEIGHTS = {  # parameter: sum of absolute values
    "network.decoder.0.0.first.weight": 36.41642931313254,
    "network.down.0.weight": 43.94117964053294,
    "network.encoder.0.0.first.weight": 36.98133671350661,
    "network.encoder.1.0.first.weight": 97.48299899853009,
    "network.enter.weight": 20.66574648390096,
}
SCORES = {  # method: PSNR, SSIM
    "baseline": [23.1187, 0.837],
    "admm_tv": [30.3606, 0.9737],
    "padis": [16.1923, 0.4665],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with images, a network, measurements, reconstructions and scores."""
    folder = tmp_path_factory.mktemp("golden")
    machine = Machine(cache=folder / "cache")
    for split in ("train", "validation", "test"):
        job = spec.Prepare(
            dataset="ct", split=split, folds=1, source="phantom", params=PHANTOM,
            size=[SIDE, SIDE], count=None, files="",
        )  # fmt: skip
        prepare(job, folder / f"{split}.npy", machine=machine)
    weights = folder / "patch" / "weights.safetensors"
    recipe = {"patch": 8, "sizes": [4, 8], "probabilities": [0.5, 0.5], "batch": [8, 4]}
    job = spec.Train(
        dataset="ct", fold=1, name="patch", images={"used": None},
        network={"width": 8, "multipliers": [1, 2], "blocks": 1},
        training={**recipe, "examples": 120, "learning_rate": 3e-3},
        validation={"points": 2, "images": 2, "sigmas": [0.2]}, **PLACE,
    )  # fmt: skip
    train(job, weights, folder / "train.npy", folder / "validation.npy", machine)
    job = spec.Measure(**PROBLEM, seed=0)
    measure(job, folder / "y.npz", *[folder / "test.npy"] * 2, machine=machine)
    keys = {}
    for row, params in ROWS.items():
        prior = spec.Prior(networks=["patch"], assembly="random_grid", overlap=0)
        job = spec.Reconstruct(
            **PROBLEM, **PLACE, row=row, method=row, params=params, repeats=1, batch=2,
            prior=prior if row == "padis" else None,
        )  # fmt: skip
        needed = [weights] if row == "padis" else []
        reconstruct(job, folder / f"{row}.npz", folder / "y.npz", *needed, machine=machine)
        keys[row] = job.hash
    job = spec.Score(**PROBLEM, rows=list(ROWS), metrics=[], inputs=keys)
    found = [folder / f"{row}.npz" for row in ROWS]
    score(
        job, folder / "scores.csv", folder / "test.npy", folder / "y.npz", *found, machine=machine
    )
    return folder


def test_a_training_gives_the_weights_that_are_committed(made):
    weights = load_file(made / "patch" / "weights.safetensors")
    large = [name for name, tensor in weights.items() if tensor.ndim > 1]
    found = {name: float(weights[name].double().abs().sum()) for name in large[:: len(large) // 4]}
    card = json.loads((made / "patch" / "card.json").read_text())
    assert card["spec"]["training_version"] == spec.TRAINING
    assert found == pytest.approx(WEIGHTS, rel=1e-4), (
        f"the same recipe gives other weights, {found}: raise TRAINING in workflow/config/spec.py, "
        "if that is meant, and put these values here"
    )


def test_a_table_has_the_scores_that_are_committed(made):
    found = {}
    for row in ROWS:
        frame = read_scores(made / f"{row}.csv")
        assert (frame["status"] == "ok").all(), frame["reason"].tolist()
        found[row] = [float(np.round(frame[name].mean(), 4)) for name in ("psnr", "ssim")]
    for row, values in found.items():
        assert values == pytest.approx(SCORES.get(row), abs=2e-3), (
            f"the same methods give other scores, {found}: raise PROTOCOL in "
            "workflow/config/spec.py, if that is meant and no method has changed, and put these "
            "values here"
        )
