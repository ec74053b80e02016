"""TARP: tests of accuracy with random points, of whole distributions of many pixels.

Lemos, Coogan, Hezaveh, Perreault-Levasseur, "Sampling-Based Accuracy Testing of Posterior
Estimators for General Inference", ICML 2023, arXiv 2302.03026. A ball around a point r that was
chosen without the truth holds the samples that are nearer to r than the truth. Its share of samples
f is uniform if truth and samples are draws of one posterior; the expected coverage is P(f < c) = c
at every credibility c. Samples that vary too little are all nearer, or all farther, too often:
coverage above c for small c and below it for large c.
"""

import numpy as np

SIDE = 16  # pixels, of the blocks of an image


def blocks(images: np.ndarray) -> np.ndarray:
    """Blocks of ``SIDE`` x ``SIDE`` pixels of images (..., C, H, W) as vectors, (..., N, d).

    They do not overlap; what is left at the right and lower border is not used. A smaller image is
    one block.
    """
    *front, channels, height, width = images.shape
    rows, columns = (min(SIDE, n) for n in (height, width))
    down, across = height // rows, width // columns
    cut = images[..., : down * rows, : across * columns]
    cut = cut.reshape(*front, channels, down, rows, across, columns)
    cut = np.moveaxis(cut, (-4, -2), (len(front), len(front) + 1))
    return cut.reshape(*front, down * across, channels * rows * columns)


def ranks(
    samples: np.ndarray, truth: np.ndarray, points: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """How many of K samples are nearer to a point than the truth, 0 to K; ties are drawn.

    Args:
        samples: (K, N, d), of N vectors.
        truth: (N, d).
        points: (R, N, d), R of each.

    Returns:
        (R, N).
    """
    samples, truth = samples.astype(float), truth.astype(float)
    near = np.stack([((samples - point) ** 2).sum(axis=-1) for point in points], axis=1)
    limit = ((truth - points) ** 2).sum(axis=-1)
    below, equal = (near < limit).sum(axis=0), (near == limit).sum(axis=0)
    return below + random.integers(0, equal + 1)


def expected_coverage(found: np.ndarray, samples: int, credibility: float) -> float:
    """P(f < c) of ``ranks``: c.

    The rank k of K samples stands for shares that are uniform on [k, k + 1] / (K + 1), so that
    the expectation is c for every K.
    """
    return float(np.clip(credibility * (samples + 1) - found, 0, 1).mean())
