"""Tables of the paper as CSV, Markdown and LaTeX, with the published value beside ours."""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.config.spec import Show
from workflow.config.views import NOT_IN_PAPER, labels_of, plain_label
from workflow.score import published
from workflow.score.intervals import independent, survives_holm
from workflow.score.scores import read_all
from workflow.score.summary import COSTS, RANKS, SCORES, summarise
from workflow.show import budget, figures, plots
from workflow.show.cells import (
    NOTHING,
    Cell,
    Table,
    cell,
    document,
    latex,
    plain,
    save,
    show,
    write_csv,
)
from workflow.show.contents import problem_labels, score_files
from workflow.store.files import write_text
from workflow.store.provenance import CONDITIONS

INTERVALS = (
    "Interval: 95 %, cluster-robust t interval (CR1) over subjects; where all images are slices of "
    "one patient, t interval over slices, valid for this patient only."
)
LEGEND = (
    "{caption}. PSNR in dB ± half-width of its interval / SSIM; bold is the best row, if its "
    "difference to every other row is resolved; otherwise ≈ marks the rows that are tied for the "
    "first rank: no other row is resolved above them. Test images and subjects: {counts}. "
    f"{INTERVALS}"
)
DIFFERENCES = (
    " Differences: mean over images ± half-width of its interval, bold if the interval does not "
    "reach 0 (resolved), with * if so after Holm's correction for all differences of this table. "
    "Their median half-width, about the smallest that is resolved, is in the head of a column."
)
ONE_PATIENT = (
    "Slices of one patient: {}. Nothing is bold there: the scores say nothing about other patients."
)
BARS = (
    " Bars of the figure: 95 % intervals (CR1 over subjects) for comparing the points of a panel, "
    "without what all points of an image share (Cousineau 2005, Morey 2008). They do not include "
    "the variation between trainings."
)
NOTHING_SAID = "The numbers of this run are meaningless: {}."
EDGES = (
    "Searches whose trials were used up at the last value tried of a parameter, so that a value "
    "beyond may be better: {}."
)
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
RAN = (
    "How each row ran: where it starts, its noise levels (standard deviation, image units), how "
    "often an image is denoised, and whether gradients pass through the network. (n) marks chains "
    "that start at the baseline with a first noise level below half of its root mean square error: "
    "they refine it rather than sample."
)


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
    for kind, draw in (("plot", plots.series_figure), ("sweep", budget.budget_figure)):
        if kind in chosen:
            figures.save(draw(config, name, images), run / "figures" / f"{name}.png")


def numbers(config: dict[str, Any], name: str, images: pd.DataFrame, folder: Path) -> None:
    """Write the files of a table from the scores of single images."""
    chosen, pairs = config["tables"][name], config["tables"][name]["differences"]
    problems, rows = problem_labels(config, chosen["problems"]), labels_of(config, chosen["rows"])
    controls = labels_of(config, chosen["controls"])
    summary = summarise(
        images, problems, rows, published.load(), chosen["published"], pairs, controls
    )
    if config["means_nothing"]:
        summary = summary.assign(**dict.fromkeys(RANKS, ""))
    caption = chosen["caption"].strip() + BARS * ("plot" in chosen)
    below = remarks(config, name) + measured(images, problems) + mixed(images, rows)
    shown = {
        "scores": score_table(summary, problems, rows, caption, controls, pairs, below),
        "seeds": seed_table(summary, problems, rows),
        "folds": fold_table(summary, problems, rows | _labels_of_pairs(pairs, rows)),
        "settings": settings_table(summary, problems, rows),
    }
    save(folder, name, {part: found for part, found in shown.items() if found})
    write_text(folder / f"{name}.tex", latex(shown["scores"]))
    write_csv(folder, name, summary.drop(columns=[*COSTS, "ran"]))
    write_text(folder / f"{name}_cost.md", document({"cost": cost_table(summary, problems, rows)}))
    single = summary[summary["method"].isin([*rows, *controls])]
    write_csv(folder, f"{name}_cost", single[["problem", "method", "variant", *COSTS]])


# ---- notes ---------------------------------------------------------------------------------------


