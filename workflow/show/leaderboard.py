"""Scores, differences and cost of the main tables, as the report shows them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.config.resolve import REFERENCE, labels_of
from workflow.score.intervals import half_width
from workflow.score.scores import METRICS, read_scores
from workflow.score.summary import per_image
from workflow.show.tables import show

DIGITS = {"psnr": "{:.2f}", "residual": "{:.2g}"}  # the other metrics are shown like SSIM


@dataclass(frozen=True)
class Board:
    """What the main tables of a run have.

    Attributes:
        problems: name to label, in the order of the tables.
        rows: name to label, the same.
        images: scores of single images.
        tables: per problem the lines of the first table (CSV) that has it, by row.
    """

    problems: dict[str, str]
    rows: dict[str, str]
    images: pd.DataFrame
    tables: dict[str, pd.DataFrame]

    def of(self, problem: str, row: str) -> pd.DataFrame:
        """Scores of a row on a problem."""
        found = self.images
        return found[(found["problem"] == problem) & (found["method"] == row)]

    def means(self, problem: str, columns: list[str]) -> dict[str, pd.DataFrame]:
        """Scores or cost per image of every row that is complete on a problem."""
        groups = {row: self.of(problem, row) for row in self.rows}
        done = {r: g for r, g in groups.items() if len(g) and (g["status"] == "ok").all()}
        return {row: per_image(group, columns) for row, group in done.items()}


def read(config: dict[str, Any], run: Path) -> Board | None:
    """Read the main tables of a run (results/<name>); None if it has none."""
    tables = {n: t for n, t in config["tables"].items() if not (t["ablation"] or t["extra"])}
    if not tables:
        return None
    problems = dict.fromkeys(p for table in tables.values() for p in table["problems"])
    rows = dict.fromkeys(r for table in tables.values() for r in table["rows"])
    first: dict[str, pd.DataFrame] = {}
    for name, table in tables.items():
        lines = pd.read_csv(run / "tables" / f"{name}.csv").set_index("method")
        for problem in table["problems"]:
            first.setdefault(problem, lines[lines["problem"] == problem])
    return Board(
        {p: config["problems"][p]["label"] for p in problems},
        labels_of(config, list(rows)),
        read_scores(run / "images.csv"),
        first,
    )


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
    for problem in board.problems:
        means = board.means(problem, list(METRICS))
        for row in board.rows:
            group = board.of(problem, row)
            if group.empty:
                continue
            note = "; ".join(dict.fromkeys(reason for reason in group["reason"] if reason))
            for name in METRICS:
                cell: dict[str, Any] = {"mean": "-", "value": None, "note": note}
                if row in means:
                    values = means[row][name]
                    wide = half_width(values, means[row]["cluster"])
                    cell |= {"mean": text(name, values.mean()), "half": text(name, wide)}
                    cell["value"] = None if pd.isna(values.mean()) else float(values.mean())
                cell |= _beside(board.tables[problem], row, name)
                found[name]["rows"].setdefault(row, {})[problem] = cell
    return found


def first(board: Board) -> dict[str, int]:
    """Label of every row that has the highest mean PSNR somewhere, and on how many problems."""
    found: dict[str, int] = {}
    for problem in board.problems:
        means = {row: v["psnr"].mean() for row, v in board.means(problem, ["psnr"]).items()}
        if means:
            label = board.rows[max(means, key=lambda row: means[row])]
            found[label] = found.get(label, 0) + 1
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _beside(table: pd.DataFrame, row: str, name: str) -> dict[str, Any]:
    """What the tables say of a score beside its mean."""
    if name not in ("psnr", "ssim") or row not in table.index:
        return {}
    paper = table.loc[row, f"{name}_published"]
    said = {} if pd.isna(paper) else {"paper": show(name, paper)}
    return said | {"best": str(table.loc[row, f"{name}_best"]) == "True"}


def text(name: str, value: float) -> str:
    """A mean or half-width of a metric as the leaderboard shows it."""
    if pd.isna(value):
        return "-"
    return DIGITS[name].format(value) if name in DIGITS else show("ssim", value)


def differences(board: Board) -> dict[str, list[tuple[str, float, float]]]:
    """Per problem (label) the rows (label) compared with PaDIS: mean and half-width, in dB."""
    found: dict[str, list[tuple[str, float, float]]] = {}
    for problem, label in board.problems.items():
        table = board.tables[problem]
        for row, name in board.rows.items():
            line = f"{row} - {REFERENCE}"
            if line in table.index and pd.notna(table.loc[line, "psnr_ci95"]):
                values = float(table.loc[line, "psnr"]), float(table.loc[line, "psnr_ci95"])
                found.setdefault(label, []).append((name, *values))
    return found


def cost(board: Board) -> dict[str, list[tuple[str, float, float]]]:
    """Per problem (label) every row (label): seconds per image and PSNR."""
    found: dict[str, list[tuple[str, float, float]]] = {}
    for problem, label in board.problems.items():
        for row, values in board.means(problem, ["seconds", "psnr"]).items():
            mean = values[["seconds", "psnr"]].mean()
            found.setdefault(label, []).append((board.rows[row], *mean))
    return found
