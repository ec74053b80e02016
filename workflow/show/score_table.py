"""The layout of a table of scores, as in the paper."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from workflow.score.intervals import independent, survives_holm
from workflow.score.summary import SCORES, Mean
from workflow.show.cells import NOTHING, Cell, Table, cell

INTERVALS = (
    "Interval: 95 %, cluster-robust t interval (CR1) over subjects; where all images are slices of "
    "one patient, t interval over slices, valid for this patient only."
)
ONE_PATIENT = (
    "Slices of one patient: {}. Nothing is bold there: the scores say nothing about other patients."
)
RESOLVED = "Resolution (median half-width)"


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
    labels, notes = rows | (controls or {}), []
    compared = summary[summary["method"].isin([" - ".join(pair) for pair in differences])]
    counts = independent(compared["images"], compared["clusters"])
    stay = {
        f"{score}_holm": survives_holm(compared[score], compared[f"{score}_ci95"], counts)
        for score in SCORES
    }
    lines = by_place(summary.assign(**stay))
    images = summary.groupby("problem")[["images", "clusters"]].max()
    with_paper = set(summary.loc[summary["psnr_published"].notna(), "problem"])

    def row_of(label: str, cells: Iterable[tuple[Cell, str]]) -> list[Cell]:
        """A row from ours and the paper's of every problem."""
        found = [cell(label)]
        for problem, (our, paper) in zip(problems, cells, strict=True):
            found += [our, Cell([(paper, False)])] if problem in with_paper else [our]
        return found

    def scored(row: str) -> list[Cell]:
        cells = []
        for problem in problems:
            line = lines[problem, row]
            note = _note(line, images["images"][problem])
            notes.extend([note] if note and note not in notes else [])
            number = notes.index(note) + 1 if note else 0
            cells.append((ours(line, number), _published(line)))
        return row_of(labels[row], cells)

    below = []
    for pair in differences:
        found = [lines[problem, " - ".join(pair)] for problem in problems]
        label = " minus ".join(labels[row] for row in pair)
        below.append(row_of(label, ((difference(line), "") for line in found)))
    if below:
        widths = compared.groupby("problem")[[f"{score}_ci95" for score in SCORES]].median()
        below.append(row_of(RESOLVED, ((_widths(widths.loc[p]), "") for p in problems)))
    header = [("", "Method")]
    for problem, label in problems.items():
        header += (
            [(label, "ours"), (label, "paper")] if problem in with_paper else [(label, "ours")]
        )
    alone = "; ".join(label for p, label in problems.items() if images["clusters"][p] == 1)
    return Table(
        header,
        [[scored(row) for row in rows], [scored(row) for row in controls or {}], below],
        "l" + "r" * (len(header) - 1),
        _legend(images, problems, caption, bool(below)),
        notes,
        [*([ONE_PATIENT.format(alone)] if alone else []), *remarks],
    )


def _legend(images: pd.DataFrame, problems: dict[str, str], caption: str, below: bool) -> str:
    counts = []
    for problem, label in problems.items():
        count, clusters = images.loc[problem]
        of = (
            f"{count} slices of one patient" if clusters == 1 else f"{count} of {clusters} subjects"
        )
        counts.append(f"{label}: {of}")
    text = (
        f"{caption.strip().removesuffix('.')}. PSNR in dB ± half-width of its interval / SSIM; "
        "bold is the best row, if its difference to every other row is resolved. Test images and "
        f"subjects: {'; '.join(counts)}. {INTERVALS}"
    )
    if below:
        text += (
            " Differences: mean over images ± half-width of its interval, bold if the interval "
            "does not reach 0 (resolved), with * if so after Holm's correction for all differences "
            "of this table. The last line has the median half-width, about the "
            "smallest difference that is resolved."
        )
    return text


def _note(line: dict[str, Any], total: int) -> str:
    status = line["status"]
    why = "" if status == "ok" else f"{status}: {line['reason'] or 'no reason given'}"
    if status == "missing":
        why = "missing: no result"
    if 0 < line["images"] < total:
        return f"mean over {line['images']} of {total} images" + (f"; {why}" if why else "")
    return why


def ours(line: dict[str, Any], note: int = 0) -> Cell:
    """Our scores of a line of a summary, bold where they are the best."""
    if not line["images"]:
        return Cell([(NOTHING, False)], note)
    psnr, ssim = ((show(score, line[score]), bool(line[f"{score}_best"])) for score in SCORES)
    wide = line["psnr_ci95"]
    between = " / " if pd.isna(wide) else f" ± {show('psnr', wide)} / "
    return Cell([psnr, (between, False), ssim], note)


def _published(line: dict[str, Any]) -> str:
    if pd.isna(line["psnr_published"]):
        return NOTHING
    return " / ".join(show(score, line[f"{score}_published"]) for score in SCORES)


def difference(line: dict[str, Any]) -> Cell:
    """Means and half-widths of a difference, bold if resolved over several subjects.

    A * says that this holds after the correction of ``survives_holm``.
    """
    if not line["images"]:
        return cell(NOTHING)
    parts = []
    for score in SCORES:
        mean = Mean(line[score], line[f"{score}_ci95"])
        text = f"{'+' if mean.value >= 0 else '-'}{show(score, abs(mean.value))}"
        text += "" if pd.isna(mean.half) else f" ± {show(score, mean.half)}"
        several = line["clusters"] > 1
        text += " *" * (line[f"{score}_holm"] and several)
        parts += [(text, mean.resolved and several), (" / ", False)]
    return Cell(parts[:-1])


def _widths(widths: pd.Series) -> Cell:
    return cell("" if widths.isna().any() else " / ".join(map(show, SCORES, widths)))


def show(score: str, value: float) -> str:
    """A score as the tables show it: 32.10 and .954."""
    if pd.isna(value):
        return NOTHING
    return f"{value:.2f}" if score == "psnr" else re.sub(r"^(-?)0\.", r"\1.", f"{value:.3f}")


def by_place(summary: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """Lines of a summary by problem and row."""
    return {(line["problem"], line["method"]): line for line in summary.to_dict("records")}