def remarks(config: dict[str, Any], name: str) -> list[str]:
    """Notes below a table: what its marks mean, and which searches ended at an edge."""
    chosen, nothing = config["tables"][name], config["means_nothing"]
    found = [NOTHING_SAID.format(nothing)] if nothing else []
    if any(NOT_IN_PAPER in label for label in labels_of(config, chosen["rows"]).values()):
        found.append(f"{NOT_IN_PAPER} not in the tables of the paper.")
    open_ends = [
        f"{plain_label(row)} on {config['problems'][problem]['label']} ({', '.join(names)})"
        for row in (config["rows"][row] for row in chosen["rows"])
        for problem, names in row["at_edge"].items()
        if problem in chosen["problems"]
    ]
    return found + ([EDGES.format("; ".join(open_ends))] if open_ends else [])


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
        most, *others = known[name].value_counts().index if len(known) else [""]
        parts = []
        for value in others:
            methods = set(known.loc[known[name] == value, "method"])
            parts.append(f"{value} ({', '.join(rows[row] for row in rows if row in methods)})")
        if parts:
            found.append(f"{name}: {'; '.join(parts)}; {most} (all others)")
    return [MIXED.format(". ".join(found))] if found else []


# ---- layout --------------------------------------------------------------------------------------


def score_table(
    summary: pd.DataFrame,
    problems: dict[str, str],
    rows: dict[str, str],
    caption: str,
    controls: dict[str, str] | None = None,
    differences: Iterable[Sequence[str]] = (),
    remarks: Iterable[str] = (),
) -> Table:
    """Lay out a summary as in the paper: PSNR / SSIM, ours and published, per problem.

    Each PSNR has the half-width of its interval.

    Args:
        summary: what ``workflow.score.summary.summarise`` returns.
        problems: name to label, as are rows and controls.
        caption: text in front, to which the legend is added.
        differences: pairs of rows, shown below the controls and bold if resolved.
        remarks: notes without a number.

    Returns:
        Three blocks: rows, controls and differences.
    """
    controls, notes = controls or {}, []
    pairs = _labels_of_pairs(differences, rows | controls)
    compared = summary[summary["method"].isin(list(pairs))]
    counts = independent(compared["images"], compared["clusters"])
    lines = by_place(
        summary.assign(**{
            f"{score}_holm": survives_holm(compared[score], compared[f"{score}_ci95"], counts)
            for score in SCORES
        })
    )  # fmt: skip
    images = summary.groupby("problem")[["images", "clusters"]].max()
    with_paper = set(summary.loc[summary["psnr_published"].notna(), "problem"])
    columns = {problem: 1 + (problem in with_paper) for problem in problems}  # ours, paper

    def scored(line: dict[str, Any]) -> list[Cell]:
        note = _note(line, images["images"][line["problem"]])
        notes.extend([note] if note and note not in notes else [])
        return [_ours(line, notes.index(note) + 1 if note else 0), cell(_published(line))]

    def compare(line: dict[str, Any]) -> list[Cell]:
        return [_difference(line), Cell([("", False)])]

    def block(labels: dict[str, str], cells: Callable) -> list[list[Cell]]:
        return [
            [cell(label), *chain(*(cells(lines[p, row])[:n] for p, n in columns.items()))]
            for row, label in labels.items()
        ]

    blocks = [block(rows, scored), block(controls, scored), block(pairs, compare)]
    widths = compared.groupby("problem")[[f"{score}_ci95" for score in SCORES]].median()
    header = [("", "Method")]
    for problem, count in columns.items():
        ours = "ours" + (_resolves(widths.loc[problem]) if pairs else "")
        header += [(problems[problem], of) for of in (ours, "paper")[:count]]
    alone = [label for p, label in problems.items() if images["clusters"][p] == 1]
    text = LEGEND.format(
        caption=caption.strip().removesuffix("."), counts=_counts(images, problems)
    )
    remarks = [*([ONE_PATIENT.format("; ".join(alone))] if alone else []), *remarks]
    align = "l" + "r" * (len(header) - 1)
    return Table(header, blocks, align, text + DIFFERENCES * bool(pairs), notes, remarks)


def _labels_of_pairs(pairs: Iterable[Sequence[str]], labels: dict[str, str]) -> dict[str, str]:
    return {" - ".join(pair): " minus ".join(labels[row] for row in pair) for pair in pairs}


def _counts(images: pd.DataFrame, problems: dict[str, str]) -> str:
    counts = []
    for problem, label in problems.items():
        count, clusters = images.loc[problem]
        of = "slices of one patient" if clusters == 1 else f"of {clusters} subjects"
        counts.append(f"{label}: {count} {of}")
    return "; ".join(counts)


def _note(line: dict[str, Any], total: int) -> str:
    status = line["status"]
    why = "" if status == "ok" else f"{status}: {line['reason'] or 'no reason given'}"
    if status == "missing":
        why = "missing: no result"
    if 0 < line["images"] < total:
        return f"mean over {line['images']} of {total} images" + (f"; {why}" if why else "")
    return why


