"""Scores, differences and cost of the main tables, as the page shows them."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from workflow.config.views import REFERENCE, labels_of, main_tables
from workflow.score.intervals import ranks
from workflow.score.scores import METRICS, read_all
from workflow.score.summary import Mean, complete, mean_of, read_summary
from workflow.show.budget import cost_figure
from workflow.show.cells import show
from workflow.show.contents import main_problems, problem_labels, score_files
from workflow.show.html import svg
from workflow.show.plots import Look, difference_figure, looks_of

DIGITS = {"residual": "{:.2g}"} | dict.fromkeys(("psnr", "psnr_body"), "{:.2f}")
DIGITS |= dict.fromkeys(("rmse_hu", "rmse_lung", "rmse_soft"), "{:.1f}")  # others like SSIM


@dataclass(frozen=True)
class Board:
    """What the main tables of a run have.

    Attributes:
        problems: name to label, in the order of the tables.
        rows: name to label, the same.
        looks: of the rows.
        images: scores of single images.
        tables: per problem the lines of the first table that has it, by row.
    """

    problems: dict[str, str]
    rows: dict[str, str]
    looks: dict[str, Look]
    images: pd.DataFrame
    tables: dict[str, pd.DataFrame]

    def of(self, problem: str) -> pd.DataFrame:
        """Scores on a problem."""
        return self.images[self.images["problem"] == problem]

    def complete(self, problem: str, columns: list[str]) -> dict[str, pd.DataFrame]:
        """Scores or cost per image of every row that is complete on a problem."""
        return complete(self.of(problem), self.rows, columns)

    @property
    def one_patient(self) -> list[str]:
        """Labels of the problems whose test images are all of one patient."""
        found = [p for p, table in self.tables.items() if table["clusters"].max() == 1]
        return [self.problems[problem] for problem in found]


def read(config: dict[str, Any], run: Path, images: pd.DataFrame | None = None) -> Board | None:
    """Read the main tables of a run (results/<name>); None if it has none.

    Args:
        images: scores of single images; default is to read them from the run.
    """
    tables = main_tables(config)
    if not tables:
        return None
    first: dict[str, pd.DataFrame] = {}
    for name, table in tables.items():
        lines = read_summary(run / "tables" / f"{name}.csv").set_index("method")
        for problem in table["problems"]:
            first.setdefault(problem, lines[lines["problem"] == problem])
    rows = list(dict.fromkeys(row for table in tables.values() for row in table["rows"]))
    problems = main_problems(config)
    if images is None:
        images = read_all(score_files(config, run, list(tables)))
    labels, looks = labels_of(config, rows), looks_of(config, rows)
    return Board(problem_labels(config, problems), labels, looks, images, first)


def scores(board: Board, ranked: bool = True) -> dict[str, Any]:
    """Every metric of every row on every problem, as text and as the number to sort by.

    Args:
        ranked: whether the rows have ranks, which numbers without a meaning have not.

    Returns:
        metric to label, protocol, higher (is better) and rows: row to problem to mean, half (width
        of the 95 % interval), rank, paper (PSNR and SSIM only), value and note (why there is no
        number).
    """
    found: dict[str, Any] = {
        name: {"label": label, "protocol": protocol, "higher": higher, "rows": {}}
        for name, (label, higher, protocol) in METRICS.items()
    }
    for problem, table in board.tables.items():
        done = board.complete(problem, list(METRICS))
        places = {name: ranks(done, name, higher) for name, (_, higher, _) in METRICS.items()}
        reasons = dict(iter(board.of(problem).groupby("method")["reason"]))
        for row in [row for row in board.rows if row in reasons]:
            note = "; ".join(reason for reason in reasons[row].unique() if reason)
            for name in METRICS:
                cell: dict[str, Any] = {"mean": "-", "value": None, "note": note}
                if row in done:
                    mean = mean_of(done[row], name)
                    known = pd.notna(mean.value)
                    cell |= {"mean": text(name, mean.value), "value": mean.value if known else None}
                    cell["half"] = text(name, mean.half) if known else ""
                    cell["rank"] = places[name].get(row, "").replace("-", "–") if ranked else ""
                if name in ("psnr", "ssim") and row in table.index:
                    paper = table.loc[row, f"{name}_published"]
                    cell |= {} if pd.isna(paper) else {"paper": show(name, paper)}
                found[name]["rows"].setdefault(row, {})[problem] = cell
    return found


def resolution(board: Board) -> dict[str, str]:
    """Per problem the median half-width of its differences of PSNR (dB), as text."""
    found = {
        problem: table.loc[table.index.str.contains(" - "), "psnr_ci95"].median()
        for problem, table in board.tables.items()
    }
    return {problem: text("psnr", width) for problem, width in found.items() if pd.notna(width)}


def few(board: Board) -> list[str]:
    """Rows that the tables have on less than half of the problems."""
    asked = board.images.groupby("method")["problem"].nunique()
    return [row for row in board.rows if asked.get(row, 0) < len(board.problems) / 2]


def text(name: str, value: float) -> str:
    """A mean or half-width of a metric as the leaderboard shows it."""
    if pd.isna(value):
        return "-"
    return DIGITS[name].format(value) if name in DIGITS else show("ssim", value)


def first(board: Board) -> dict[str, int]:
    """On how many problems a row has the highest mean PSNR, of every row that has it somewhere."""
    highest = []
    for problem in board.problems:
        means = {row: v["psnr"].mean() for row, v in board.complete(problem, ["psnr"]).items()}
        highest += [max(means, key=lambda row: means[row])] if means else []
    return dict(Counter(highest).most_common())


def difference_plots(board: Board) -> list[tuple[str, Markup]]:
    """Per problem its label and the rows compared with PaDIS, in dB."""
    found, axis = [], "PSNR minus that of PaDIS (dB)"
    for problem, table in board.tables.items():
        label = board.problems[problem]
        rows = differences(table, {row: f"{row} - {REFERENCE}" for row in board.rows})
        if rows:
            found.append((label, difference_plot(rows, board.rows, board.looks, axis, label)))
    return found


def differences(lines: pd.DataFrame, names: dict[str, str]) -> dict[str, Mean]:
    """Differences of the PSNR that have an interval.

    Args:
        lines: of a summary on one problem, by their name.
        names: row to the name of its line.
    """
    known = {row: name for row, name in names.items() if name in lines.index}
    found = {
        row: Mean(*lines.loc[name, ["psnr", "psnr_ci95"]].astype(float))
        for row, name in known.items()
    }
    return {row: mean for row, mean in found.items() if pd.notna(mean.half)}


def difference_plot(
    rows: dict[str, Mean], names: dict[str, str], looks: dict[str, Look], axis: str, label: str
) -> Markup:
    """A figure of differences on a problem (``label``) as an element of a page."""
    said = "; ".join(f"{names[r]} {x.value:+.2f} ± {x.half:.2f} dB" for r, x in rows.items())
    return svg(difference_figure(rows, names, looks, axis), f"{label}, {axis}: {said}")


def cost_plots(board: Board) -> list[tuple[str, Markup]]:
    """Per problem its label and seconds per image and PSNR of every row that is complete."""
    found, names, columns = [], board.rows, ["seconds", "psnr"]
    for problem, label in board.problems.items():
        means = {r: v[columns].mean() for r, v in board.complete(problem, columns).items()}
        if means:
            costs = (f"{names[r]} {x.psnr:.2f} dB in {x.seconds:.2g} s" for r, x in means.items())
            shown = cost_figure(pd.DataFrame(means).T, names, board.looks)
            found.append((label, svg(shown, f"{label}: {'; '.join(costs)}")))
    return found
