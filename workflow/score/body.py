"""Scores of CT slices in Hounsfield units, inside the body.

More than half of a slice is air around the body, which every method reconstructs alike and which
raises PSNR and SSIM.
"""

import numpy as np
from scipy.ndimage import binary_fill_holes, binary_opening, label
from skimage.metrics import structural_similarity

INSIDE = -400.0  # HU; above it are soft tissue and bone, below it air and lung
WINDOWS = {"lung": (-1350.0, 150.0), "soft": (-160.0, 240.0)}  # HU: 1500 at -600, 400 at 40
NAMES = ("psnr_body", "ssim_body", "rmse_hu", *(f"rmse_{name}" for name in WINDOWS))


def body(hu: np.ndarray) -> np.ndarray:
    """The mask (H, W) of the body in a slice (H, W) in HU.

    It is the largest connected part above ``INSIDE`` with its holes, such as the lungs, after an
    opening by a cross of 3 pixels, which cuts off the table.
    """
    parts, count = label(binary_opening(hu > INSIDE))
    if not count:
        return np.ones(hu.shape, dtype=bool)
    sizes = np.bincount(parts.ravel())[1:]
    return binary_fill_holes(parts == 1 + sizes.argmax())


def scores(truth: np.ndarray, x_hat: np.ndarray, hu: tuple[float, float]) -> dict[str, float]:
    """The scores ``NAMES`` of a grey image.

    Args:
        truth: (1, H, W) in [0, 1]; the mask is that of the truth.
        x_hat: the same of the reconstruction.
        hu: that 0 and 1 stand for.
    """
    low, high = hu
    (true,), (found,) = low + (high - low) * truth, low + (high - low) * x_hat
    mask = body(true)

    def rmse(low: float, high: float) -> float:
        error = np.clip(found, low, high) - np.clip(true, low, high)
        return float(np.sqrt(np.mean(np.square(error, dtype=float)[mask])))

    error = rmse(low, high)
    similar = structural_similarity(truth[0], x_hat[0], data_range=1, full=True)[1]
    return {
        "psnr_body": float(20 * np.log10((high - low) / max(error, 1e-12))),
        "ssim_body": float(similar[mask].mean()),
        "rmse_hu": error,
        **{f"rmse_{name}": rmse(*window) for name, window in WINDOWS.items()},
    }
