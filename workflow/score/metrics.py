"""Scores of reconstructions under the protocols of ``workflow.score.scores.METRICS``."""

from typing import Any

import numpy as np
import pandas as pd
import torch
from deepinv.loss.metric import GMSD, HaarPSI
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure

from problems.base import Problem
from problems.datasets.base import Images
from workflow.store.arrays import StoreError


def score(
    truth: Images, y: np.ndarray, problem: Problem, x_hat: np.ndarray, record: dict[str, Any]
) -> pd.DataFrame:
    """One row per image with scores and costs; one row without image if the method has no result.

    Args:
        truth: n images.
        y: their measurements (n, ...).
        x_hat: (n, C, H, W) in [0, 1], once per repetition.
        record: of the reconstruction (``workflow.run.harness.reconstruct``).

    Raises:
        StoreError: the reconstruction is not one of these images.
    """
    common = {
        "variant": "",
        "status": record["status"],
        "reason": record["reason"],
    }
    if record["status"] != "ok":
        return pd.DataFrame([{**common, "seed": 0, "image": "", "cluster": ""}])
    repeats = len(x_hat) // max(len(truth.ids), 1)
    if [image["id"] for image in record["images"]] != truth.ids * repeats:
        raise StoreError("a reconstruction is of other images than the test split: delete it")
    pixels = np.tile(truth.pixels, (repeats, 1, 1, 1))
    prediction, target = torch.from_numpy(x_hat), torch.from_numpy(pixels)
    gaussian = structural_similarity_index_measure(
        prediction, target, data_range=1.0, reduction="none"
    ).reshape(-1)
    gmsd = GMSD()(prediction, target)
    haarpsi = torch.full((len(target),), torch.nan)
    if target.shape[1] in (1, 3):
        haarpsi = HaarPSI(C=5.0, alpha=4.9)(prediction, target)
    measured = torch.from_numpy(np.concatenate([y] * repeats))
    residual = (problem.physics.A(prediction) - measured).flatten(1).norm(dim=1)
    residual = residual / measured.flatten(1).norm(dim=1)
    rows = []
    for i, image in enumerate(record["images"]):
        pair = pixels[i], x_hat[i]
        rows.append(
            {
                **common,
                "seed": image.get("repeat", 0),
                "image": image["id"],
                "cluster": truth.clusters[i % len(truth.ids)],
                "psnr": peak_signal_noise_ratio(*pair, data_range=1),
                "ssim": structural_similarity(*pair, data_range=1, channel_axis=0),
                "ssim_gaussian": float(gaussian[i]),
                "haarpsi": float(haarpsi[i]),
                "gmsd": float(gmsd[i]),
                "residual": float(residual[i]),
                **{k: v for k, v in image.items() if k not in ("id", "repeat")},
            }
        )
    return pd.DataFrame(rows)


def mean_psnr(truth: torch.Tensor, x_hat: torch.Tensor) -> float:
    """Mean PSNR over images in [0, 1], data range 1."""
    errors = (truth - x_hat).square().flatten(1).mean(dim=1)
    return float((-10 * errors.log10()).mean())
