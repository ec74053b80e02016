"""Tables of the paper as CSV, Markdown and LaTeX, with the published value beside ours."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workflow.score.summary import COSTS as MEASURED
from workflow.score.summary import KEY, as_text, minus, split
from workflow.store.files import write_text

INTERVALS = (
    "Intervals are 95 %, over patients or persons (bootstrap with t quantiles); where all images "
    "are of one patient, over images, and they hold for this patient only. They are not corrected "
    "for the number of comparisons."
)
RESOLVED = "Resolution (median half-width)"
BARS = (
    "Bars of the figure: standard errors over images of the comparison within the figure "
    "(Cousineau 2005, Morey 2008); what another training of the same networks would change is not "
    "in them."
)
COST = "Cost per image; memory is the peak."
SEEDS = (
    "Spread of the PSNR (dB) between sampling seeds: standard deviation of the mean over images, "
    "and the number of seeds. It is no part of the intervals above."
)
RAN = (
    "How each row ran: where it starts, its noise levels (standard deviation, image units), how "
    "often an image is denoised, and whether gradients pass through the network."
)
SCORES = {"psnr": "{:.2f}", "ssim": "{:.3f}"}
COSTS = {
    "denoiser_calls": "Denoiser calls",
    "jacobian_calls": "Jacobian products",
    "operator_calls": "Operator calls",
    "seconds_per_image": "Seconds per image",
    "peak_memory_mb": "Peak memory (MB)",
}


def markdown(
    table: pd.DataFrame,
    problems: dict[str, str],
    rows: dict[str, str],
    caption: str,
    controls: dict[str, str] | None = None,
    differences: list[tuple[str, str]] | None = None,
    remarks: Sequence[str] = (),
) -> str:
    """Lay out a summary as in the paper: PSNR / SSIM, ours and published, per problem.

    Beside a PSNR stands half the width of its interval. ``controls`` are lines below the rows,
    which are not compared with them. ``differences`` are lines below these, bold if resolved.
    ``remarks`` are notes without a number.
    """
    markup = _Markup(escape_markdown, "**{}**", " ({})", "-")
    layout, escape = _layout(table, problems, rows, controls, differences, markup), markup.escape
    header = ["Method"]
    for problem, label in problems.items():
        for source in ["ours", "paper"][: layout.width[problem]]:
            header.append(f"{escape(label)}, {source}")
    lines = [pipes(header), pipes([":--"] + ["--:"] * (len(header) - 1))]
    text = [f"{escape(_legend(table, problems, caption, differences))}", ""]
    text += lines + [pipes(line) for line in layout.lines + layout.below]
    text += [""] * bool(layout.notes)
    text += [f"({number}) {escape(note)}  " for number, note in enumerate(layout.notes, 1)]
    for remark in remarks:
        text += ["", escape(remark)]
    repeated = [problem for problem in problems if _repeated(table, problem)]
    if repeated:
        header = ["Method", *(escape(problems[problem]) for problem in repeated)]
        text += ["", SEEDS, "", pipes(header), pipes([":--"] + ["--:"] * len(repeated))]
        found = _lines(table)
        for row, label in rows.items():
            lines = [found[problem, *split(row)] for problem in repeated]
            cells = [
                f"{line['psnr_seeds_std']:.3f} ({line['seeds']:.0f})" if line["seeds"] > 1 else "-"
                for line in lines
            ]
            text.append(pipes([escape(label), *cells]))
    return "\n".join(text).rstrip() + "\n"


def _repeated(table: pd.DataFrame, problem: str) -> bool:
    return bool((table.loc[table["problem"] == problem, "seeds"] > 1).any())


def latex(
    table: pd.DataFrame,
    problems: dict[str, str],
    rows: dict[str, str],
    caption: str,
    controls: dict[str, str] | None = None,
    differences: list[tuple[str, str]] | None = None,
    remarks: Sequence[str] = (),
) -> str:
    """Lay out the same as a LaTeX table; it needs the package booktabs."""
    mark = r"\textsuperscript{{{}}}"
    markup = _Markup(_escape_latex, r"\textbf{{{}}}", mark, "--")
    layout, escape = _layout(table, problems, rows, controls, differences, markup), markup.escape
    above, rules, below, column = [""], [], ["Method"], 2
    for problem, label in problems.items():
        width = layout.width[problem]
        above.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(label)}}}")
        rules.append(rf"\cmidrule(lr){{{column}-{column + width - 1}}}")
        below += ["ours", "paper"][:width]
        column += width
    label = re.sub("[^a-z0-9]+", "-", caption.lower()).strip("-")[:40]
    text = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape(_legend(table, problems, caption, differences))}}}",
        rf"\label{{tab:{label}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(below) - 1)}}}",
        r"\toprule",
        " & ".join(above) + r" \\",
        "".join(rules),
        " & ".join(below) + r" \\",
        r"\midrule",
        *(" & ".join(line) + r" \\" for line in layout.lines),
        *[r"\midrule"] * bool(layout.below),
        *(" & ".join(line) + r" \\" for line in layout.below),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    for number, note in enumerate(layout.notes, 1):
        text.append(rf"\par\footnotesize {mark.format(number)} {escape(note)}")
    text += [rf"\par\footnotesize {escape(remark)}" for remark in remarks]
    return "\n".join([*text, r"\end{table}", ""])


def cost_markdown(table: pd.DataFrame, problems: dict[str, str], rows: dict[str, str]) -> str:
    """Lay out the cost of one image: calls, time and memory, a block of lines per problem."""
    found = _lines(table)
    header = ["Problem", "Method", *COSTS.values()]
    text = [pipes(header), pipes([":--", ":--"] + ["--:"] * len(COSTS))]
    for problem, label in problems.items():
        for number, (row, name) in enumerate(rows.items()):
            values = [_number(found[problem, *split(row)][cost]) for cost in COSTS]
            cells = [label if number == 0 else "", name]
            text.append(pipes([*map(escape_markdown, cells), *values]))
    return "\n".join(text) + "\n"


def write_table(
    folder: Path,
    name: str,
    table: pd.DataFrame,
    problems: dict[str, str],
    rows: dict[str, str],
    caption: str,
    controls: dict[str, str] | None = None,
    differences: list[tuple[str, str]] | None = None,
    remarks: Sequence[str] = (),
    ran: pd.DataFrame | None = None,
) -> None:
    """Write ``name``.csv, .md and .tex (scores), and ``name``_cost.csv and .md into ``folder``.

    ``remarks`` are notes below the scores, ``ran`` is what
    ``workflow.show.protocol.settings`` says of the rows, a table of its own below these.

    Time and memory differ from run to run; what is in the first three files does not.
    """
    folder = Path(folder)
    shown = table, problems, rows, caption, controls, differences, remarks
    measured = table["method"].isin([split(row)[0] for row in rows | (controls or {})])
    parts = {name: table.drop(columns=list(MEASURED)), f"{name}_cost": table[measured]}
    parts[f"{name}_cost"] = parts[f"{name}_cost"][[*KEY, *MEASURED]]
    for part, frame in parts.items():
        csv = frame.to_csv(index=False, float_format="%.8g", lineterminator="\n")
        write_text(folder / f"{part}.csv", csv)
    beside = "" if ran is None or ran.empty else f"\n{RAN}\n\n{_settings(ran)}"
    write_text(folder / f"{name}.md", markdown(*shown) + beside)
    write_text(folder / f"{name}_cost.md", f"{COST}\n\n{cost_markdown(table, problems, rows)}")
    write_text(folder / f"{name}.tex", latex(*shown))


def _settings(ran: pd.DataFrame) -> str:
    """Lay out what the rows did, as Markdown."""
    text = [pipes(["Method", *map(escape_markdown, ran)]), pipes([":--"] * (1 + len(ran.columns)))]
    for label, cells in ran.iterrows():
        text.append(pipes([escape_markdown(label), *(escape_markdown(c) or "-" for c in cells)]))
    return "\n".join(text) + "\n"


@dataclass(frozen=True)
class _Markup:
    """What Markdown and LaTeX write differently."""

    escape: Callable[[str], str]
    bold: str
    mark: str
    nothing: str


@dataclass(frozen=True)
class _Layout:
    """Cells of a table of scores, already marked up, and its footnotes, not yet marked up."""

    lines: list[list[str]]
    below: list[list[str]]  # controls and differences
    notes: list[str]
    width: dict[str, int]  # columns of a problem: ours, and paper if anything is published


def _layout(
    table: pd.DataFrame,
    problems: dict[str, str],
    rows: dict[str, str],
    controls: dict[str, str] | None,
    differences: list[tuple[str, str]] | None,
    markup: _Markup,
) -> _Layout:
    found, notes, labels = _lines(table), {}, rows | (controls or {})
    total = table.groupby("problem")["images"].max().to_dict()
    published = table.groupby("problem")["psnr_published"].count()
    width = {problem: 2 if published[problem] else 1 for problem in problems}
    lines = []
    for row, label in labels.items():
        cells = [markup.escape(label)]
        for problem in problems:
            line = found[problem, *split(row)]
            ours = markup.nothing
            if line["images"]:
                ours = " / ".join(_ours(s, line, markup.bold) for s in SCORES)
            note = _note(line, total[problem])
            if note:
                ours += markup.mark.format(notes.setdefault(note, len(notes) + 1))
            paper = markup.nothing
            if pd.notna(line["psnr_published"]):
                paper = " / ".join(show(s, line[f"{s}_published"]) for s in SCORES)
            cells += [ours, paper][: width[problem]]
        lines.append(cells)
    for pair in differences or []:
        cells = [markup.escape(" minus ".join(labels[row] for row in pair))]
        for problem in problems:
            line = found[problem, *split(minus(pair))]
            ours = markup.nothing
            if line["images"]:
                ours = " / ".join(_difference(s, line, markup.bold) for s in SCORES)
            cells += [ours, ""][: width[problem]]
        lines.append(cells)
    if differences:
        cells = [RESOLVED]
        for problem in problems:
            of_problem = [found[problem, *split(minus(pair))] for pair in differences]
            cells += [_median(of_problem) or markup.nothing, ""][: width[problem]]
        lines.append(cells)
    return _Layout(lines[: len(rows)], lines[len(rows) :], list(notes), width)


def _lines(table: pd.DataFrame) -> dict[tuple[str, ...], dict[str, object]]:
    table = table.assign(variant=as_text(table["variant"]), reason=as_text(table["reason"]))
    return {tuple(line[k] for k in KEY): line for line in table.to_dict("records")}


def _note(line: dict[str, object], total: int) -> str:
    status = line["status"]
    why = "" if status == "ok" else f"{status}: {line['reason'] or 'no reason given'}"
    if status == "missing":
        why = "missing: no result"
    if 0 < line["images"] < total:
        return f"mean over {line['images']} of {total} images" + (f"; {why}" if why else "")
    return why


def _ours(name: str, line: dict[str, object], bold: str) -> str:
    text = show(name, line[name])
    text = bold.format(text) if line[f"{name}_best"] is True else text
    wide = line[f"{name}_ci95"]
    return f"{text} ± {show(name, wide)}" if name == "psnr" and pd.notna(wide) else text


def show(name: str, value: float) -> str:
    """A score as the tables show it: 32.10 and .954."""
    if pd.isna(value):
        return "-"
    text = SCORES[name].format(value)
    return re.sub(r"^(-?)0\.", r"\1.", text) if name == "ssim" else text


def _difference(name: str, line: dict[str, object], bold: str) -> str:
    """Mean and half the width of its interval, bold if the interval does not reach zero."""
    wide = line[f"{name}_ci95"]
    text = f"{'+' if line[name] >= 0 else '-'}{show(name, abs(line[name]))}"
    if pd.isna(wide):
        return text
    text = f"{text} ± {show(name, wide)}"
    return bold.format(text) if abs(line[name]) > wide else text


def _median(lines: list[dict[str, object]]) -> str:
    """Median over differences of half the widths of their intervals, or nothing."""
    frame = pd.DataFrame(lines)[[f"{name}_ci95" for name in SCORES]].astype(float).median()
    return "" if frame.isna().any() else " / ".join(map(show, SCORES, frame))


def _number(value: float) -> str:
    if pd.isna(value):
        return "-"
    decimals = 0 if value == int(value) or value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{decimals}f}"


def _legend(table: pd.DataFrame, problems: dict[str, str], caption: str, differences) -> str:
    counts = table.groupby("problem")[["images", "clusters"]].max()
    images = "; ".join(
        f"{label}: {counts['images'][problem]} of {counts['clusters'][problem]}"
        for problem, label in problems.items()
    )
    text = (
        f"{caption.strip().removesuffix('.')}. PSNR in dB with half the width of its interval, / "
        "SSIM; bold is the best, if resolved from every other row. Test images of so many patients "
        f"or persons: {images}. {INTERVALS}"
    )
    if differences:
        text += (
            " Differences: mean over images and half the width of its interval, bold if resolved; "
            "the last line has the median of these, about the smallest difference that is resolved."
        )
    return text


def pipes(cells: list[str]) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def escape_markdown(text: str) -> str:
    """Text that a cell of a Markdown table shows as it is."""
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\|*_`])", r"\\\1", text)


def _escape_latex(text: str) -> str:
    words = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return re.sub(r"[\\~^%_&#${}]", lambda m: words.get(m[0], "\\" + m[0]), " ".join(text.split()))
