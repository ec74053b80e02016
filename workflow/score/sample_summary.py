"""Scores of samples averaged over images, with intervals over patients or persons."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from workflow.score.intervals import half_width
from workflow.score.scores import read_all

NAMES = ("problem", "method", "status", "reason")
OF_IMAGE = (*NAMES, "image", "cluster", "fold", "samples")
COSTS = ("denoiser_calls", "jacobian_calls", "forward_calls", "adjoint_calls", "dagger_calls",
         "seconds", "peak_memory_mb")  # fmt: skip


def summarise(paths: Iterable[Path | str]) -> pd.DataFrame:
    """One line per problem and row: means over images, and ``_ci95`` half the width of intervals.

    Args:
        paths: scores of single images of a row on a problem.

    Returns:
        Columns ``NAMES``, ``images``, ``clusters``, ``samples`` (1: a point estimator), costs of a
        sample, and every score with its ``_ci95``. What a row has no score of is NaN.
    """
    images = read_all(paths)
    scores = [c for c in images if c not in (*OF_IMAGE, *COSTS)]
    lines = []
    for keys, group in images.groupby(list(NAMES), sort=False):
        line = {**dict(zip(NAMES, keys, strict=True)), "images": int((group["image"] != "").sum())}
        line["clusters"] = group.loc[group["image"] != "", "cluster"].nunique()
        means = group.reindex(columns=["samples", *COSTS]).astype(float).mean()
        line |= means.to_dict()
        for score in scores:
            values = group[score].astype(float)
            line[score] = values.mean(skipna=False)
            line[f"{score}_ci95"] = half_width(values, group["cluster"])
        lines.append(line)
    return pd.DataFrame(lines)
