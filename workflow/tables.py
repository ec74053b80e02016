"""Tables of the paper from the scores of single images, with the published value beside ours.

A row of a table is named after its method, or "method/variant" for a variant of it; the difference
of two rows is named "row - other".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workflow.files import write_text

BARS = (
    "Bars of the figure: standard errors over images of the comparison within the figure "
    "(Cousineau 2005, Morey 2008); what another training of the same networks would change is not "
    "in them."
)
KEY = ["problem", "method", "variant"]
SCORES = {"psnr": "{:.2f}", "ssim": "{:.3f}"}
COSTS = {
    "denoiser_calls": "Denoiser calls",
    "jacobian_calls": "Jacobian products",
    "operator_calls": "Operator calls",
    "seconds_per_image": "Seconds per image",
    "peak_memory_mb": "Peak memory (MB)",
}


# ---- summary ----------------------------------------------------------------------------------


def summarise(
    images: pd.DataFrame,
    problems: dict[str, str],
    rows: dict[str, str],
    published: pd.DataFrame,
    published_as: dict[str, str] | None = None,
    differences: list[tuple[str, str]] | None = None,
) -> pd.DataFrame:
    """Average the images of every (row, problem).

    Args:
        images: one row per (problem, method, variant, seed, image) with scores, cost and status.
            A job that was skipped or failed has one row with an empty image and the reason.
        problems: name to label.
        rows: name to label, in the order of the table.
        published: what ``workflow.published.load`` returns.
        published_as: row to "problem/method/variant" of the published number beside it, where it is
            not that of the same problem and row.
        differences: pairs of rows; the second is subtracted from the first, image by image.

    Returns:
        One line per (row, problem) and per (pair, problem). Seeds are averaged first, so that mean
        and sample standard deviation are over images. Cost is per image; operator calls are A and
        its adjoint together; memory is the largest peak. Status is "ok", "skipped", "failed" or,
        where
        ``images`` has nothing, "missing"; a partly failed line is "failed" and keeps its means.
    """
    images = images.assign(
        **{name: _text(images[name]) for name in ("variant", "image", "reason")},
        operator_calls=images["forward_calls"] + images["adjoint_calls"],
    )
    groups = dict(iter(images.groupby(KEY)))
    paper = published.set_index(KEY)[list(SCORES)].to_dict("index")
    lines = []
    for row in rows:
        for problem in problems:
            key = (problem, *_split(row))
            line = dict(zip(KEY, key, strict=True)) | _average(groups.get(key, images[:0]))
            named = (published_as or {}).get(row)
            beside = tuple(named.split("/")) if named else key
            for score in SCORES:
                line[f"{score}_published"] = paper.get(beside, {}).get(score, float("nan"))
            lines.append(line)
    for pair in differences or []:
        for problem in problems:
            of_row, of_other = (groups.get((problem, *_split(r)), images[:0]) for r in pair)
            key = dict(zip(KEY, (problem, *_split(_minus(pair))), strict=True))
            lines.append(key | _subtract(of_row, of_other))
    first = [*KEY, "images", "psnr", "psnr_std", "ssim", "ssim_std"]
    return pd.DataFrame(
        lines, columns=[*first, "psnr_published", "ssim_published", *COSTS, "status", "reason"]
    )


def _average(group: pd.DataFrame) -> dict[str, object]:
    done, other = group[group["status"] == "ok"], group[group["status"] != "ok"]
    costs = ["denoiser_calls", "jacobian_calls", "operator_calls", "seconds"]
    columns = done[["image", *SCORES, *costs]].astype(dict.fromkeys([*SCORES, *costs], float))
    per_image = columns.groupby("image").mean(skipna=False)
    mean, std = per_image.mean(skipna=False), per_image.std(skipna=False)
    if len(other):
        status = "failed" if (other["status"] == "failed").any() else "skipped"
    else:
        status = "ok" if len(done) else "missing"
    return {
        "images": len(per_image),
        "psnr": mean["psnr"],
        "psnr_std": std["psnr"],
        "ssim": mean["ssim"],
        "ssim_std": std["ssim"],
        "denoiser_calls": mean["denoiser_calls"],
        "jacobian_calls": mean["jacobian_calls"],
        "operator_calls": mean["operator_calls"],
        "seconds_per_image": mean["seconds"],
        "peak_memory_mb": done["peak_memory_mb"].astype(float).max(),
        "status": status,
        "reason": "; ".join(dict.fromkeys(" ".join(r.split()) for r in other["reason"] if r)),
    }


def _subtract(group: pd.DataFrame, other: pd.DataFrame) -> dict[str, object]:
    means = [
        g[g["status"] == "ok"].groupby("image")[list(SCORES)].mean().astype(float)
        for g in (group, other)
    ]
    pairs = (means[0] - means[1]).dropna()
    scores = {s: pairs[s].mean() for s in SCORES} | {f"{s}_std": pairs[s].std() for s in SCORES}
    return {**scores, "images": len(pairs), "status": "ok" if len(pairs) else "missing"}


def _minus(pair: tuple[str, str]) -> str:
    return " - ".join(pair)


def _text(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), "").astype(str)


def _split(row: str) -> tuple[str, str]:
    method, _, variant = row.partition("/")
    return method, variant


# ---- layout -----------------------------------------------------------------------------------


def markdown(
    table: pd.DataFrame,
    problems: dict[str, str],
    rows: dict[str, str],
    caption: str,
    controls: dict[str, str] | None = None,
    differences: list[tuple[str, str]] | None = None,
) -> str:
    """Lay out a summary as in the paper: PSNR / SSIM, ours and published, per problem.

    ``controls`` are lines below the rows, which are not compared with them. ``differences`` are
    lines below these: mean and standard error over images.
    """
    markup = _Markup(_escape_markdown, "**{}**", " ({})", "-")
    layout, escape = _layout(table, problems, rows, controls, differences, markup), markup.escape
    header = ["Method"]
    for problem, label in problems.items():
        for source in ["ours", "paper"][: layout.width[problem]]:
            header.append(f"{escape(label)}, {source}")
    lines = [_pipes(header), _pipes([":--"] + ["--:"] * (len(header) - 1))]
    text = [f"{escape(_legend(table, problems, caption, differences))}", ""]
    text += lines + [_pipes(line) for line in layout.lines + layout.below]
    text += [""] * bool(layout.notes)
    text += [f"({number}) {escape(note)}  " for number, note in enumerate(layout.notes, 1)]
    return "\n".join(text).rstrip() + "\n"


def latex(
    table: pd.DataFrame,
    problems: dict[str, str],
    rows: dict[str, str],
    caption: str,
    controls: dict[str, str] | None = None,
    differences: list[tuple[str, str]] | None = None,
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
    return "\n".join([*text, r"\end{table}", ""])


def cost_markdown(table: pd.DataFrame, problems: dict[str, str], rows: dict[str, str]) -> str:
    """Lay out the cost of one image: calls, time and memory, a block of lines per problem."""
    found = _lines(table)
    header = ["Problem", "Method", *COSTS.values()]
    text = [_pipes(header), _pipes([":--", ":--"] + ["--:"] * len(COSTS))]
    for problem, label in problems.items():
        for number, (row, name) in enumerate(rows.items()):
            values = [_number(found[problem, *_split(row)][cost]) for cost in COSTS]
            cells = [label if number == 0 else "", name]
            text.append(_pipes([*map(_escape_markdown, cells), *values]))
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
) -> None:
    """Write ``name``.csv (tidy), .md (scores, then cost) and .tex into ``folder``."""
    folder = Path(folder)
    csv = table.to_csv(index=False, float_format="%.8g", lineterminator="\n")
    shown = table, problems, rows, caption, controls, differences
    cost = cost_markdown(table, problems, rows)
    write_text(folder / f"{name}.csv", csv)
    write_text(
        folder / f"{name}.md", f"{markdown(*shown)}\nCost per image; memory is the peak.\n\n{cost}"
    )
    write_text(folder / f"{name}.tex", latex(*shown))


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
    ranked = table["method"].isin([_split(row)[0] for row in rows]) & (table["status"] == "ok")
    best = table[ranked].groupby("problem")[list(SCORES)].max().to_dict("index")
    total = table.groupby("problem")["images"].max().to_dict()
    published = table.groupby("problem")["psnr_published"].count()
    width = {problem: 2 if published[problem] else 1 for problem in problems}
    lines = []
    for row, label in labels.items():
        cells = [markup.escape(label)]
        for problem in problems:
            line = found[problem, *_split(row)]
            ours = markup.nothing
            if line["images"]:
                ranks = row in rows and line["status"] == "ok"
                top = best.get(problem, {}) if ranks else {}
                ours = " / ".join(_score(s, line[s], top.get(s), markup.bold) for s in SCORES)
            note = _note(line, total[problem])
            if note:
                ours += markup.mark.format(notes.setdefault(note, len(notes) + 1))
            paper = markup.nothing
            if pd.notna(line["psnr_published"]):
                paper = " / ".join(_score(s, line[f"{s}_published"]) for s in SCORES)
            cells += [ours, paper][: width[problem]]
        lines.append(cells)
    for pair in differences or []:
        cells = [markup.escape(" minus ".join(labels[row] for row in pair))]
        for problem in problems:
            line = found[problem, *_split(_minus(pair))]
            ours = markup.nothing
            if line["images"]:
                ours = " / ".join(_difference(s, line) for s in SCORES)
            cells += [ours, ""][: width[problem]]
        lines.append(cells)
    return _Layout(lines[: len(rows)], lines[len(rows) :], list(notes), width)


def _lines(table: pd.DataFrame) -> dict[tuple[str, ...], dict[str, object]]:
    table = table.assign(variant=_text(table["variant"]), reason=_text(table["reason"]))
    return {tuple(line[k] for k in KEY): line for line in table.to_dict("records")}


def _note(line: dict[str, object], total: int) -> str:
    status = line["status"]
    why = "" if status == "ok" else f"{status}: {line['reason'] or 'no reason given'}"
    if status == "missing":
        why = "missing: no result"
    if 0 < line["images"] < total:
        return f"mean over {line['images']} of {total} images" + (f"; {why}" if why else "")
    return why


def _score(name: str, value: float, best: float | None = None, bold: str = "{}") -> str:
    text = _show(name, value)
    return bold.format(text) if best is not None and text == _show(name, best) else text


def _show(name: str, value: float) -> str:
    return re.sub(r"^(-?)0\.", r"\1.", SCORES[name].format(value))


def _difference(name: str, line: dict[str, object]) -> str:
    """Mean and standard error over images."""
    error = line[f"{name}_std"] / line["images"] ** 0.5
    sign = "+" if line[name] >= 0 else "-"
    return f"{sign}{_show(name, abs(line[name]))} ± {_show(name, error)}"


def _number(value: float) -> str:
    if pd.isna(value):
        return "-"
    decimals = 0 if value == int(value) or value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{decimals}f}"


def _legend(table: pd.DataFrame, problems: dict[str, str], caption: str, differences) -> str:
    counts = table.groupby("problem")["images"].max()
    images = "; ".join(f"{label}: {counts[problem]}" for problem, label in problems.items())
    caption = caption.strip().removesuffix(".")
    text = f"{caption}. PSNR in dB / SSIM, best of ours in bold. Test images: {images}."
    if differences:
        text += " Differences: mean over the images and its standard error."
    return text


def _pipes(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape_markdown(text: str) -> str:
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\|*_`])", r"\\\1", text)


def _escape_latex(text: str) -> str:
    words = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return re.sub(r"[\\~^%_&#${}]", lambda m: words.get(m[0], "\\" + m[0]), " ".join(text.split()))
