"""Whether the ranking of the rows depends on the metric."""

from itertools import combinations

import numpy as np
import pandas as pd

from workflow.score.scores import METRICS
from workflow.score.summary import complete, difference, mean_of

COLUMNS = ["metric", "rows", "first", "tau", "pairs", "opposed", "which"]
FIRST = next(iter(METRICS))  # the others are compared with it


def compare(images: pd.DataFrame, rows: list[str]) -> pd.DataFrame:
    """Rank the rows of one problem by every metric.

    Args:
        images: scores of this problem, one row per (method, seed, image).
        rows: in the ranking; those that are not complete are left out.

    Returns:
        Columns metric, rows, first, tau, pairs, the number of pairs of rows that both metrics
        resolve, opposed, how many of these they put in opposite orders, and which ("a > b, ..." by
        this metric); no line if fewer than two rows are complete, or none has the metric.
    """
    frames = complete(images, rows, list(METRICS))
    names = list(combinations(frames, 2))
    pairs = [difference(frames[row], frames[other]) for row, other in names]
    lines = []
    for name, (_, higher, _) in METRICS.items() if pairs else ():
        sign = 1 if higher else -1
        values = sign * pd.Series({row: frame[name].mean() for row, frame in frames.items()})
        found = [mean_of(pair, name) for pair in pairs]
        order = sign * np.array([np.sign(m.value) if m.resolved else 0 for m in found])
        if name == FIRST:
            first_values, first_order = values, order
        both = order * first_order
        if values.isna().all():
            continue
        signs = zip(names, order, both, strict=True)
        opposed = [pair if sign > 0 else pair[::-1] for pair, sign, same in signs if same < 0]
        lines.append(
            {
                "metric": name,
                "rows": len(values),
                "first": values.idxmax() if values.notna().any() else "",
                "tau": values.corr(first_values, method="kendall"),
                "pairs": int((both != 0).sum()),
                "opposed": len(opposed),
                "which": ", ".join(" > ".join(pair) for pair in opposed),
            }
        )
    return pd.DataFrame(lines, columns=COLUMNS)
