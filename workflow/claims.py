"""The published numbers and the orders of rows that they claim, each with a verdict of ours.

A claim is that one row is above another one on a problem: the sign of the difference of their
published means. Ours is the paired difference with its 95 % interval (``workflow.summary``). The
claims are those that the tables list as differences, by default every row against PaDIS.
"""

from pathlib import Path

import pandas as pd

from workflow.files import write_text
from workflow.summary import SCORES, as_text
from workflow.tables import INTERVALS, escape_markdown, pipes, show

CLAIM = ["table", "problem", "row", "other", "paper"]
VERDICTS = {
    "reproduced": "the interval of our difference is on the published side of zero",
    "not reproduced": "it is on the other side",
    "unresolved": "it reaches zero",
    "not run": "we have no interval",
}


def orders(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Every difference of two rows that both have a published number, once, per score.

    Args:
        tables: name to what ``workflow.summary.summarise`` returns.

    Returns:
        Columns table, problem, row, other, paper, score, published, ours, ci95 and verdict;
        ``paper`` is the problem that the published numbers are of.
    """
    lines, seen = [], set()
    for name, table in tables.items():
        single = table.assign(published_as=as_text(table["published_as"]))
        single = single.set_index(["problem", "method"])
        for line in table[table["method"].str.contains(" - ")].to_dict("records"):
            pair = row, other = tuple(line["method"].split(" - "))
            of = [single["published_as"][line["problem"], r] for r in pair]
            claim = line["problem"], frozenset(zip(pair, of, strict=True))
            if claim in seen or not all(of):
                continue
            seen.add(claim)
            for score in SCORES:
                values = [single[f"{score}_published"][line["problem"], r] for r in pair]
                published = round(values[0] - values[1], 6)
                if pd.notna(published) and published:
                    ours, wide = line[score], line[f"{score}_ci95"]
                    where = name, line["problem"], row, other, of[0].split("/")[0], score
                    verdict = _verdict(published, ours, wide)
                    lines.append([*where, published, ours, wide, verdict])
    return pd.DataFrame(lines, columns=[*CLAIM, "score", "published", "ours", "ci95", "verdict"])


def _verdict(published: float, ours: float, wide: float) -> str:
    if pd.isna(ours) or pd.isna(wide):
        return "not run"
    if abs(ours) <= wide:
        return "unresolved"
    return "reproduced" if (ours > 0) == (published > 0) else "not reproduced"


def numbers(tables: dict[str, pd.DataFrame], differs: str) -> pd.DataFrame:
    """Every published PSNR and SSIM beside ours.

    Args:
        differs: how the protocol differs from the paper's; if it does, no number is comparable.

    Returns:
        Columns table, problem, row, paper (the published problem), score, published, ours, ci95 and
        verdict; reproduced means that the published number is in the interval of ours.
    """
    lines = []
    for name, table in tables.items():
        rows = table[~table["method"].str.contains(" - ")]
        for line in rows.assign(published_as=as_text(rows["published_as"])).to_dict("records"):
            for score in SCORES:
                published, ours = line[f"{score}_published"], line[score]
                wide = line[f"{score}_ci95"]
                if pd.isna(published):
                    continue
                if pd.isna(ours) or pd.isna(wide):
                    verdict = "not run"
                elif differs:
                    verdict = "not comparable"
                else:
                    near = abs(ours - published) <= wide
                    verdict = "reproduced" if near else "not reproduced"
                paper = line["published_as"].split("/")[0]
                where = name, line["problem"], line["method"], paper, score
                lines.append([*where, published, ours, wide, verdict])
    columns = ["table", "problem", "row", "paper", "score", "published", "ours", "ci95", "verdict"]
    return pd.DataFrame(lines, columns=columns)


def agreement(found: pd.DataFrame) -> pd.DataFrame:
    """Kendall's tau between published and our PSNR over the rows of each column of a table.

    Args:
        found: what ``numbers`` returns.

    Returns:
        Columns table, problem, rows (three or more) and tau.
    """
    lines = []
    done = found[(found["score"] == "psnr") & found["ours"].notna()]
    for (table, problem), group in done.groupby(["table", "problem"], sort=False):
        if len(group) > 2:
            tau = group["published"].corr(group["ours"], method="kendall")
            lines.append([table, problem, len(group), tau])
    return pd.DataFrame(lines, columns=["table", "problem", "rows", "tau"])


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
