"""The 95 % interval of a mean over test images, several of which may show one subject.

Images of one subject resemble each other, so subjects count, not images. The interval is the
cluster-robust t interval (CR1; Cameron and Miller, Journal of Human Resources 50, 2015, 317-372)

    mean +- t_{0.975, G - 1} sqrt(G / (G - 1) sum_g r_g^2) / n

for n images of G subjects, where r_g is the sum of the residuals of subject g. With the same number
of images per subject it is the ordinary t interval of the subjects' means.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit  # t and its quantile; scipy.stats takes long to import

LEVEL = 0.95


def half_width(values: Sequence[float], clusters: Sequence[str]) -> float:
    """Half-width of the 95 % interval of the mean of ``values``, in their unit.

    Args:
        values: one per image.
        clusters: subject of each image. If there is only one, images count as independent, and the
            interval says nothing about other subjects.

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
    sums = np.bincount(members, values - values.mean())
    error = np.sqrt(count / (count - 1) * (sums**2).sum()) / len(values)
    return float(stdtrit(count - 1, 0.5 + LEVEL / 2) * error)


def independent(images: pd.Series, clusters: pd.Series) -> pd.Series:
    """How many values count as independent: subjects, or the images of a single one."""
    return clusters.where(clusters > 1, images)


def survives_holm(means: pd.Series, halves: pd.Series, counts: pd.Series) -> pd.Series:
    """Whether each difference stays resolved when as many are tested as there are.

    Holm's step-down correction (Scandinavian Journal of Statistics 6, 1979, 65-70) of the p-values
    that belong to the intervals, at the level 5 %.

    Args:
        means: of differences.
        halves: half-widths of their intervals.
        counts: what ``independent`` returns.

    Returns:
        One boolean per difference; False without an interval.
    """
    freedom = (counts - 1).clip(lower=1).astype(float)
    ratio = means.abs().astype(float) / halves.astype(float).where(halves > 0)
    p = pd.Series(2 * stdtr(freedom, -ratio * stdtrit(freedom, 0.5 + LEVEL / 2)), ratio.index)
    ordered = p.dropna().sort_values()
    adjusted = (ordered * np.arange(len(ordered), 0, -1)).cummax()
    return (adjusted < 1 - LEVEL).reindex(p.index, fill_value=False)


def ranks(
    rows: dict[str, pd.DataFrame], score: str, higher: bool = True, corrected: bool = False
) -> dict[str, str]:
    """The ranks that each row may have, such as "2-4"; "1" is ahead of all others, "1-3" is tied.

    A row is behind as many rows as are resolved above it, and ahead of those resolved below it, by
    the intervals of paired differences.

    Args:
        rows: what ``workflow.score.summary.complete`` returns.
        higher: whether higher scores are better.
        corrected: by Holm's correction for all pairs of rows.

    Returns:
        Row to ranks. A row without the score has none, and nothing has if there are fewer than two
        rows or subjects.
    """
    rows = {row: frame for row, frame in rows.items() if frame[score].notna().all()}
    values = pd.DataFrame({row: frame[score] for row, frame in rows.items()})
    subjects = pd.concat([frame["cluster"] for frame in rows.values()]) if rows else pd.Series()
    subjects = subjects[~subjects.index.duplicated()].reindex(values.index)
    if len(rows) < 2 or subjects.nunique() < 2:
        return {}
    pairs = list(combinations(rows, 2))
    found = [values[first] - values[second] for first, second in pairs]
    means = pd.Series([pair.mean() for pair in found])
    halves = pd.Series([half_width(pair, subjects) for pair in found])
    resolved = means.abs() > halves
    if corrected:
        each = pd.Series(1, means.index)
        counts = independent(each * len(values), each * subjects.nunique())
        resolved = survives_holm(means, halves, counts)
    behind, ahead = dict.fromkeys(rows, 0), dict.fromkeys(rows, 0)
    for (first, second), mean, differ in zip(pairs, means, resolved, strict=True):
        if differ:
            better, worse = (first, second) if (mean > 0) == higher else (second, first)
            behind[worse] += 1
            ahead[better] += 1
    spans = {row: (1 + behind[row], len(rows) - ahead[row]) for row in rows}
    return {row: f"{a}-{b}" if a < b else f"{a}" for row, (a, b) in spans.items()}