def _ours(line: dict[str, Any], note: int) -> Cell:
    """Our scores of a line of a summary, bold where they are the best, ≈ where they are tied."""
    if not line["images"]:
        return Cell([(NOTHING, False)], note)
    (psnr, first), (ssim, best) = ((show(s, line[s]), line[f"{s}_rank"]) for s in SCORES)
    wide = line["psnr_ci95"]
    half = "" if pd.isna(wide) else f" ± {show('psnr', wide)}"
    tied = [" ≈" * rank.startswith("1-") for rank in (first, best)]
    parts = [(psnr, first == "1"), (f"{half}{tied[0]} / ", False), (ssim, best == "1")]
    return Cell([*parts, (tied[1], False)] if tied[1] else parts, note)


def _published(line: dict[str, Any]) -> str:
    if pd.isna(line["psnr_published"]):
        return NOTHING
    return " / ".join(show(score, line[f"{score}_published"]) for score in SCORES)


def _difference(line: dict[str, Any]) -> Cell:
    """Means and half-widths of a difference, bold if resolved over several subjects.

    A * says that this holds after the correction of ``survives_holm``.
    """
    if not line["images"]:
        return cell(NOTHING)
    parts, several = [], line["clusters"] > 1
    for score in SCORES:
        value, half = line[score], line[f"{score}_ci95"]
        text = f"{'+' if value >= 0 else '-'}{show(score, abs(value))}"
        text += "" if pd.isna(half) else f" ± {show(score, half)}"
        text += " *" * (line[f"{score}_holm"] and several)
        parts += [(text, bool(several and abs(value) > half)), (" / ", False)]
    return Cell(parts[:-1])


def _resolves(widths: pd.Series) -> str:
    return "" if widths.isna().any() else f" (resolves {' / '.join(map(show, SCORES, widths))})"


def seed_table(
    summary: pd.DataFrame, problems: dict[str, str], rows: dict[str, str]
) -> Table | None:
    """Spread between sampling seeds on the problems that have several, None if none has."""
    lines = by_place(summary)

    def spread(problem: str, row: str) -> str:
        line = lines[problem, row]
        several = line["seeds"] > 1
        return f"{line['psnr_seeds_std']:.3f} ({line['seeds']:.0f})" if several else NOTHING

    return _text_table(summary["seeds"] > 1, summary, problems, rows, spread, SEEDS)


def fold_table(
    summary: pd.DataFrame, problems: dict[str, str], rows: dict[str, str]
) -> Table | None:
    """Means of each fold on the problems that have several, None if none has."""
    lines = by_place(summary)

    def means(problem: str, row: str) -> str:
        return ", ".join(f"{float(m):.2f}" for m in lines[problem, row]["psnr_folds"].split())

    return _text_table(summary["psnr_folds"] != "", summary, problems, rows, means, FOLDS)


def _text_table(
    told: pd.Series,
    summary: pd.DataFrame,
    problems: dict[str, str],
    rows: dict[str, str],
    text: Callable[[str, str], str],
    caption: str,
) -> Table | None:
    """``text`` of problem and row, on the problems that some ``told`` lines of a summary have."""
    known = set(summary.loc[told, "problem"])
    shown = [problem for problem in problems if problem in known]
    cells = [[label, *(text(problem, row) for problem in shown)] for row, label in rows.items()]
    header = ["Method", *(problems[problem] for problem in shown)]
    return plain(header, cells, "l" + "r" * len(shown), caption) if shown else None


def settings_table(
    summary: pd.DataFrame, problems: dict[str, str], rows: dict[str, str]
) -> Table | None:
    """How each row that iterates ran on each problem; None if none does."""
    lines = by_place(summary)
    errors = {p: 10 ** (-lines[p, "baseline"]["psnr"] / 20) for p, r in lines if r == "baseline"}
    ran = {key: _ran(line, errors.get(key[0], 0)) for key, line in lines.items()}
    cells = [[label, *(ran.get((p, row), "") for p in problems)] for row, label in rows.items()]
    shown = [line for line in cells if any(line[1:])]
    header = ["Method", *problems.values()]
    return plain(header, shown, "l" * len(header), RAN) if shown else None


def _ran(line: dict[str, Any], error: float) -> str:
    """How a line ran; ``error``: root mean square error of the baseline there, 0 if not known."""
    calls = line["denoiser_calls"]
    if pd.isna(calls):
        return ""
    jacobian = " with Jacobian" if line["jacobian_calls"] else ""
    counted = [f"{calls:.0f} evaluations{jacobian}"] if calls else []
    refined = re.fullmatch(r"from baseline, (\S+) to \S+", line["ran"])
    mark = " (n)" if refined and float(refined[1]) < error / 2 else ""
    return ", ".join([*([line["ran"] + mark] if line["ran"] else []), *counted])


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


def by_place(summary: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """Lines of a summary by problem and row."""
    return {(line["problem"], line["method"]): line for line in summary.to_dict("records")}
