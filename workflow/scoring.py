"""Scores of reconstructions, each under a named protocol.

psnr, ssim
    The paper's: scikit-image, data range 1, reconstruction clipped to [0, 1], SSIM with a uniform
    7 x 7 window, channels averaged.
ssim_gaussian
    torchmetrics, Gaussian window of standard deviation 1.5, data range 1.
residual
    ||A x_hat - y|| / ||y||.
"""

from typing import Any

import numpy as np
import pandas as pd
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure

from problems.base import Problem
from problems.datasets.base import Images
from workflow.store import StoreError


def score(
    truth: Images, y: np.ndarray, problem: Problem, x_hat: np.ndarray, record: dict[str, Any]
) -> pd.DataFrame:
    """One row per image with scores and costs; one row without image if the method has no result.

    Args:
        truth: n images.
        y: their measurements (n, ...).
        x_hat: (n, C, H, W) in [0, 1].
        record: of the reconstruction (``workflow.harness.reconstruct``).

    Raises:
        StoreError: the reconstruction is not one of these images.
    """
    common = {
        "variant": "",
        "seed": record.get("seed", 0),
        "status": record["status"],
        "reason": record["reason"],
    }
    if record["status"] != "ok":
        return pd.DataFrame([{**common, "image": "", "cluster": ""}])
    if [image["id"] for image in record["images"]] != truth.ids:
        raise StoreError("a reconstruction is of other images than the test split: delete it")
    prediction, target = torch.from_numpy(x_hat), torch.from_numpy(truth.pixels)
    gaussian = structural_similarity_index_measure(
        prediction, target, data_range=1.0, reduction="none"
    ).reshape(-1)
    measured = torch.from_numpy(y)
    residual = (problem.physics.A(prediction) - measured).flatten(1).norm(dim=1)
    residual = residual / measured.flatten(1).norm(dim=1)
    rows = []
    for i, image in enumerate(record["images"]):
        pair = truth.pixels[i], x_hat[i]
        rows.append(
            {
                **common,
                "image": image["id"],
                "cluster": truth.clusters[i],
                "psnr": peak_signal_noise_ratio(*pair, data_range=1),
                "ssim": structural_similarity(*pair, data_range=1, channel_axis=0),
                "ssim_gaussian": float(gaussian[i]),
                "residual": float(residual[i]),
                **{k: v for k, v in image.items() if k != "id"},
            }
        )
    return pd.DataFrame(rows)


def mean_psnr(truth: torch.Tensor, x_hat: torch.Tensor) -> float:
    """Mean PSNR over images in [0, 1], data range 1."""
    errors = (truth - x_hat).square().flatten(1).mean(dim=1)
    return float((-10 * errors.log10()).mean())
