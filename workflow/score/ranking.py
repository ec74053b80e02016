"""Whether the ranking of the rows depends on the metric."""

from itertools import combinations

import numpy as np
import pandas as pd

from workflow.score.scores import METRICS
from workflow.score.summary import complete, difference, mean_of

FIRST = next(iter(METRICS))  # the others are compared with it


def compare(images: pd.DataFrame, rows: list[str]) -> pd.DataFrame:
    """Rank the rows of one problem by every metric.

    Args:
        images: scores of this problem, one row per (method, seed, image).
        rows: in the ranking; those that are not complete are left out.

    Returns:
        Columns metric, rows, first, tau, opposed and pairs, the number of pairs of rows that both
        metrics resolve; no line if fewer than two rows are complete.
    """
    frames = complete(images, rows, list(METRICS))
    pairs = [difference(frames[row], frames[other]) for row, other in combinations(frames, 2)]
    lines = []
    for name, (_, higher, _) in METRICS.items() if pairs else ():
        sign = 1 if higher else -1
        values = sign * pd.Series({row: frame[name].mean() for row, frame in frames.items()})
        found = [mean_of(pair, name) for pair in pairs]
        order = sign * np.array([np.sign(m.value) if m.resolved else 0 for m in found])
        if name == FIRST:
            first_values, first_order = values, order
        both = order * first_order
        lines.append(
            {
                "metric": name,
                "rows": len(values),
                "first": values.idxmax() if values.notna().any() else "",
                "tau": values.corr(first_values, method="kendall"),
                "opposed": int((both < 0).sum()),
                "pairs": int((both != 0).sum()),
            }
        )
    return pd.DataFrame(lines, columns=["metric", "rows", "first", "tau", "opposed", "pairs"])
