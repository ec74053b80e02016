"""What the text beside a table says of its rows: how each ran, and what its search left open."""

from typing import Any

import pandas as pd

from workflow.config.build import build_method
from workflow.config.resolve import NOT_IN_PAPER, labels_of, plain_label
from workflow.score.summary import split


def settings(config: dict[str, Any], table: str, summary: pd.DataFrame) -> pd.DataFrame:
    """One line per row of ``table`` that iterates, one column per problem, as text.

    Start, noise levels and Jacobian are of the parameters, evaluations as ``summary`` counted them.
    """
    chosen = config["tables"][table]
    calls = summary.set_index(["problem", "method", "variant"])["denoiser_calls"].to_dict()
    lines = {}
    for row, label in labels_of(config, chosen["rows"]).items():
        cells = {
            config["problems"][p]["label"]: _ran(config, row, p, calls.get((p, *split(row))))
            for p in chosen["problems"]
        }
        if any(cells.values()):
            lines[label] = cells
    return pd.DataFrame.from_dict(lines, orient="index")


def _ran(config: dict[str, Any], row: str, problem: str, calls: float | None) -> str:
    if calls is None or pd.isna(calls):
        return ""
    method = build_method(config, row, problem)
    params = method.params
    start = getattr(params, "start", method.starts_at)
    parts = [f"from {start}"] if start else []
    if hasattr(params, "sigma_min"):
        parts.append(f"{params.sigma_max:g} to {params.sigma_min:g}")
    elif method.prior == "gaussian":  # one noise level, which its network removes
        parts.append(f"{params.sigma:g}")
    if calls:
        parts.append(f"{calls:.0f} evaluations{' with Jacobian' if method.jacobian else ''}")
    return ", ".join(parts)


def remarks(config: dict[str, Any], table: str) -> list[str]:
    """Notes below ``table``: what its marks mean, and which searches ended at an edge."""
    chosen, found = config["tables"][table], []
    rows = {row: config["rows"][row] for row in chosen["rows"]}
    if any(not row["in_paper"] for row in rows.values()):
        found.append(f"{NOT_IN_PAPER} not in the tables of the paper.")
    open_ends = [
        f"{plain_label(row)} on {config['problems'][problem]['label']} ({', '.join(names)})"
        for row in rows.values()
        for problem, names in row["at_edge"].items()
        if problem in chosen["problems"]
    ]
    if open_ends:
        found.append(
            "Searches whose trials were used up at the last value tried of a parameter, so that a "
            f"value beyond may be better: {'; '.join(open_ends)}."
        )
    return found
