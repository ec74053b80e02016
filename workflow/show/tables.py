"""Tables of the paper as CSV, Markdown and LaTeX, with the published value beside ours."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.config.spec import Show
from workflow.config.views import labels_of
from workflow.score import published
from workflow.score.scores import read_all
from workflow.score.summary import COSTS as MEASURED
from workflow.score.summary import SCORES, summarise
from workflow.show import budget, figures, plots, protocol
from workflow.show.cells import NOTHING, Cell, Table, cell, document, latex, plain, save, write_csv
from workflow.show.contents import score_files
from workflow.show.score_table import by_place, score_table
from workflow.store.files import write_text
from workflow.store.provenance import CONDITIONS

BARS = (
    "Bars of the figure: 95 % intervals (CR1 over subjects) for comparing the points of a panel, "
    "without what all points of an image share (Cousineau 2005, Morey 2008). They do not include "
    "the variation between trainings."
)
NOTHING_SAID = "The numbers of this run are meaningless: {}."
MIXED = "Not all rows were made under the same conditions. {}."
SHARE = "Measured numbers for each unknown: {}."
COST = "Cost per image; memory is the peak."
SEEDS = (
    "Spread of the PSNR (dB) between sampling seeds: standard deviation of the mean over images "
    "(number of seeds). The intervals above do not include it."
)
FOLDS = (
    "PSNR (dB) of each fold. Folds have different test subjects, and networks trained on the "
    "remaining ones. Where two rows do not differ, all folds agree on the sign of their difference "
    "by chance in half of the cases with two folds and in a quarter with three. Rows without a "
    "network vary with the subjects only. Subjects of one fold share networks, which the intervals "
    "above ignore."
)
COSTS = dict(
    zip(
        MEASURED,
        ("Denoiser calls", "Jacobian products", "Operator calls", "Seconds per image",
         "Peak memory (MB)"),
        strict=True,
    )
)  # fmt: skip


def table(job: Show, out: Path) -> None:
    """Write one table: <name>.csv (``out``), more beside it, and its figures.

    <name>.csv, .md, .json and .tex have scores, <name>_cost.csv and .md have time and memory, which
    differ from run to run; the others do not. Scores, images and reconstructions are read from the
    run, results/<name>, in which ``out`` is.
    """
    config, name, run = job.settings, job.name, out.parents[1]
    chosen, images = config["tables"][name], read_all(score_files(config, run, [name]))
    numbers(config, name, images, out.parent)
    for problem in chosen["problems"]:
        figures.figure(config, name, problem, images, run)
    if "plot" in chosen:
        plots.plot(config, name, images, run / "figures" / f"{name}.png")
    if "sweep" in chosen:
        budget.budget(config, name, images, run / "figures" / f"{name}.png")


def numbers(config: dict[str, Any], name: str, images: pd.DataFrame, folder: Path) -> None:
    """Write the files of a table from the scores of single images."""
    chosen = config["tables"][name]
    summary = summarise(
        images, chosen["problems"], chosen["rows"], published.load(),
        chosen["published"], chosen["differences"], chosen["controls"],
    )  # fmt: skip
    notes = measured(images, {p: config["problems"][p]["label"] for p in chosen["problems"]})
    notes += mixed(images, labels_of(config, chosen["rows"]))
    write(config, name, summary, folder, notes)


def measured(images: pd.DataFrame, problems: dict[str, str]) -> list[str]:
    """A note that says how much each problem measures; older scores do not say it."""
    if "measured" not in images:
        return []
    shares = images.groupby("problem")["measured"].max().dropna()
    found = [f"{problems[p]} {100 * shares[p]:.0f} %" for p in problems if p in shares]
    return [SHARE.format(", ".join(found))] if found else []


def mixed(images: pd.DataFrame, rows: dict[str, str]) -> list[str]:
    """A note if versions, processors or precision differ: which, and of which rows.

    Args:
        images: scores of single images; older ones do not say what they were made with.
        rows: name to label.
    """
    found = []
    done = images[(images["status"] == "ok") & images["method"].isin(rows)]
    for name in [name for name in CONDITIONS if name in done]:
        known = done[done[name] != ""]
        values = list(known[name].value_counts().index)  # the most frequent first
        parts = []
        for value in values[1:]:
            methods = set(known.loc[known[name] == value, "method"])
            parts.append(f"{value} ({', '.join(rows[row] for row in rows if row in methods)})")
        if parts:
            found.append(f"{name}: {'; '.join(parts)}; {values[0]} (all others)")
    return [MIXED.format(". ".join(found))] if found else []


def write(
    config: dict[str, Any],
    name: str,
    summary: pd.DataFrame,
    folder: Path,
    notes: Sequence[str] = (),
) -> None:
    """Write the files of a table from its summary, with ``notes`` among those below it."""
    chosen, nothing = config["tables"][name], config["means_nothing"]
    if nothing:
        summary = summary.assign(**{f"{score}_best": False for score in SCORES})
    problems = {p: config["problems"][p]["label"] for p in chosen["problems"]}
    rows = labels_of(config, chosen["rows"])
    controls = labels_of(config, chosen["controls"])
    caption = chosen["caption"].strip() + (f" {BARS}" if "plot" in chosen else "")
    remarks = [NOTHING_SAID.format(nothing)] * bool(nothing) + protocol.remarks(config, name)
    remarks += notes
    pairs = chosen["differences"]
    shown = {"scores": score_table(summary, problems, rows, caption, controls, pairs, remarks)}
    shown["seeds"] = seed_table(summary, problems, rows)
    shown["folds"] = fold_table(summary, problems, rows | {
        " - ".join(pair): " minus ".join(rows[row] for row in pair) for pair in pairs
    })  # fmt: skip
    shown["settings"] = protocol.settings(config, name, summary)
    save(folder, name, {k: v for k, v in shown.items() if v})
    costs = document({"cost": cost_table(summary, problems, rows)})
    write_text(Path(folder) / f"{name}_cost.md", costs)
    write_text(Path(folder) / f"{name}.tex", latex(shown["scores"]))
    write_csv(folder, name, summary.drop(columns=[*MEASURED, "ran"]))
    single = summary[summary["method"].isin([*rows, *controls])]
    write_csv(folder, f"{name}_cost", single[["problem", "method", "variant", *MEASURED]])


def seed_table(
    summary: pd.DataFrame, problems: dict[str, str], rows: dict[str, str]
) -> Table | None:
    """Spread between sampling seeds on the problems that have several, None if none has."""
    repeated = set(summary.loc[summary["seeds"] > 1, "problem"])
    shown, lines = [p for p in problems if p in repeated], by_place(summary)
    if not shown:
        return None
    cells = []
    for row, label in rows.items():
        found = [lines[problem, row] for problem in shown]
        spread = [(f"{x['psnr_seeds_std']:.3f} ({x['seeds']:.0f})", x["seeds"] > 1) for x in found]
        cells.append([label, *(text if several else NOTHING for text, several in spread)])
    header = ["Method", *(problems[problem] for problem in shown)]
    return plain(header, cells, "l" + "r" * len(shown), SEEDS)


def fold_table(
    summary: pd.DataFrame, problems: dict[str, str], rows: dict[str, str]
) -> Table | None:
    """Means of each fold on the problems that have several, None if none has."""
    several = set(summary.loc[summary["psnr_folds"] != "", "problem"])
    shown, lines = [p for p in problems if p in several], by_place(summary)
    if not shown:
        return None
    cells = []
    for row, label in rows.items():
        means = [lines[problem, row]["psnr_folds"].split() for problem in shown]
        cells.append([label, *(", ".join(f"{float(m):.2f}" for m in own) for own in means)])
    header = ["Method", *(problems[problem] for problem in shown)]
    return plain(header, cells, "l" + "r" * len(shown), FOLDS)


def cost_table(summary: pd.DataFrame, problems: dict[str, str], rows: dict[str, str]) -> Table:
    """Cost of one image: calls, time and memory, a group of lines per problem."""
    lines, cells = by_place(summary), []
    for problem, label in problems.items():
        for number, (row, name) in enumerate(rows.items()):
            costs = [_number(lines[problem, row][cost]) for cost in COSTS]
            cells.append([Cell([("" if number else label, False)]), cell(name), *map(cell, costs)])
    header = [("", name) for name in ("Problem", "Method", *COSTS.values())]
    return Table(header, [cells], "ll" + "r" * len(COSTS), COST)


def _number(value: float) -> str:
    if pd.isna(value):
        return NOTHING
    decimals = 0 if value == int(value) or value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{decimals}f}"
