"""Whether the ranking of the rows survives another choice of the metric."""

from itertools import combinations

import numpy as np
import pandas as pd

from workflow.score.intervals import half_width
from workflow.score.scores import METRICS
from workflow.score.summary import per_image

FIRST = next(iter(METRICS))  # with which the others are compared


def compare(images: pd.DataFrame, rows: list[str]) -> pd.DataFrame:
    """Rank the rows of one problem by every metric.

    Args:
        images: scores of this problem, one row per (method, seed, image).
        rows: in the ranking; those that are not complete are left out.

    Returns:
        Columns metric, rows, first, tau, opposed and pairs, the number of pairs of rows that both
        metrics resolve; no line if fewer than two rows are complete.
    """
    names = list(METRICS)
    groups = {row: images[images["method"] == row] for row in rows}
    frames = {
        row: per_image(group, names)
        for row, group in groups.items()
        if len(group) and (group["status"] == "ok").all()
    }
    if len(frames) < 2:
        return pd.DataFrame(columns=["metric", "rows", "first", "tau", "opposed", "pairs"])
    sign = pd.Series({name: 1.0 if METRICS[name][1] else -1.0 for name in names})
    means = pd.DataFrame({row: f[names].mean() * sign for row, f in frames.items()}).T
    orders = {name: [] for name in names}  # per pair of rows: 1, -1, or 0 if not resolved
    for row, other in combinations(frames, 2):
        pairs = (frames[row][names] - frames[other][names]).dropna(how="all") * sign
        clusters = frames[row]["cluster"].reindex(pairs.index)
        for name in names:
            mean, wide = pairs[name].mean(), half_width(pairs[name], clusters)
            orders[name].append(np.sign(mean) if abs(mean) > wide else 0)
    lines = []
    for name in names:
        both = np.multiply(orders[name], orders[FIRST])
        values = means[name]
        lines.append(
            {
                "metric": name,
                "rows": len(values),
                "first": values.idxmax() if values.notna().any() else "",
                "tau": values.corr(means[FIRST], method="kendall"),
                "opposed": int((both < 0).sum()),
                "pairs": int((both != 0).sum()),
            }
        )
    return pd.DataFrame(lines)
