"""Scores of posterior samples against the truth that was measured, image by image.

If truth and samples are draws from one posterior, every score here has a known value, whatever the
number of samples K.
"""

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import stdtrit

LEVELS = (0.5, 0.8, 0.9, 0.95)  # of credible intervals
CREDIBILITIES = tuple(k / 20 for k in range(1, 20))  # of TARP
LOW_PASS = 2.0  # pixels, standard deviation of the Gaussian of ``low_pass``


def name(score: str, level: float) -> str:
    """Column of a score at a level: coverage_95."""
    return f"{score}_{round(100 * level):02d}"


def rank_columns(samples: int) -> list[str]:
    """Columns of the shares of pixels where 0, 1, ..., K samples are below the truth."""
    return [f"rank_{k:02d}" for k in range(samples + 1)]


def moments(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sample standard deviation (K - 1) of samples (K, ...), float64.

    One sample has no spread: NaN.
    """
    samples = samples.astype(float)
    mean = samples.mean(axis=0)
    if len(samples) < 2:
        return mean, np.full_like(mean, np.nan)
    return mean, samples.std(axis=0, ddof=1)


def coverage(samples: np.ndarray, truth: np.ndarray, level: float) -> float:
    """Share of pixels whose truth is in the central credible interval of ``level``: level.

    The interval is mean +- t_{K-1} sqrt(1 + 1/K) s, in which one more draw of a normal distribution
    falls with probability ``level`` for every K (prediction interval; Geisser, Predictive Inference
    1993, section 2.2). Pixels where all samples equal the truth (air, clipped to 0) are left out:
    they do not depend on the spread.

    Args:
        samples: (K, ...), K > 1.
        truth: (...).

    Returns:
        NaN if no pixel is left.
    """
    mean, std = moments(samples)
    count = len(samples)
    half = stdtrit(count - 1, 0.5 + level / 2) * np.sqrt(1 + 1 / count) * std
    covered = (np.abs(truth - mean) <= half)[(samples != truth).any(axis=0)]
    return float(covered.mean()) if covered.size else float("nan")


def low_pass(images: np.ndarray) -> np.ndarray:
    """Images (..., H, W) after a Gaussian of ``LOW_PASS`` pixels: errors that many pixels share."""
    return gaussian_filter(images.astype(float), LOW_PASS, axes=(-2, -1))


def ranks(samples: np.ndarray, truth: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Rank of the truth among K samples, 0 to K, uniform if they cannot be told apart.

    Talagrand diagram (Hamill, Monthly Weather Review 129, 2001, 550-560). Among samples equal to
    the truth the rank is drawn.

    Args:
        samples: (K, ...).
        truth: (...).
    """
    below, equal = (samples < truth).sum(axis=0), (samples == truth).sum(axis=0)
    return (below + random.integers(0, equal + 1)).astype(np.uint16)


def histogram(found: np.ndarray, samples: int) -> np.ndarray:
    """Shares of the ranks 0 to K, (K + 1,): 1 / (K + 1) each."""
    return np.bincount(found.ravel(), minlength=samples + 1) / found.size


def crps(samples: np.ndarray, truth: np.ndarray) -> float:
    """Continuous ranked probability score, mean over pixels, image units; smaller is better.

    The fair estimator, of which the expectation does not depend on K (Ferro, Quarterly Journal of
    the Royal Meteorological Society 140, 2014, 1917-1923):

        mean_i |x_i - x| - sum_{i, j} |x_i - x_j| / (2 K (K - 1))

    For one sample it is the absolute error.

    Args:
        samples: (K, ...).
        truth: (...).
    """
    count = len(samples)
    ordered = np.sort(samples.astype(float), axis=0)
    error = np.abs(ordered - truth).mean()
    if count < 2:
        return float(error)
    weights = 2 * np.arange(1, count + 1) - count - 1  # sum_{i < j} |x_i - x_j| of ordered x
    pairs = np.tensordot(weights, ordered, axes=1).mean()
    return float(error - pairs / (count * (count - 1)))


def spread_skill(samples: np.ndarray, truth: np.ndarray) -> float:
    """Spread over skill: 1, less if samples vary too little.

    sqrt((K + 1) / K mean s^2) over the root mean square error of the mean (Fortin, Abaza, Anctil,
    Turcotte, Journal of Hydrometeorology 15, 2014, 1708-1713).
    """
    mean, std = moments(samples)
    count = len(samples)
    spread = np.sqrt((count + 1) / count * np.mean(std**2))
    return float(spread / np.sqrt(np.mean((mean - truth) ** 2)))


def residual_chi2(residuals: np.ndarray, numbers: int, noise_level: float) -> float:
    """||A x - y||^2 / (m sigma_y^2), mean over samples: 1 for samples of the posterior.

    As truth and samples cannot be told apart given y, the residual of a sample is distributed as
    noise; those of estimates need not be.

    Args:
        residuals: A x_i - y, (K, ...).
        numbers: m, of the measurement that noise reaches.
        noise_level: sigma_y.
    """
    squared = (residuals.astype(float) ** 2).sum() / len(residuals)
    return float(squared / (numbers * noise_level**2))
