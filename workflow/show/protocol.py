"""What the text beside a table says of its rows: how each ran, and what its search left open."""

from typing import Any

import pandas as pd

from workflow.config.views import NOT_IN_PAPER, labels_of, params_of, plain_label
from workflow.plugins.discovery import find
from workflow.show.cells import Table, plain

RAN = (
    "How each row ran: where it starts, its noise levels (standard deviation, image units), how "
    "often an image is denoised, and whether gradients pass through the network."
)


def settings(config: dict[str, Any], table: str, summary: pd.DataFrame) -> Table | None:
    """How each row of ``table`` that iterates ran on each problem; None if none does.

    Start, noise levels and Jacobian are of the parameters, evaluations as ``summary`` counted them.
    """
    chosen = config["tables"][table]
    calls = summary.set_index(["problem", "method"])["denoiser_calls"].to_dict()
    problems, lines = chosen["problems"], []
    for row, label in labels_of(config, chosen["rows"]).items():
        cells = [_ran(config, row, problem, calls.get((problem, row))) for problem in problems]
        if any(cells):
            lines.append([label, *cells])
    if not lines:
        return None
    header = ["Method", *(config["problems"][problem]["label"] for problem in problems)]
    return plain(header, lines, "l" * len(header), RAN)


def _ran(config: dict[str, Any], row: str, problem: str, calls: float | None) -> str:
    if calls is None or pd.isna(calls):
        return ""
    settings = config["rows"][row]
    method = find("method", settings["method"])  # its source: importing it would take seconds
    said, params = method.attributes, {**method.defaults, **params_of(settings, problem)}
    start = params.get("start", said["starts_at"])
    parts = [f"from {start}"] if start else []
    if "sigma_min" in params:
        parts.append(f"{_level(params['sigma_max'])} to {_level(params['sigma_min'])}")
    elif said["prior"] == "gaussian":  # one noise level, which its network removes
        parts.append(_level(params["sigma"]))
    if calls:
        parts.append(f"{calls:.0f} evaluations{' with Jacobian' if said['jacobian'] else ''}")
    return ", ".join(parts)


def _level(value: float | str) -> str:
    """A noise level, or the source text of a default that is no literal."""
    return value if isinstance(value, str) else f"{value:g}"


def remarks(config: dict[str, Any], table: str) -> list[str]:
    """Notes below ``table``: what its marks mean, and which searches ended at an edge."""
    chosen, found = config["tables"][table], []
    rows = [config["rows"][row] for row in chosen["rows"]]
    if any(not row["in_paper"] for row in rows):
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
