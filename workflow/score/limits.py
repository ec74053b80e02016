"""Limits within which samples agree with a known posterior."""

from collections.abc import Mapping

MEAN_LIMIT = 0.02  # distance of the means, relative to the norm of the posterior mean
SPREAD_LIMIT = 0.1  # distance of the mean ratio of standard deviations from 1


def agrees(scores: Mapping[str, float]) -> bool:
    """Whether mean and spread are within the limits."""
    off = abs(scores["spread_ratio"] - 1)
    return bool(scores["mean_error"] <= MEAN_LIMIT and off <= SPREAD_LIMIT)
