"""The comparison of rankings by every metric, as Markdown and CSV."""

from pathlib import Path

import pandas as pd

from workflow.score.ranking import FIRST
from workflow.score.scores import METRICS
from workflow.show.tables import INTERVALS, escape_markdown, pipes
from workflow.store.files import write_text

CAPTION = (
    "Does the ranking depend on the metric? Each cell: the first row, Kendall's tau between the "
    f"orders of the rows by this metric and by {METRICS[FIRST][0]}, and how many of the pairs of "
    "rows that both metrics resolve (95 %, paired) they put in opposite orders. The residual says "
    f"how well the measured data are met, not how good the image is. {INTERVALS}"
)


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
