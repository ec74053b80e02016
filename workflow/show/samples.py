"""The table of scores of samples, and its curves."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.config.spec import Show
from workflow.config.views import labels_of
from workflow.score.levels import BAR, LEVELS, name
from workflow.score.sample_summary import NAMES, summarise
from workflow.score.scores import MEASURED, read_all
from workflow.show import figures
from workflow.show.cells import NOTHING, Cell, Table, cell, save, write_csv
from workflow.show.contents import score_files, test_images
from workflow.show.maps import draw, read_maps
from workflow.show.sample_curves import curves
from workflow.show.sample_page import write_page
from workflow.show.tables import NOTHING_SAID, mixed
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
HEADER = [
    ("", "Method"),
    ("PSNR", "sample"),
    ("PSNR", "mean"),
    *(("Coverage", f"{100 * q:g} %") for q in LEVELS),
    *(("Low-pass", f"{100 * q:g} %") for q in LEVELS),
    ("", "Calibration error"),
    ("", "CRPS"),
    ("", "Spread/skill"),
    ("", "Residual"),
    ("TARP", "10 %"),
    ("TARP", "90 %"),
    ("", "Bar"),
]
COLUMNS = {  # of the table after the first: factor and decimals
    "psnr_sample": (1, 2),
    "psnr_mean": (1, 2),
    **{name(kind, q): (100, 0) for kind in ("coverage", "low_pass") for q in LEVELS},
    "calibration_error": (100, 1),
    "crps": (1000, 2),
    "spread_skill": (1, 2),
    "residual_chi2": (1, 2),
    name("tarp", 0.1): (100, 0),
    name("tarp", 0.9): (100, 0),
    "bar_coverage": (100, 0),
}
POINT = "{} (point)"


def samples(job: Show, out: Path) -> None:
    """Write a table of samples: tables/<name>.csv (``out``), .md, .json and _cost.csv.

    Its curves, maps and page are written, too. Scores, images and samples are read from the run,
    results/<name>, in which ``out`` is.
    """
    config, table, run = job.settings, job.settings["tables"][job.name], out.parents[1]
    scores = score_files(config, run, [job.name])
    shown = write_table(config, job.name, scores, run)
    rows = labels_of(config, table["rows"])
    truths = {p: load_images(test_images(config, run, p)) for p in table["problems"]}
    maps = {p: read_maps(run, p, rows, truth) for p, truth in truths.items()}
    for problem, truth in truths.items():
        draw(config, truth, maps[problem], rows, run / f"figures/{job.name}/{problem}.png")
    write_page(config, job.name, shown, maps, truths, run)


def write_table(
    config: dict[str, Any], name: str, scores: Iterable[Path], run: Path
) -> dict[str, Table]:
    """Write a table of samples and its curves from ``scores``; return its parts by problem."""
    table = config["tables"][name]
    summary = summarise(scores, table["differences"])
    problems = {p: config["problems"][p]["label"] for p in table["problems"]}
    rows = labels_of(config, table["rows"])
    remarks = [NOTHING_SAID.format(config["means_nothing"])] * bool(config["means_nothing"])
    remarks += mixed(read_all(scores), rows)
    shown = {
        p: scores_of(summary, p, label, rows, table["differences"]) for p, label in problems.items()
    }
    first, *_, last = [*problems, *problems]
    lead = f"{table['caption'].strip()} {shown[first].caption}"
    shown[first] = replace(shown[first], caption=lead)
    shown[last] = replace(shown[last], remarks=remarks)
    save(run / "tables", name, shown)
    write_csv(run / "tables", name, summary.drop(columns=list(MEASURED)))
    write_csv(run / "tables", f"{name}_cost", summary[[*NAMES[:2], *MEASURED]])
    drawn = curves(summary, problems, config, table["rows"])
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
    for row, name_ in rows.items():
        line = here[row]
        if line["status"] != "ok":
            why = f"{line['status']}: {line['reason'] or 'no reason given'}"
            notes += [why] * (why not in notes)
            empty = [cell(NOTHING)] * (len(COLUMNS) - 1)
            lines.append([cell(name_), Cell([(NOTHING, False)], notes.index(why) + 1), *empty])
            continue
        shown = POINT.format(name_) if line["samples"] < 2 else name_
        lines.append([cell(shown), *(_score(line, c, *how) for c, how in COLUMNS.items())])
    for pair in differences:
        line = here.get(" - ".join(pair))
        if line:
            found = [_score(line, c, *how, compared=True) for c, how in COLUMNS.items()]
            below.append([cell(" minus ".join(rows[row] for row in pair)), *found])
    text = TEXT.format(
        label=label,
        images=int(max(x["images"] for x in here.values())),
        clusters=int(max(x["clusters"] for x in here.values())),
        samples=int(max((x["samples"] for x in here.values() if x["samples"] > 1), default=1)),
        levels=", ".join(f"{100 * q:g}" for q in LEVELS),
    )
    text += COMPARED * bool(below)
    return Table(HEADER, [lines, below], "l" + "r" * len(COLUMNS), text, notes)


def _score(
    line: dict[str, Any], column: str, factor: float, decimals: int, compared: bool = False
) -> Cell:
    """A score, or a difference of scores, with half the width of its interval."""
    value, half = (factor * line.get(key, float("nan")) for key in (column, f"{column}_ci95"))
    if pd.isna(value):
        return cell(NOTHING)
    wide = "" if pd.isna(half) else f" ± {half:.{decimals}f}"
    sign = "+" if compared else ""
    return Cell([(f"{value:{sign}.{decimals}f}{wide}", compared and abs(value) > half)])
