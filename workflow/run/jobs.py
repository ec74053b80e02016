"""What each rule of the DAG runs. Every job reads files, writes files whole, and nothing else."""

import hashlib
import json
import shutil
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from problems.datasets.base import DataError
from workflow.config.build import build_method, build_problem
from workflow.config.resolve import (
    operator_of,
    params_of,
    prior_of,
)
from workflow.plugins.discovery import load
from workflow.plugins.params import make_params
from workflow.store.arrays import (
    arrays_hash,
    file_hash,
    load_images,
    load_measurements,
    save_arrays,
    save_images,
    save_record,
)
from workflow.store.provenance import made_with


def prepare(config: dict[str, Any], dataset: str, split: str, out: Path) -> None:
    """Write the images of one split of a dataset.

    Raises:
        DataError: a test patient is a training or validation patient too.
    """
    settings = config["datasets"][dataset]
    source = load("dataset", settings["source"])
    params = make_params(source.Params, settings["params"], f"datasets.{dataset}")
    images = source(params, Path(config["cache"]) / "downloads")
    loaded = images.load(split, tuple(settings["size"]), settings[split])
    if split == "test":
        others = {raw.cluster for s in ("train", "validation") for raw in images.images(s)}
        shared = others & set(loaded.clusters)
        if shared:
            raise DataError(
                f"{dataset}: {min(shared)} is a test patient and a training or validation patient; "
                "keep it in one split"
            )
    save_images(out, loaded)


def measure(config: dict[str, Any], problem: str, images: Path, out: Path) -> None:
    """Measure all images of a split once, for every method to see the same data."""
    import torch

    from problems.noise import ImageNoise, seed_of

    truth = load_images(images)
    built = build_problem(config, problem, truth.pixels.shape[1:])
    seeds = [seed_of(config["seed"], "measure", problem, id_) for id_ in truth.ids]
    y = built.measure(torch.from_numpy(truth.pixels), ImageNoise(seeds)).numpy()
    save_arrays(
        out,
        y=y,
        ids=np.array(truth.ids),
        shape=np.array(truth.pixels.shape[1:]),
        sha256=np.array(arrays_hash(y)),
    )


def reconstruct(
    config: dict[str, Any],
    problem: str,
    row: str,
    measurements: Path,
    weights: Path | None,
    out: Path,
    code: str,
) -> None:
    """Reconstruct the measured images with one row; write ``out`` (NPZ) and its record (JSON)."""
    from workflow.run import harness
    from workflow.run.device import setup

    device, precision = setup(config)
    measured = load_measurements(measurements)
    shape = tuple(measured["shape"].tolist())
    built = build_problem(config, problem, shape).to(device)
    try:
        method = build_method(config, row, problem)
    except Exception as error:
        traceback.print_exc()
        return give_up(config, problem, row, out, harness.reason_of(error))
    prior = prior_for(config, row, weights, shape, device, precision)
    settings = config["rows"][row], params_of(config["rows"][row], problem), config["batch"]
    key = [
        *(config["seed"], problem, settings, operator_of(config, problem), code),
        prior_of(config, row),
        *(str(precision), device.type),
        *(str(measured["sha256"]), file_hash(weights) if weights else ""),
    ]
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    out = Path(out)
    parts = out.with_name(f".{out.stem}.{name}")
    for stale in set(out.parent.glob(f".{out.stem}.*")) - {parts}:
        shutil.rmtree(stale, ignore_errors=True)
    ids = measured["ids"].tolist()
    x_hat, record = harness.reconstruct(
        method,
        built,
        prior,
        measured,
        harness.seeds_for(config, problem, row, ids),
        config["batch"],
        device,
        parts,
        f"{row} on {problem}",
    )
    where = {"device": device.type, "precision": str(precision).removeprefix("torch.")}
    inputs = [measurements, weights] if weights else [measurements]
    record["made_with"] = made_with(code, inputs)
    _save(config, problem, row, out, x_hat, {**record, **where})


def give_up(config: dict[str, Any], problem: str, row: str, out: Path, reason: str) -> None:
    """Write a failed reconstruction, of no image, and its reason."""
    record = {"status": "failed", "reason": reason, "images": []}
    _save(config, problem, row, out, np.zeros(0, dtype=np.float32), record)


def _save(config, problem, row, out, x_hat, record) -> None:
    names = {"problem": problem, "method": row, "seed": config["seed"], "batch": config["batch"]}
    save_arrays(Path(out), x_hat=x_hat)
    hashed = {"x_hat_sha256": arrays_hash(x_hat)}
    save_record(Path(out).with_suffix(".json"), {**record, **names, **hashed})


def controls(config: dict[str, Any], problem: str, images: Path, train: Path, out: Path) -> None:
    """Write the controls of a problem, in place of reconstructions, into the folder ``out``."""
    import torch

    from workflow.run.controls import CONTROLS

    truth, training = load_images(images), load_images(train)
    for name, control in CONTROLS.items():
        built = build_problem(config, problem, truth.pixels.shape[1:])
        with torch.no_grad():
            x_hat = control(
                built, torch.from_numpy(truth.pixels), torch.from_numpy(training.pixels)
            )
        path = Path(out) / f"{name}.npz"
        save_arrays(path, x_hat=x_hat.clamp(0, 1).numpy())
        record = {"status": "ok", "reason": "", "images": [{"id": id_} for id_ in truth.ids]}
        save_record(path.with_suffix(".json"), {**record, "problem": problem, "method": name})


def prior_for(config, row, weights, shape, device, precision):
    """The prior of a row over the weights at ``weights``, or None."""
    from workflow.store.weights import load_prior

    prior = prior_of(config, row)
    if prior is None:
        return None
    if weights is None:
        raise ValueError(f"{row} needs a trained prior: name its weights with --weights")
    return load_prior(weights, prior["assembly"], shape, device, precision, prior["overlap"])
