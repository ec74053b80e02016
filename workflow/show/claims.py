"""The ledger of claims as Markdown and CSV."""

from pathlib import Path

import pandas as pd

from workflow.score.claims import CLAIM, VERDICTS, agreement, numbers, orders
from workflow.score.summary import SCORES
from workflow.show.tables import INTERVALS, escape_markdown, pipes, show
from workflow.store.files import write_text


def markdown(
    order: pd.DataFrame,
    number: pd.DataFrame,
    problems: dict[str, str],
    rows: dict[str, str],
    differs: str,
) -> str:
    """Lay out the ledger: verdicts counted, orders, rank correlations, numbers."""
    problems = {name: escape_markdown(label) for name, label in problems.items()}
    rows = {name: escape_markdown(label) for name, label in rows.items()}
    meaning = "; ".join(f"{verdict}: {text}" for verdict, text in VERDICTS.items())
    text = [f"What the paper claims, and what we find. {meaning}. {INTERVALS}", ""]
    text += [pipes(["Claims", *VERDICTS]), pipes([":--"] + ["--:"] * len(VERDICTS))]
    same = order["paper"] == order["problem"]
    for score in SCORES:
        for part, where in ((same, "on the problem itself"), (~same, "on a problem like it")):
            verdicts = order[part & (order["score"] == score)]["verdict"]
            counts = [str((verdicts == verdict).sum()) for verdict in VERDICTS]
            text.append(pipes([f"by {score.upper()}, {where}", *counts]))
    text += ["", "Differences of the means, ours with half the width of the interval.", ""]
    header = ["Table", "Problem", "in the paper", "Row", "minus"]
    for score in SCORES:
        header += [f"{score.upper()}, paper", "ours", "verdict"]
    text += [pipes(header), pipes([":--"] * 5 + ["--:", "--:", ":--"] * 2)]
    for (table, problem, row, other, paper), group in order.groupby(CLAIM, sort=False):
        cells = [table, problems[problem], _paper(paper, problem, problems), rows[row], rows[other]]
        by_score = group.set_index("score")
        for score in SCORES:
            if score in by_score.index:
                line = by_score.loc[score]
                ours = f"{show(score, line['ours'])} ± {show(score, line['ci95'])}"
                cells += [show(score, line["published"])]
                cells += ["-" if line["verdict"] == "not run" else ours, line["verdict"]]
            else:
                cells += ["-", "-", "-"]
        text.append(pipes(cells))
    taus = agreement(number)
    if len(taus):
        text += ["", "Rank correlation of our PSNR with the paper's over rows (Kendall's tau).", ""]
        text += [pipes(["Table", "Problem", "Rows", "tau"]), pipes([":--", ":--", "--:", "--:"])]
        for line in taus.to_dict("records"):
            cells = [line["table"], problems[line["problem"]], str(line["rows"])]
            text.append(pipes([*cells, f"{line['tau']:.2f}"]))
    text += ["", f"Numbers: {_compared(differs)}", ""]
    text += [pipes(["Table", "Problem", "in the paper", "Row", "paper", "ours", "PSNR", "SSIM"])]
    text += [pipes([":--"] * 4 + ["--:"] * 2 + [":--"] * 2)]
    shown = number.drop_duplicates(["problem", "row", "paper", "score", "published"])
    for (table, problem, row, paper), group in shown.groupby(
        ["table", "problem", "row", "paper"], sort=False
    ):
        by_score = group.set_index("score").reindex(SCORES)
        values = by_score.to_dict("index").items()
        published = " / ".join(show(s, line["published"]) for s, line in values)
        ours = " / ".join(show(s, line["ours"]) for s, line in values)
        cells = [table, problems[problem], _paper(paper, problem, problems), rows[row]]
        text.append(pipes([*cells, published, ours, *by_score["verdict"].fillna("-")]))
    return "\n".join(text) + "\n"


def _paper(paper: str, problem: str, problems: dict[str, str]) -> str:
    return "the same" if paper == problem else problems.get(paper, paper)


def _compared(differs: str) -> str:
    if differs:
        return f"not comparable one by one, as our protocol differs from the paper's: {differs}."
    return "reproduced if the published one is in the 95 % interval of ours."


def write(
    folder: Path,
    tables: dict[str, pd.DataFrame],
    problems: dict[str, str],
    rows: dict[str, str],
    differs: str,
) -> None:
    """Write claims.csv (orders), numbers.csv and claims.md into ``folder``."""
    order, number = orders(tables), numbers(tables, differs)
    for name, frame in (("claims", order), ("numbers", number)):
        csv = frame.to_csv(index=False, float_format="%.8g", lineterminator="\n")
        write_text(Path(folder) / f"{name}.csv", csv)
    write_text(Path(folder) / "claims.md", markdown(order, number, problems, rows, differs))
