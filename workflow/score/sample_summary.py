"""Scores of samples averaged over images, with intervals over patients or persons."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.score.intervals import half_width
from workflow.score.levels import LEVELS, name
from workflow.score.scores import read_all

NAMES = ("problem", "method", "status", "reason")
OF_IMAGE = (*NAMES, "image", "cluster", "fold", "samples")
COSTS = ("denoiser_calls", "jacobian_calls", "forward_calls", "adjoint_calls", "dagger_calls",
         "seconds", "peak_memory_mb")  # fmt: skip


def summarise(
    paths: Iterable[Path | str], differences: Iterable[Sequence[str]] = ()
) -> pd.DataFrame:
    """One line per problem and row: means over images, and ``_ci95`` half the width of intervals.

    Args:
        paths: scores of single images of a row on a problem.
        differences: pairs of rows; the second is subtracted from the first, image by image, in a
            line of its own, whose method is "row - other".

    Returns:
        Columns ``NAMES``, ``images``, ``clusters``, ``samples`` (1: a point estimator), costs of a
        sample, and every score with its ``_ci95``. What a row has no score of is NaN.
        ``calibration_error`` is the distance of the coverage of an image from its level, mean over
        ``LEVELS``.
    """
    images = read_all(paths)
    covered = images.reindex(columns=[name("coverage", level) for level in LEVELS]).astype(float)
    images["calibration_error"] = (covered - LEVELS).abs().mean(axis=1, skipna=False)
    scores = [c for c in images if c not in (*OF_IMAGE, *COSTS)]
    groups = dict(iter(images.groupby(list(NAMES[:2]), sort=False)))
    lines = [_line(group, scores) for group in groups.values()]
    for pair in differences:
        for problem in images["problem"].unique():
            both = [groups[problem, row].set_index("image") for row in pair]
            if all((group["status"] == "ok").all() for group in both):
                first, second = both
                apart = (first[scores].astype(float) - second[scores].astype(float)).reset_index()
                kept = first[["problem", "status", "reason", "cluster", "samples"]].reset_index()
                apart = kept.assign(method=" - ".join(pair)).merge(apart, on="image")
                lines.append(_line(apart, scores))
    return pd.DataFrame(lines)


def _line(group: pd.DataFrame, scores: list[str]) -> dict[str, object]:
    """Means of the images of a row on a problem."""
    line = {key: group[key].iloc[0] for key in NAMES}
    line["images"] = int((group["image"] != "").sum())
    line["clusters"] = group.loc[group["image"] != "", "cluster"].nunique()
    line |= group.reindex(columns=["samples", *COSTS]).astype(float).mean().to_dict()
    for score in scores:
        values = group[score].astype(float)
        line[score] = np.nan if values.isna().any() else values.mean()
        line[f"{score}_ci95"] = half_width(values, group["cluster"])
    return line
