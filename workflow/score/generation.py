"""Distances of samples of the priors from real images.

Distances are to the training images; samples of a perfect prior would be as close as these are to
each other. The line of the test images shows the distance of real images of other subjects.
"""

import numpy as np
import pandas as pd

from methods.priors.patches import tiles_and_margin

SIDE = 8  # pixels, of the patches whose statistics are compared
MEASURES = {
    "patch_distance": "Patch distance",
    "spectrum_distance": "Spectrum distance (dB)",
    "seam_energy": "Seam energy",
    "nearest": "Nearest training image (dB)",
}


def patch_distance(samples: np.ndarray, real: np.ndarray) -> float:
    """Frechet distance of Gaussians fitted to all patches (n, C, H, W), root mean square per pixel.

    d^2 = |m - m'|^2 + tr(S + S' - 2 (S^1/2 S' S^1/2)^1/2), m and S mean and covariance.
    """
    (m, s), (n, t) = _patch_statistics(samples), _patch_statistics(real)
    values, vectors = np.linalg.eigh(s)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    mixed = np.sqrt(np.linalg.eigvalsh(root @ t @ root).clip(0)).sum()
    squared = ((m - n) ** 2).sum() + np.trace(s) + np.trace(t) - 2 * mixed
    return float(np.sqrt(max(squared, 0) / len(m)))


def _patch_statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance, summed image by image: all patches at once may not fit into memory."""
    size = images.shape[1] * SIDE**2
    count, total, product = 0, np.zeros(size), np.zeros((size, size))
    for image in images.astype(np.float64):
        windows = np.lib.stride_tricks.sliding_window_view(image, (SIDE, SIDE), axis=(1, 2))
        patches = windows.transpose(1, 2, 0, 3, 4).reshape(-1, size)
        count, total = count + len(patches), total + patches.sum(axis=0)
        product += patches.T @ patches
    mean = total / count
    return mean, (product - count * np.outer(mean, mean)) / (count - 1)


def spectrum_distance(samples: np.ndarray, real: np.ndarray) -> float:
    """Root mean square difference in dB of radially averaged power spectra, without the mean."""
    difference = 10 * np.log10(_power(samples) / _power(real))
    return float(np.sqrt(np.mean(difference[1:] ** 2)))


def _power(images: np.ndarray) -> np.ndarray:
    """Mean power in rings of one cycle per image up to Nyquist."""
    power = (np.abs(np.fft.fft2(images)) ** 2).mean(axis=(0, 1))
    fy, fx = (np.fft.fftfreq(n) for n in power.shape)
    side = min(power.shape)
    ring = np.rint(np.hypot(fy[:, None], fx[None]) * side).astype(int)
    rings = range(side // 2 + 1)
    return np.array([power[ring == r].mean() for r in rings])


def seam_energy(images: np.ndarray, patch: int) -> float:
    """Mean squared step across borders of the fixed grid relative to other steps; 1: no seams."""
    across, elsewhere = [], []
    for axis in (2, 3):
        steps = np.diff(images, axis=axis) ** 2
        count, margin = tiles_and_margin(images.shape[axis], patch)
        borders = margin // 2 - margin + patch * np.arange(count + 1) - 1
        on_border = np.isin(np.arange(steps.shape[axis]), borders)
        across.append(np.compress(on_border, steps, axis=axis))
        elsewhere.append(np.compress(~on_border, steps, axis=axis))
    means = [np.mean(np.concatenate([a.ravel() for a in parts])) for parts in (across, elsewhere)]
    return float(means[0] / means[1])


def nearest(samples: np.ndarray, real: np.ndarray) -> float:
    """Mean over samples of the PSNR to the most similar real image."""
    errors = [((real - sample) ** 2).mean(axis=(1, 2, 3)).min() for sample in samples]
    return float(np.mean(-10 * np.log10(np.maximum(errors, 1e-12))))


def compare(images: dict[str, np.ndarray], real: np.ndarray, patch: int) -> pd.DataFrame:
    """One line of ``MEASURES`` per label; ``real`` are training images (n, C, H, W)."""
    lines = [
        {
            "prior": label,
            "samples": len(samples),
            "patch_distance": patch_distance(samples, real),
            "spectrum_distance": spectrum_distance(samples, real),
            "seam_energy": seam_energy(samples, patch),
            "nearest": nearest(samples, real),
        }
        for label, samples in images.items()
    ]
    return pd.DataFrame(lines)
