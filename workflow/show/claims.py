"""The ledger of the paper's claims as Markdown, JSON and CSV."""

from pathlib import Path

import pandas as pd

from workflow.config.spec import Show
from workflow.config.views import labels_of
from workflow.score.claims import CLAIM, HOLM, NUMBER, VERDICTS, agreement, numbers, orders
from workflow.score.summary import SCORES, read_summary
from workflow.show.cells import NOTHING, Table, plain, save, show, write_csv
from workflow.show.contents import problem_labels
from workflow.show.tables import INTERVALS

CLAIMS = "The paper's claims and our results."
ORDERS = (
    "Differences of the means, ours ± half-width of the interval; * resolved after Holm's "
    "correction for all claims by this score."
)
TAU = "Rank correlation of our PSNR with the paper's over rows (Kendall's tau)."
COMPARED = "Single numbers: reproduced if the published one is in our 95 % interval."
DIFFERS = "Single numbers are not comparable, because our protocol differs from the paper's: {}."


def claims(job: Show, out: Path, *tables: Path) -> None:
    """Write claims.csv (``out``, orders), numbers.csv, claims.md and .json from tables (CSV).

    Names have the prefix that ``out`` has.
    """
    config, frames = job.settings, {path.stem: read_summary(path) for path in tables}
    problems = problem_labels(config, config["problems"])
    write(out, frames, problems, labels_of(config, list(config["rows"])), config["differs"])


def write(
    out: Path,
    tables: dict[str, pd.DataFrame],
    problems: dict[str, str],
    rows: dict[str, str],
    differs: str,
) -> None:
    """Write the files of the ledger from summaries; problems and rows are name to label."""
    order, number = orders(tables), numbers(tables, differs)
    write_csv(out.parent, out.stem, order)
    write_csv(out.parent, out.stem.replace("claims", "numbers"), number)
    shown = {"counts": _counts(order), "orders": _orders(order, problems, rows)}
    lines = [
        [line["table"], problems[line["problem"]], line["rows"], f"{line['tau']:.2f}"]
        for line in agreement(number).to_dict("records")
    ]
    if lines:
        shown["tau"] = plain(["Table", "Problem", "Rows", "tau"], lines, "llrr", TAU)
    caption = DIFFERS.format(differs) if differs else COMPARED
    shown["numbers"] = _numbers(number, problems, rows, caption)
    save(out.parent, out.stem, shown)


def _counts(order: pd.DataFrame) -> Table:
    meaning = "; ".join(f"{verdict}: {text}" for verdict, text in VERDICTS.items())
    same, lines = order["paper"] == order["problem"], []
    trivial = (order["row"] == "baseline") | (order["other"] == "baseline")
    for score in SCORES:
        for part, where in (
            (same, "on the problem of that name"),
            (same & ~trivial, "on it, without the baseline"),
            (~same, "on a problem like it"),
        ):
            found = order[part & (order["score"] == score)]
            counts = [(found["verdict"] == verdict).sum() for verdict in VERDICTS]
            counts.append(found[HOLM].sum())
            lines.append([f"by {score.upper()}, {where}", *counts])
    caption = f"{CLAIMS} {meaning}. {INTERVALS}"
    header = ["Claims", *VERDICTS, "resolved with Holm"]
    return plain(header, lines, "l" + "r" * (len(header) - 1), caption)


def _orders(order: pd.DataFrame, problems: dict[str, str], rows: dict[str, str]) -> Table:
    header = ["Table", "Problem", "in the paper", "Row", "minus"]
    for score in SCORES:
        header += [f"{score.upper()}, paper", "ours", "verdict"]
    lines = []
    for (table, problem, row, other, paper), group in order.groupby(CLAIM, sort=False):
        cells = [table, problems[problem], _paper(paper, problem, problems), rows[row], rows[other]]
        found = group.set_index("score").to_dict("index")
        for score in SCORES:
            line = found.get(score, {"published": float("nan"), "verdict": NOTHING})
            known = line["verdict"] not in (NOTHING, "not run")
            ours = f"{show(score, line['ours'])} ± {show(score, line['ci95'])}" if known else ""
            ours += " *" * line.get(HOLM, False)
            cells += [show(score, line["published"]), ours, line["verdict"]]
        lines.append(cells)
    return plain(header, lines, "lllllrrlrrl", ORDERS)


def _numbers(
    number: pd.DataFrame, problems: dict[str, str], rows: dict[str, str], caption: str
) -> Table:
    header = ["Table", "Problem", "in the paper", "Row", "paper", "ours", "PSNR", "SSIM"]
    shown, lines = number.drop_duplicates(["problem", "row", "paper", "score", "published"]), []
    for (table, problem, row, paper), group in shown.groupby(NUMBER, sort=False):
        found = group.set_index("score").reindex(SCORES)
        both = [
            " / ".join(show(score, found.loc[score, of]) for score in SCORES)
            for of in ("published", "ours")
        ]
        cells = [table, problems[problem], _paper(paper, problem, problems), rows[row]]
        lines.append([*cells, *both, *found["verdict"].fillna(NOTHING)])
    return plain(header, lines, "llllrrll", caption)


def _paper(paper: str, problem: str, problems: dict[str, str]) -> str:
    return "the same name" if paper == problem else problems.get(paper, paper)
