"""Verdicts on the published numbers and on the order of rows that they claim.

A claim says that one row is better than another one on a problem: the sign of the difference of
their published means. It is compared with our paired difference and its 95 % interval
(``workflow.score.summary``). The tables list the claims as differences, by default of every row and
PaDIS.
"""

import pandas as pd

from workflow.score.intervals import independent, survives_holm
from workflow.score.summary import SCORES, Mean

CLAIM = ["table", "problem", "row", "other", "paper"]
FOUND = ["score", "published", "ours", "ci95", "verdict"]
HOLM = "holm"
NUMBER = ["table", "problem", "row", "paper"]
VERDICTS = {
    "reproduced": "the interval of our difference is on the published side of zero",
    "not reproduced": "it is on the other side",
    "size excluded": "it reaches zero but not the published difference",
    "unresolved": "it reaches both",
    "not run": "we have no interval",
}


def orders(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Every difference of two rows that both have a published number, once, per score.

    Args:
        tables: name to what ``workflow.score.summary.summarise`` returns.

    Returns:
        Columns table, problem, row, other, paper, score, published, ours, ci95, verdict and holm
        (whether our difference is resolved after Holm's correction for all claims by this score);
        ``paper`` is the problem of the published numbers.
    """
    lines, seen = [], set()
    for name, table in tables.items():
        single = table.set_index(["problem", "method"])
        for line in table[table["method"].str.contains(" - ")].to_dict("records"):
            pair = row, other = tuple(line["method"].split(" - "))
            rows = [single.loc[(line["problem"], r)] for r in pair]
            of = [r["published_as"] for r in rows]
            claim = line["problem"], frozenset(zip(pair, of, strict=True))
            if claim in seen or not all(of):
                continue
            seen.add(claim)
            for score in SCORES:
                values = [r[f"{score}_published"] for r in rows]
                published = round(values[0] - values[1], 6)
                if pd.notna(published) and published:
                    ours = Mean(line[score], line[f"{score}_ci95"])
                    where = name, line["problem"], row, other, of[0].split("/")[0], score
                    verdict = _verdict(published, ours)
                    counts = [line["images"], line["clusters"]]
                    lines.append([*where, published, ours.value, ours.half, verdict, *counts])
    found = pd.DataFrame(lines, columns=[*CLAIM, *FOUND, "images", "clusters"])
    found[HOLM], found["counts"] = False, independent(found["images"], found["clusters"])
    for _, claims in found.groupby("score"):
        stay = survives_holm(claims["ours"], claims["ci95"], claims["counts"])
        found.loc[claims.index, HOLM] = stay
    return found[[*CLAIM, *FOUND, HOLM]]


def _verdict(published: float, ours: Mean) -> str:
    if pd.isna(ours.value) or pd.isna(ours.half):
        return "not run"
    if not ours.resolved:
        return "size excluded" if abs(ours.value - published) > ours.half else "unresolved"
    return "reproduced" if (ours.value > 0) == (published > 0) else "not reproduced"


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
        for line in table[~table["method"].str.contains(" - ")].to_dict("records"):
            where = name, line["problem"], line["method"], line["published_as"].split("/")[0]
            for score in SCORES:
                published, ours, half = (line[f"{score}{k}"] for k in ("_published", "", "_ci95"))
                if pd.isna(published):
                    continue
                verdict = "not reproduced" if abs(ours - published) > half else "reproduced"
                if pd.isna(ours) or pd.isna(half):
                    verdict = "not run"
                elif differs:
                    verdict = "not comparable"
                lines.append([*where, score, published, ours, half, verdict])
    return pd.DataFrame(lines, columns=NUMBER + FOUND)


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
