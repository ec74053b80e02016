"""Scores, differences and cost of the main tables, as the page shows them."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.config.views import REFERENCE, labels_of, main_tables
from workflow.score.scores import METRICS, read_all
from workflow.score.summary import Mean, complete, mean_of, read_summary
from workflow.show.cells import show
from workflow.show.contents import main_problems, score_files
from workflow.show.looks import Look, looks_of

DIGITS = {"psnr": "{:.2f}", "residual": "{:.2g}"}  # the other metrics are shown like SSIM


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


def read(config: dict[str, Any], run: Path) -> Board | None:
    """Read the main tables of a run (results/<name>); None if it has none."""
    tables = main_tables(config)
    if not tables:
        return None
    first: dict[str, pd.DataFrame] = {}
    for name, table in tables.items():
        lines = read_summary(run / "tables" / f"{name}.csv").set_index("method")
        for problem in table["problems"]:
            first.setdefault(problem, lines[lines["problem"] == problem])
    rows = list(dict.fromkeys(row for table in tables.values() for row in table["rows"]))
    problems = {p: config["problems"][p]["label"] for p in main_problems(config)}
    labels, images = labels_of(config, rows), read_all(score_files(config, run, list(tables)))
    return Board(problems, labels, looks_of(config, rows), images, first)


def scores(board: Board) -> dict[str, Any]:
    """Every metric of every row on every problem, as text and as the number to sort by.

    Returns:
        metric to label, protocol, higher (is better) and rows: row to problem to mean, half (width
        of the 95 % interval), paper, best (resolved from every other row; PSNR and SSIM only),
        value and note (why there is no number).
    """
    found: dict[str, Any] = {
        name: {"label": label, "protocol": protocol, "higher": higher, "rows": {}}
        for name, (label, higher, protocol) in METRICS.items()
    }
    for problem, table in board.tables.items():
        done = board.complete(problem, list(METRICS))
        reasons = dict(iter(board.of(problem).groupby("method")["reason"]))
        for row in [row for row in board.rows if row in reasons]:
            note = "; ".join(reason for reason in reasons[row].unique() if reason)
            for name in METRICS:
                cell: dict[str, Any] = {"mean": "-", "value": None, "note": note}
                if row in done:
                    mean = mean_of(done[row], name)
                    cell |= {"mean": text(name, mean.value), "half": text(name, mean.half)}
                    cell["value"] = None if pd.isna(mean.value) else mean.value
                if name in ("psnr", "ssim") and row in table.index:
                    cell["best"] = bool(table.loc[row, f"{name}_best"])
                    paper = table.loc[row, f"{name}_published"]
                    cell |= {} if pd.isna(paper) else {"paper": show(name, paper)}
                found[name]["rows"].setdefault(row, {})[problem] = cell
    return found


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


def differences(board: Board) -> dict[str, dict[str, Mean]]:
    """Per problem (label) the rows compared with PaDIS, in dB."""
    found: dict[str, dict[str, Mean]] = {}
    for problem, table in board.tables.items():
        for row in board.rows:
            line = f"{row} - {REFERENCE}"
            if line in table.index and pd.notna(table.loc[line, "psnr_ci95"]):
                mean = Mean(*table.loc[line, ["psnr", "psnr_ci95"]].astype(float))
                found.setdefault(board.problems[problem], {})[row] = mean
    return found


def cost(board: Board) -> dict[str, pd.DataFrame]:
    """Per problem (label) seconds per image and PSNR of every row (index) that is complete."""
    found, columns = {}, ["seconds", "psnr"]
    for problem, label in board.problems.items():
        rows = board.complete(problem, columns)
        if rows:
            found[label] = pd.DataFrame({row: v[columns].mean() for row, v in rows.items()}).T
    return found
