"""The published numbers and the orders of rows that they claim, each with a verdict of ours.

A claim is that one row is above another one on a problem: the sign of the difference of their
published means. Ours is the paired difference with its 95 % interval (``workflow.summary``).
"""

from pathlib import Path

import pandas as pd

from workflow.files import write_text
from workflow.summary import SCORES
from workflow.tables import pipes, show

CLAIM = ["table", "problem", "row", "other"]
VERDICTS = {
    "reproduced": "the interval of our difference is on the published side of zero",
    "not reproduced": "it is on the other side",
    "unresolved": "it reaches zero",
    "not run": "we have no difference",
}


def orders(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Every difference of two rows that both have a published number, once, per score.

    Args:
        tables: name to what ``workflow.summary.summarise`` returns.

    Returns:
        Columns table, problem, row, other, score, published, ours, ci95 and verdict.
    """
    lines = []
    for name, table in tables.items():
        pairs = table[table["method"].str.contains(" - ")]
        single = table.set_index(["problem", "method"])
        for line in pairs.to_dict("records"):
            row, other = line["method"].split(" - ")
            for score in SCORES:
                paper = [
                    single[f"{score}_published"].get((line["problem"], r), float("nan"))
                    for r in (row, other)
                ]
                published = round(paper[0] - paper[1], 6)
                if pd.notna(published) and published:
                    ours, wide = line[score], line[f"{score}_ci95"]
                    verdict = _verdict(published, ours, wide)
                    where = name, line["problem"], row, other, score
                    lines.append([*where, published, ours, wide, verdict])
    columns = [*CLAIM, "score", "published", "ours", "ci95", "verdict"]
    found = pd.DataFrame(lines, columns=columns)
    pair = [frozenset(rows) for rows in zip(found["row"], found["other"], strict=True)]
    first = ~found.assign(pair=pair).duplicated(["problem", "pair", "score"])
    return found[first].reset_index(drop=True)


def _verdict(published: float, ours: float, wide: float) -> str:
    if pd.isna(ours) or pd.isna(wide):
        return "not run"
    if abs(ours) <= wide:
        return "unresolved"
    return "reproduced" if (ours > 0) == (published > 0) else "not reproduced"


def numbers(tables: dict[str, pd.DataFrame], differs: str) -> pd.DataFrame:
    """Every published PSNR and SSIM beside ours, once.

    Args:
        differs: how the protocol differs from the paper's; if it does, no number is comparable.

    Returns:
        Columns table, problem, row, score, published, ours, ci95 and verdict; reproduced means that
        the published number is in the interval of ours.
    """
    lines = []
    for name, table in tables.items():
        for line in table[~table["method"].str.contains(" - ")].to_dict("records"):
            for score in SCORES:
                published, ours = line[f"{score}_published"], line[score]
                wide = line[f"{score}_ci95"]
                if pd.isna(published):
                    continue
                if pd.isna(ours):
                    verdict = "not run"
                elif differs:
                    verdict = "not comparable"
                else:
                    near = abs(ours - published) <= wide
                    verdict = "reproduced" if near else "not reproduced"
                where = name, line["problem"], line["method"], score
                lines.append([*where, published, ours, wide, verdict])
    columns = ["table", "problem", "row", "score", "published", "ours", "ci95", "verdict"]
    found = pd.DataFrame(lines, columns=columns)
    return found.drop_duplicates(["problem", "row", "score"], ignore_index=True)


def agreement(found: pd.DataFrame) -> pd.DataFrame:
    """Kendall's tau between published and our PSNR over the rows of each problem, if three or more.

    Args:
        found: what ``numbers`` returns.

    Returns:
        Columns table, problem, rows and tau.
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
    counts = order.groupby(["score", "verdict"]).size()
    meaning = "; ".join(f"{verdict}: {text}" for verdict, text in VERDICTS.items())
    text = [f"What the paper claims, and what we find. {meaning}.", ""]
    text += [pipes(["Claims", *VERDICTS]), pipes([":--"] + ["--:"] * len(VERDICTS))]
    for score in SCORES:
        cells = [str(counts.get((score, verdict), 0)) for verdict in VERDICTS]
        text.append(pipes([f"by {score.upper()}", *cells]))
    text += ["", "Differences of the means, ours with half the width of the 95 % interval.", ""]
    header = ["Table", "Problem", "Row", "minus"]
    for score in SCORES:
        header += [f"{score.upper()}, paper", "ours", "verdict"]
    text += [pipes(header), pipes([":--"] * 4 + ["--:", "--:", ":--"] * 2)]
    for (table, problem, row, other), group in order.groupby(CLAIM, sort=False):
        cells = [table, problems[problem], rows[row], rows[other]]
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
    text += [pipes(["Table", "Problem", "Row", "paper", "ours", "PSNR", "SSIM"])]
    text += [pipes([":--"] * 3 + ["--:"] * 2 + [":--"] * 2)]
    for (table, problem, row), group in number.groupby(CLAIM[:3], sort=False):
        by_score = group.set_index("score")
        paper, ours, verdicts = [], [], []
        for score in SCORES:
            known = score in by_score.index
            line = by_score.loc[score] if known else None
            paper.append(show(score, line["published"]) if known else "-")
            has = known and line["verdict"] != "not run"
            ours.append(show(score, line["ours"]) if has else "-")
            verdicts.append(line["verdict"] if known else "-")
        cells = [table, problems[problem], rows[row], " / ".join(paper), " / ".join(ours)]
        text.append(pipes([*cells, *verdicts]))
    return "\n".join(text) + "\n"


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
