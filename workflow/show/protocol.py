"""What the text beside a table says of its rows: how each ran, and what its search left open."""

import re
from typing import Any

import pandas as pd

from workflow.config.views import NOT_IN_PAPER, labels_of, plain_label
from workflow.show.cells import Table, plain
from workflow.show.score_table import by_place

RAN = (
    "How each row ran: where it starts, its noise levels (standard deviation, image units), how "
    "often an image is denoised, and whether gradients pass through the network. (n) marks chains "
    "that start at the baseline with a first noise level below half of its root mean square error: "
    "they refine it rather than sample."
)


def settings(config: dict[str, Any], table: str, summary: pd.DataFrame) -> Table | None:
    """How each row of ``table`` that iterates ran on each problem; None if none does.

    All of it is what ``summary`` says of the reconstructions.
    """
    chosen = config["tables"][table]
    lines = by_place(summary)
    errors = {p: 10 ** (-lines[p, "baseline"]["psnr"] / 20) for p, r in lines if r == "baseline"}
    ran = {key: _ran(line, errors.get(key[0], 0)) for key, line in lines.items()}
    problems, shown = chosen["problems"], []
    for row, label in labels_of(config, chosen["rows"]).items():
        cells = [ran.get((problem, row), "") for problem in problems]
        if any(cells):
            shown.append([label, *cells])
    if not shown:
        return None
    header = ["Method", *(config["problems"][problem]["label"] for problem in problems)]
    return plain(header, shown, "l" * len(header), RAN)


def _ran(line: dict[str, Any], error: float) -> str:
    """How a line ran; ``error``: root mean square error of the baseline there, 0 if not known."""
    calls = line["denoiser_calls"]
    if pd.isna(calls):
        return ""
    jacobian = " with Jacobian" if line["jacobian_calls"] else ""
    counted = [f"{calls:.0f} evaluations{jacobian}"] if calls else []
    chain = re.fullmatch(r"from baseline, (\S+) to \S+", line["ran"])
    mark = " (n)" if chain and float(chain[1]) < error / 2 else ""
    return ", ".join([*([line["ran"] + mark] if line["ran"] else []), *counted])


def remarks(config: dict[str, Any], table: str) -> list[str]:
    """Notes below ``table``: what its marks mean, and which searches ended at an edge."""
    chosen, found = config["tables"][table], []
    rows = [config["rows"][row] for row in chosen["rows"]]
    if any(NOT_IN_PAPER in label for label in labels_of(config, chosen["rows"]).values()):
        found.append(f"{NOT_IN_PAPER} not in the tables of the paper.")
    open_ends = [
        f"{plain_label(row)} on {config['problems'][problem]['label']} ({', '.join(names)})"
        for row in rows
        for problem, names in row["at_edge"].items()
        if problem in chosen["problems"]
    ]
    if open_ends:
        found.append(
            "Searches whose trials were used up at the last value tried of a parameter, so that a "
            f"value beyond may be better: {'; '.join(open_ends)}."
        )
    return found
