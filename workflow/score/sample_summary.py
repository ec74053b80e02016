"""Scores of samples averaged over images, with intervals over subjects."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from workflow.score.levels import LEVELS, name
from workflow.score.scores import MEASURED, read_all
from workflow.score.summary import difference, mean_of, per_image
from workflow.store.provenance import CONDITIONS

NAMES = ("problem", "method", "status", "reason")
OF_IMAGE = (*NAMES, *CONDITIONS, "image", "cluster", "fold", "samples")


def summarise(
    paths: Iterable[Path | str], differences: Iterable[Sequence[str]] = ()
) -> pd.DataFrame:
    """One line per problem and row: means over images, and half-widths of intervals (``_ci95``).

    Args:
        paths: scores of single images of a row on a problem.
        differences: pairs of rows; the second is subtracted from the first, image by image, in a
            line of its own, whose method is "row - other".

    Returns:
        Columns ``NAMES``, ``images``, ``clusters``, ``samples`` (1: a point estimator), costs of a
        sample, and every score with its ``_ci95``; scores that a row does not have are NaN.
        ``calibration_error`` is the distance of the coverage of an image from its level, mean over
        ``LEVELS``.
    """
    images = read_all(paths)
    covered = images.reindex(columns=[name("coverage", level) for level in LEVELS]).astype(float)
    images["calibration_error"] = (covered - LEVELS).abs().mean(axis=1, skipna=False)
    scores = [c for c in images if c not in (*OF_IMAGE, *MEASURED)]
    groups = dict(iter(images.groupby(list(NAMES[:2]), sort=False)))
    single = {key: per_image(group, scores) for key, group in groups.items()}
    lines = []
    for key, group in groups.items():
        line = {name_: group[name_].iloc[0] for name_ in NAMES}
        line |= group.reindex(columns=["samples", *MEASURED]).astype(float).mean().to_dict()
        lines.append(line | _means(single[key], scores))
    for row, other in differences:
        for problem in images["problem"].unique():
            first, second = single[problem, row], single[problem, other]
            if len(first) and len(second):
                line = {"problem": problem, "method": f"{row} - {other}", "status": "ok"}
                lines.append(line | _means(difference(first, second), scores))
    return pd.DataFrame(lines)


def _means(images: pd.DataFrame, scores: list[str]) -> dict[str, float]:
    """Means over images, with their intervals."""
    found = {"images": len(images), "clusters": images["cluster"].nunique()}
    for score in scores:
        mean = mean_of(images, score)
        found |= {score: mean.value, f"{score}_ci95": mean.half}
    return found
