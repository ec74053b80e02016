"""Uncertainty of a mean over test images, several of which may be of one patient or person.

Such images resemble each other: patients are drawn, with all their images, and not images (cluster
bootstrap; Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8). There
are few patients, for which percentiles of the draws would be too narrow; the interval therefore is

    mean +- t_{0.975, G - 1} sqrt(G / (G - 1)) s,

s the bootstrap standard error and G the number of patients (Hesterberg, The American Statistician
69, 2015, 371-386). All means are estimated from the same draws.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy.special import stdtrit

LEVEL = 0.95
DRAWS = 10_000


def half_width(values: Sequence[float], clusters: Sequence[str]) -> float:
    """Half the width of the 95 % interval of the mean of ``values``, in their unit.

    Args:
        values: one per image.
        clusters: patient or person of each image. If all are of one, images are drawn, and the
            interval says nothing about other patients.

    Returns:
        NaN if there are fewer than two values, or if one of them is NaN.
    """
    values = np.asarray(values, dtype=float)
    members = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)[1]
    if len(set(members)) < 2:
        members = np.arange(len(values))
    count = len(set(members))
    if count < 2:
        return float("nan")
    sums, sizes = np.bincount(members, values), np.bincount(members)
    drawn = _draws(count)
    error = (drawn @ sums / (drawn @ sizes)).std()
    return float(stdtrit(count - 1, 0.5 + LEVEL / 2) * (count / (count - 1)) ** 0.5 * error)


@cache
def _draws(count: int) -> np.ndarray:
    """How often each of ``count`` patients is drawn, one line per draw."""
    return np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), size=DRAWS)
