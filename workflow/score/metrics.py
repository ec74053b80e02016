"""Scores of reconstructions under the protocols of ``workflow.score.scores.METRICS``.

There is one file per problem and row; all of them together are images.csv.
"""

from collections.abc import Sequence
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from deepinv.loss.metric import GMSD, HaarPSI
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure

from problems.base import Problem
from problems.datasets.base import Images
from workflow.config.build import build_problem
from workflow.config.machine import Machine
from workflow.config.spec import Score, parse
from workflow.score import body
from workflow.score.scores import COLUMNS
from workflow.store.arrays import (
    StoreError,
    arrays_hash,
    load_arrays,
    load_measurements,
    load_record,
)
from workflow.store.files import write_text
from workflow.store.images import load_images
from workflow.store.provenance import conditions


def psnr(truth: np.ndarray, x_hat: np.ndarray) -> float:
    """Of images (C, H, W) in [0, 1], dB."""
    return float(peak_signal_noise_ratio(truth, x_hat, data_range=1))


def ssim(truth: np.ndarray, x_hat: np.ndarray) -> float:
    """Of images (C, H, W) in [0, 1]."""
    return float(structural_similarity(truth, x_hat, data_range=1, channel_axis=0))


def score(
    job: Score,
    out: Path,
    images: Path,
    measurements: Path,
    *reconstructions: Path,
    machine: Machine,
) -> None:
    """Score rows and controls on a problem; write one line per image.

    Args:
        out: CSV file of the first row; those of the others are written beside it.
        images: the truth.
        measurements: of the truth.
        reconstructions: NPZ files in the order of ``job.rows``, their records (JSON) beside them.

    Raises:
        StoreError: a reconstruction is damaged, of other images, or not of the job that is scored.
    """
    truth, measured = load_images(images), load_measurements(measurements)
    problem = build_problem(
        job.family, job.problem_params, truth.pixels.shape[1:], machine.operators
    )
    for row, path in zip(job.rows, reconstructions, strict=True):
        record, x_hat = load_record(path.with_suffix(".json")), load_arrays(path)["x_hat"]
        if "spec" not in record or parse(record["spec"]).hash != job.inputs[row]:
            raise StoreError(f"{path} is of another job: delete it and run snakemake")
        if arrays_hash(x_hat) != record.get("x_hat_sha256", arrays_hash(x_hat)):
            raise StoreError(f"{path} is damaged (wrong hash): delete it and run snakemake")
        frame = score_row(truth, measured["y"], problem, x_hat, record, job.hu)
        frame = frame.assign(problem=job.problem, method=row).reindex(columns=list(COLUMNS))
        write_text(out.with_name(f"{row}.csv"), frame.to_csv(index=False))


def score_row(
    truth: Images,
    y: np.ndarray,
    problem: Problem,
    x_hat: np.ndarray,
    record: dict[str, Any],
    hu: Sequence[float] | None = None,
) -> pd.DataFrame:
    """One row per image with scores and costs; one row without image if the method has no result.

    Args:
        truth: n images.
        y: their measurements (n, ...).
        x_hat: (n, C, H, W) in [0, 1], once per repetition.
        record: of the reconstruction (``workflow.run.harness.reconstruct``).
        hu: that 0 and 1 stand for, of grey images; without it scores of the body are NaN.

    Raises:
        StoreError: the reconstruction is not one of these images.
    """
    state = {"variant": "", "status": record["status"], "reason": record["reason"]}
    state |= {"ran": record.get("ran", ""), **conditions(record)}  # empty for controls
    if record["status"] != "ok":
        return pd.DataFrame([{**state, "seed": 0, "image": "", "cluster": ""}])
    repeats = len(x_hat) // max(len(truth.ids), 1)
    frame = pd.DataFrame({"repeat": 0, **image} for image in record["images"])
    if list(frame["id"]) != truth.ids * repeats:
        raise StoreError("a reconstruction is of other images than the test split: delete it")
    pixels = np.tile(truth.pixels, (repeats, 1, 1, 1))
    pairs = list(zip(pixels, x_hat, strict=True))
    prediction, target = torch.from_numpy(x_hat), torch.from_numpy(pixels)
    gaussian = structural_similarity_index_measure(
        prediction, target, data_range=1.0, reduction="none"
    )
    measured = torch.from_numpy(np.concatenate([y] * repeats))
    residual = (problem.physics.A(prediction) - measured).flatten(1).norm(dim=1)
    reached = problem.physics.A(torch.full_like(target[:1], 0.5)) != 0  # by a pixel of the image
    grey_or_rgb = target.shape[1] in (1, 3)
    of_body = [body.scores(*pair, hu) if hu else dict.fromkeys(body.NAMES, nan) for pair in pairs]
    return frame.rename(columns={"id": "image", "repeat": "seed"}).assign(
        **state,
        cluster=truth.clusters * repeats,
        fold=truth.folds * repeats,
        psnr=[psnr(*pair) for pair in pairs],
        ssim=[ssim(*pair) for pair in pairs],
        ssim_gaussian=gaussian.reshape(-1).tolist(),
        haarpsi=HaarPSI(C=5.0, alpha=4.9)(prediction, target).tolist() if grey_or_rgb else nan,
        gmsd=GMSD()(prediction, target).tolist(),
        **{name: [found[name] for found in of_body] for name in body.NAMES},
        residual=(residual / measured.flatten(1).norm(dim=1)).tolist(),
        measured=float(reached.sum()) / target[0].numel(),
    )
