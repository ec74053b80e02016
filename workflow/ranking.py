"""Whether the ranking of the rows survives another choice of the metric."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.files import write_text
from workflow.scores import METRICS
from workflow.statistics import half_width
from workflow.summary import per_image
from workflow.tables import INTERVALS, escape_markdown, pipes

FIRST = next(iter(METRICS))  # with which the others are compared
CAPTION = (
    "Does the ranking depend on the metric? Each cell: the first row, Kendall's tau between the "
    f"orders of the rows by this metric and by {METRICS[FIRST][0]}, and how many of the pairs of "
    "rows that both metrics resolve (95 %, paired) they put in opposite orders. The residual says "
    f"how well the measured data are met, not how good the image is. {INTERVALS}"
)


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


def markdown(table: pd.DataFrame, problems: dict[str, str], rows: dict[str, str]) -> str:
    """Lay out what ``compare`` found, with columns table and problem in front."""
    text = [CAPTION, "", pipes(["Table", "Problem", *(label for label, _, _ in METRICS.values())])]
    text.append(pipes([":--"] * (2 + len(METRICS))))
    for (name, problem), group in table.groupby(["table", "problem"], sort=False):
        cells = [name, escape_markdown(problems[problem])]
        for line in group.to_dict("records"):
            cell = escape_markdown(rows.get(line["first"], "-"))
            if line["metric"] != FIRST and pd.notna(line["tau"]):
                cell += f"; {line['tau']:.2f}; {line['opposed']} of {line['pairs']}"
            cells.append(cell)
        text.append(pipes(cells))
    text += ["", "Protocols (name and version):", ""]
    text += [f"* {protocol}" for _, _, protocol in METRICS.values()]
    return "\n".join(text) + "\n"


def write(
    folder: Path, table: pd.DataFrame, problems: dict[str, str], rows: dict[str, str]
) -> None:
    """Write metrics.csv and metrics.md into ``folder``."""
    csv = table.to_csv(index=False, float_format="%.8g", lineterminator="\n")
    write_text(Path(folder) / "metrics.csv", csv)
    write_text(Path(folder) / "metrics.md", markdown(table, problems, rows))
