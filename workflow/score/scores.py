"""The table of scores: one row per problem, method, variant, seed and image.

Metrics are protocols with a name and a version; a change of one is a new version. All are of the
reconstruction clipped to [0, 1], with data range 1, and of the stored file, float32.
"""

from collections.abc import Iterable
from math import nan
from pathlib import Path

import pandas as pd

from workflow.store.provenance import CONDITIONS

METRICS = {  # column: label, whether higher is better, protocol
    "psnr": ("PSNR", True, "psnr 1: scikit-image, dB, over all channels jointly"),
    "ssim": ("SSIM", True, "ssim 1: scikit-image, uniform 7 x 7 window, mean over channels"),
    "ssim_gaussian": ("SSIM, Gaussian", True, "ssim_gaussian 1: torchmetrics, sigma of 1.5 pixels"),
    "haarpsi": ("HaarPSI", True, "haarpsi 1: deepinv, C = 5, alpha = 4.9, for medical images"),
    "gmsd": ("GMSD", False, "gmsd 1: deepinv, c = 0.0026, mean over channels"),
    "psnr_body": ("PSNR, body", True, "psnr_body 1: psnr 1 over the pixels of the body"),
    "ssim_body": ("SSIM, body", True, "ssim_body 1: mean of the map of ssim 1 over the body"),
    "rmse_hu": ("RMSE (HU)", False, "rmse_hu 1: over the body, Hounsfield units"),
    "rmse_lung": ("RMSE, lung (HU)", False, "rmse_lung 1: rmse_hu 1, clipped to [-1350, 150] HU"),
    "rmse_soft": ("RMSE, soft tissue (HU)", False, "rmse_soft 1: the same, to [-160, 240] HU"),
    "residual": ("Residual", False, "residual 1: ||A x_hat - y|| / ||y||"),
}
CALLS = ("denoiser_calls", "jacobian_calls", "forward_calls", "adjoint_calls", "dagger_calls")
MEASURED = (*CALLS, "seconds", "peak_memory_mb")  # of a reconstruction, per image
COLUMNS = [
    *("problem", "method", "variant", "seed", "image", "cluster", "fold", *METRICS, *MEASURED),
    *("measured", "status", "reason", "ran", *CONDITIONS),  # measured: numbers for each unknown
]
TEXT = (
    *("problem", "method", "variant", "image", "cluster", "status", "reason", "ran"),
    *CONDITIONS,
)


def protocols() -> list[str]:
    """Names and versions of all metrics, such as "psnr 1": another list scores all rows again."""
    return [protocol.split(":")[0] for _, _, protocol in METRICS.values()]


def read_scores(path: Path | str) -> pd.DataFrame:
    """Read a table of scores; text that is absent is an empty string, as are metrics NaN."""
    found = pd.read_csv(path, dtype=dict.fromkeys(TEXT, str)).fillna(dict.fromkeys(TEXT, ""))
    return found.assign(**{name: nan for name in METRICS if name not in found})


def read_all(paths: Iterable[Path | str]) -> pd.DataFrame:
    """Read tables of scores as one."""
    return pd.concat([read_scores(path) for path in paths], ignore_index=True)
