"""Reconstructs the measured images of a problem with one row."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from methods.base import Method
from methods.priors.base import Prior
from problems.base import Problem
from problems.noise import seed_of
from workflow.config.build import build_method, build_problem
from workflow.config.machine import Machine
from workflow.config.spec import Reconstruct, Samples
from workflow.plugins.contained import reason_of
from workflow.plugins.discovery import draws
from workflow.plugins.params import PluginError
from workflow.run import harness
from workflow.run.device import setup
from workflow.store.arrays import (
    arrays_hash,
    file_hash,
    load_measurements,
    save_arrays,
    save_record,
)
from workflow.store.provenance import made_with
from workflow.store.weights import described, load_foreign, load_prior


class Loaded(NamedTuple):
    """What a row computes with on its measurements."""

    device: torch.device
    precision: torch.dtype
    measured: dict[str, np.ndarray]
    ids: list[str]
    problem: Problem
    method: Method
    priors: list[Prior]

    @property
    def place(self) -> dict[str, str]:
        """Device and precision, as records have them."""
        precision = str(self.precision).removeprefix("torch.")
        return {"device": self.device.type, "precision": precision}


def load(job: Reconstruct, measurements: Path, weights: Sequence[Path], machine: Machine) -> Loaded:
    """Load the measurements, operator, method and priors of a row.

    Raises:
        PluginError: the method, or a network that was not trained here, cannot be used.
    """
    device, precision = setup(job, machine.threads)
    measured = load_measurements(measurements)
    shape = tuple(measured["shape"].tolist())
    problem = build_problem(job.family, job.problem_params, shape, machine.operators).to(device)
    try:
        method = build_method(job.method, job.params)
    except Exception as error:
        raise PluginError(reason_of(error)) from error
    priors = priors_for(job, weights, shape, device, precision)
    return Loaded(device, precision, measured, measured["ids"].tolist(), problem, method, priors)


def reconstruct(
    job: Reconstruct,
    out: Path,
    measurements: Path,
    *weights: Path,
    machine: Machine,
) -> None:
    """Write ``out`` (NPZ) and its record (JSON); go on where a killed attempt at it ended.

    Args:
        measurements: of all test images.
        weights: of the network of the prior in every fold, if the row has one.
    """
    row = load(job, measurements, weights, machine)
    point = isinstance(job, Samples) and not draws(row.method)  # has no samples to draw
    key = [job.hash, str(row.precision), row.device.type, str(row.measured["sha256"])]
    parts = _parts(out, key, weights)
    x_hat, record = harness.reconstruct(
        row.method,
        row.problem,
        row.priors,
        row.measured,
        seeds_for(job, row.ids)[: 1 if point else None],
        job.batch,
        row.device,
        parts,
        f"{job.row} on {job.problem}",
    )
    record |= {**row.place, "made_with": made_with(job.code, [measurements, *weights])}
    if job.prior and job.prior.foreign:
        record["network"] = described(job.prior.foreign, row.priors[0].network)
    _save(job, out, x_hat, record)
    if record["status"] != "failed":  # another attempt goes on with them
        shutil.rmtree(parts, ignore_errors=True)


def give_up(job: Reconstruct, out: Path, reason: str) -> None:
    """Write a failed reconstruction, of no image, and its reason."""
    record = {"status": "failed", "reason": reason, "images": []}
    _save(job, out, np.zeros(0, dtype=np.float32), record)


def priors_for(
    job: Reconstruct,
    weights: Sequence[Path],
    shape: tuple[int, int, int],
    device: torch.device,
    precision: torch.dtype,
) -> list[Prior]:
    """The prior of a row over the weights of every fold; empty if it has none.

    Raises:
        PluginError: a network that was not trained here cannot be used.
    """
    if job.prior and (foreign := job.prior.foreign):
        kind = job.prior.assembly, shape, device, precision, job.prior.overlap
        return [load_foreign(foreign, *kind)] * len(job.prior.networks)
    networks = job.prior.networks if job.prior else []
    if len(weights) != len(networks):
        raise ValueError(f"{job.row} needs the weights of {networks} after its first input")
    return [
        load_prior(path, job.prior.assembly, shape, device, precision, job.prior.overlap)
        for path in weights
    ]


def seeds_for(job: Reconstruct, ids: list[str]) -> list[list[int]]:
    """Seed of each image, once per repetition."""
    names = [[job.row], *([job.row, f"repeat {r}"] for r in range(1, job.repeats))]
    return [[seed_of(job.seed, "reconstruct", job.problem, *n, i) for i in ids] for n in names]


def _parts(out: Path, key: list[str], weights: Sequence[Path]) -> Path:
    """Folder of the finished batches of exactly this job; those of others are removed."""
    text = json.dumps([*key, *map(file_hash, weights)])
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    parts = out.with_name(f".{out.stem}.{name}")
    for stale in set(out.parent.glob(f".{out.stem}.*")) - {parts}:
        shutil.rmtree(stale, ignore_errors=True)
    return parts


def _save(job: Reconstruct, out: Path, x_hat: np.ndarray, record: dict[str, Any]) -> None:
    save_arrays(out, x_hat=x_hat)
    names = {"problem": job.problem, "method": job.row, "x_hat_sha256": arrays_hash(x_hat)}
    save_record(out.with_suffix(".json"), {**record, **names, "spec": job.record})
