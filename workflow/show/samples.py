"""The table of scores of samples, its curves, pictures and page."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from workflow.config.spec import Show
from workflow.config.views import labels_of, title
from workflow.score.calibration import BAR
from workflow.score.samples import CREDIBILITIES, LEVELS, name, rank_columns
from workflow.score.scores import MEASURED, read_all
from workflow.score.summary import summarise_samples
from workflow.show import cells, figures, maps
from workflow.show.cells import NOTHING, Cell, Table, cell
from workflow.show.contents import problem_labels, score_files, test_images
from workflow.show.html import COLOURS, file_uri, render
from workflow.show.plots import Look, finish, legend, looks_of, panels
from workflow.show.tables import NOTHING_SAID, mixed
from workflow.store.arrays import load_arrays
from workflow.store.files import write_text
from workflow.store.images import load_images

TEXT = (
    "{label}: {images} test images of {clusters} subjects, {samples} samples per image for rows "
    "that sample. PSNR (dB) of one sample (mean over samples) and of the mean of the samples. "
    "Coverage: % of pixels whose truth is in the credible interval of {levels} %, as they are "
    "and after a low-pass filter; pixels where all samples equal the truth (air) are left out. "
    "CRPS in 1/1000 of the range of pixels, for point estimators their absolute error. Spread "
    "over skill: 1 if the spread of the samples equals the error of their mean. Residual: "
    "chi-square of a sample, 1 if residuals are as large as the noise. TARP: expected coverage "
    "at credibilities of 10 and 90 %. Bar: % of test pixels covered by error bars that cover "
    f"{100 * BAR:g} % of the pixels of validation images; pixels without error and spread are "
    "left out of both. ± is half the width of the 95 % interval over subjects (cluster-robust t, "
    "CR1); with one subject, over slices. Calibration error: distance of the coverage of an "
    "image from its level in %, mean over the levels."
)
COMPARED = (
    " Differences of two rows are means over images, bold if their interval does not reach 0."
)
COLUMNS = {  # of the table after the first: heading, factor and decimals
    "psnr_sample": (("PSNR", "sample"), 1, 2),
    "psnr_mean": (("PSNR", "mean"), 1, 2),
    **{name("coverage", q): (("Coverage", f"{100 * q:g} %"), 100, 0) for q in LEVELS},
    **{name("low_pass", q): (("Low-pass", f"{100 * q:g} %"), 100, 0) for q in LEVELS},
    "calibration_error": (("", "Calibration error"), 100, 1),
    "crps": (("", "CRPS"), 1000, 2),
    "spread_skill": (("", "Spread/skill"), 1, 2),
    "residual_chi2": (("", "Residual"), 1, 2),
    name("tarp", 0.1): (("TARP", "10 %"), 100, 0),
    name("tarp", 0.9): (("TARP", "90 %"), 100, 0),
    "bar_coverage": (("", "Bar"), 100, 0),
}
CURVES = {  # of coverage: heading, levels
    "coverage": ("Pixels", LEVELS),
    "low_pass": ("Low-pass", LEVELS),
    "tarp": ("TARP, blocks", CREDIBILITIES),
}


def samples(job: Show, out: Path) -> None:
    """Write a table of samples: tables/<name>.csv (``out``), .md, .json and _cost.csv.

    Its curves, pictures and page are written, too. Scores, images and samples are read from the
    run, results/<name>, in which ``out`` is.
    """
    config, table, run = job.settings, job.settings["tables"][job.name], out.parents[1]
    scores = read_all(score_files(config, run, [job.name]))
    shown = write_table(config, job.name, scores, run)
    rows, gallery = labels_of(config, table["rows"]), []
    for problem, label in problem_labels(config, table["problems"]).items():
        truth, found = load_images(test_images(config, run, problem)), {}
        for row in rows:
            stored = load_arrays(run / "reconstructions" / problem / f"{row}.npz")
            scored = scores[(scores["problem"] == problem) & (scores["method"] == row)]
            found[row] = maps.maps_of(stored, truth.pixels, scored)
        drawn = maps.figure(truth, found, config["figures"], rows)
        figures.save(drawn, run / f"figures/{job.name}/{problem}.png", colours=None)
        gallery += maps.gallery(label, truth, found, config["figures"], rows)
    page = render(
        "samples.html.j2",
        name=config["name"],
        title=title(job.name),
        means_nothing=config["means_nothing"],
        tables=[
            {"label": label, "table": shown[p], "html": cells.html(shown[p])}
            for p, label in problem_labels(config, table["problems"]).items()
        ],
        curves=file_uri(run / "figures" / f"{job.name}.png"),
        gallery=gallery,
        first=f"{next(iter(rows.values()))}: {maps.KINDS['sample'][1]}",
        error_max=config["figures"]["error_max"],
        colours=COLOURS,
    )
    write_text(run / "report" / f"{job.name}.html", page)


def write_table(
    config: dict[str, Any], name: str, scores: pd.DataFrame, run: Path
) -> dict[str, Table]:
    """Write a table of samples and its curves from ``scores``; return its parts by problem."""
    chosen = config["tables"][name]
    problems, rows = problem_labels(config, chosen["problems"]), labels_of(config, chosen["rows"])
    pairs, nothing = chosen["differences"], config["means_nothing"]
    summary = summarise_samples(scores, pairs)
    shown = {p: scores_of(summary, p, label, rows, pairs) for p, label in problems.items()}
    first, last = next(iter(shown)), list(shown)[-1]
    lead = f"{chosen['caption'].strip()} {shown[first].caption}"
    shown[first] = replace(shown[first], caption=lead)
    remarks = [NOTHING_SAID.format(nothing)] * bool(nothing) + mixed(scores, rows)
    shown[last] = replace(shown[last], remarks=remarks)
    cells.save(run / "tables", name, shown)
    cells.write_csv(run / "tables", name, summary.drop(columns=list(MEASURED)))
    cells.write_csv(run / "tables", f"{name}_cost", summary[["problem", "method", *MEASURED]])
    drawn = curves(summary, problems, looks_of(config, chosen["rows"]), rows)
    figures.save(drawn, run / "figures" / f"{name}.png")
    return shown


def scores_of(
    summary: pd.DataFrame,
    problem: str,
    label: str,
    rows: dict[str, str],
    differences: Iterable[Sequence[str]],
) -> Table:
    """Rows on one problem, and below them the differences of pairs of rows that ran."""
    here = summary[summary["problem"] == problem].set_index("method").to_dict("index")
    lines, notes, below = [], [], []
    for row, label_ in rows.items():
        line = here[row]
        if line["status"] != "ok":
            why = f"{line['status']}: {line['reason'] or 'no reason given'}"
            notes += [why] * (why not in notes)
            empty = [cell(NOTHING)] * (len(COLUMNS) - 1)
            lines.append([cell(label_), Cell([(NOTHING, False)], notes.index(why) + 1), *empty])
            continue
        shown = f"{label_} (point)" if line["samples"] < 2 else label_
        lines.append([cell(shown), *(_score(line, column) for column in COLUMNS)])
    for pair in differences:
        line = here.get(" - ".join(pair))
        if line:
            found = [_score(line, column, "+") for column in COLUMNS]
            below.append([cell(" minus ".join(rows[row] for row in pair)), *found])
    text = TEXT.format(
        label=label,
        images=int(max(x["images"] for x in here.values())),
        clusters=int(max(x["clusters"] for x in here.values())),
        samples=int(max((x["samples"] for x in here.values() if x["samples"] > 1), default=1)),
        levels=", ".join(f"{100 * q:g}" for q in LEVELS),
    )
    text += COMPARED * bool(below)
    header = [("", "Method"), *(heading for heading, _, _ in COLUMNS.values())]
    return Table(header, [lines, below], "l" + "r" * len(COLUMNS), text, notes)


def _score(line: dict[str, Any], column: str, sign: str = "") -> Cell:
    """A score with half the width of its interval; with a sign it is a difference of scores."""
    _, factor, decimals = COLUMNS[column]
    value, half = (factor * line.get(key, float("nan")) for key in (column, f"{column}_ci95"))
    if pd.isna(value):
        return cell(NOTHING)
    wide = "" if pd.isna(half) else f" ± {half:.{decimals}f}"
    return Cell([(f"{value:{sign}.{decimals}f}{wide}", bool(sign) and abs(value) > half)])


def curves(
    summary: pd.DataFrame, problems: dict[str, str], looks: dict[str, Look], labels: dict[str, str]
) -> Figure:
    """A column per problem: density of ranks (1 if calibrated), and coverage against its level.

    Args:
        summary: of ``workflow.score.summary.summarise_samples``.
        problems: name to label.
        looks: of rows, as are labels; point estimators are left out.
    """
    figure, grid = panels(1 + len(CURVES), max(len(problems), 2))
    shown = {}
    for k, (problem, label) in enumerate(problems.items()):
        here = summary[(summary["problem"] == problem) & (summary["samples"] > 1)]
        for _, line in here.set_index("method").reindex(list(labels)).dropna(how="all").iterrows():
            look, count = looks[line.name], int(line["samples"])
            found = line[rank_columns(count)].to_numpy(float) * (count + 1)
            places = (np.arange(count + 1) + 0.5) / (count + 1)
            (shown[line.name],) = grid[0, k].plot(places, found, color=look.color, linewidth=1)
            for axes, (kind, (_, levels)) in zip(grid[1:, k], CURVES.items(), strict=True):
                covered = line[[name(kind, q) for q in levels]].to_numpy(float)
                axes.plot(
                    [0, *levels, 1], [0, *covered, 1], color=look.color, linewidth=1,
                    marker=look.marker if len(levels) <= len(LEVELS) else None, markersize=3,
                )  # fmt: skip
        first = k == 0
        grid[0, k].axhline(1, color="0.3", linestyle="--", linewidth=0.8)
        grid[0, k].set_ylim(bottom=0)
        finish(grid[0, k], label, "Rank of the truth", "Density" if first else "")
        for axes, (heading, _) in zip(grid[1:, k], CURVES.values(), strict=True):
            axes.plot([0, 1], [0, 1], color="0.3", linestyle="--", linewidth=0.8)
            finish(axes, heading, "Credibility", "Coverage" if first else "")
    for axes in grid[:, len(problems) :].flat:
        axes.set_axis_off()
    legend(figure, shown, columns=3, labels=labels)
    return figure
