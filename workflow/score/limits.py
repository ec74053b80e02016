"""When samples agree with a posterior that is known."""

from collections.abc import Mapping

MEAN_LIMIT = 0.02  # of the distance of the means, relative to the norm of the posterior mean
SPREAD_LIMIT = 0.1  # of the mean ratio of standard deviations, to either side of 1


def agrees(scores: Mapping[str, float]) -> bool:
    """Whether mean and spread are within the limits."""
    off = abs(scores["spread_ratio"] - 1)
    return bool(scores["mean_error"] <= MEAN_LIMIT and off <= SPREAD_LIMIT)
