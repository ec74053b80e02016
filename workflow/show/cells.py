"""Tables of cells, written as Markdown, LaTeX and HTML.

All tables are built of these cells. They are stored as JSON beside the Markdown; the page and the
README are made from the JSON.
"""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import chain, groupby
from pathlib import Path

import pandas as pd
from markupsafe import Markup, escape

from workflow.store.files import write_text

NOTHING = "-"


@dataclass(frozen=True)
class Cell:
    """Text in parts, each with whether it is bold, and the number of a note (0: no note)."""

    parts: list[tuple[str, bool]]
    note: int = 0

    def render(self, escaped: Callable[[str], str], bold: str, note: str) -> str:
        """The cell in a markup language; ``bold`` and ``note`` are format strings."""
        parts = [bold.format(escaped(t)) if b else escaped(t) for t, b in self.parts]
        return "".join(parts) + (note.format(self.note) if self.note else "")


@dataclass(frozen=True)
class Table:
    """A table with the text around it.

    Attributes:
        header: per column a heading shared with its neighbours (may be empty) and its own.
        blocks: groups of rows of cells, such as rows and controls; each row has all columns.
        align: "l" or "r" per column.
        caption: text in front.
        notes: text below, numbered from 1 as the cells refer to it.
        remarks: further text below.
    """

    header: list[tuple[str, str]]
    blocks: list[list[list[Cell]]]
    align: str
    caption: str = ""
    notes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def headings(self) -> list[str]:
        """Headings of the columns in one line."""
        return [f"{above}, {own}" if above else own for above, own in self.header]


def cell(text: object) -> Cell:
    """A cell of one part; an empty one is shown as a dash."""
    return Cell([(str(text) or NOTHING, False)])


def show(score: str, value: float) -> str:
    """A score as the tables show it: 32.10 and .954."""
    if pd.isna(value):
        return NOTHING
    return f"{value:.2f}" if score == "psnr" else re.sub(r"^(-?)0\.", r"\1.", f"{value:.3f}")


def plain(header: list[str], rows: list[list[object]], align: str, caption: str = "") -> Table:
    """A table of text only."""
    return Table(
        [("", h) for h in header], [[list(map(cell, row)) for row in rows]], align, caption
    )


def save(folder: Path, name: str, tables: dict[str, Table]) -> None:
    """Write tables as ``name``.md, one below the other, and as ``name``.json."""
    write_text(Path(folder) / f"{name}.md", document(tables))
    text = json.dumps({k: asdict(table) for k, table in tables.items()}, ensure_ascii=False)
    write_text(Path(folder) / f"{name}.json", text + "\n")


def load(path: Path) -> dict[str, Table]:
    """Read what ``save`` wrote as JSON."""
    found = json.loads(Path(path).read_text())
    for stored in found.values():
        stored["blocks"] = [[[Cell(**c) for c in row] for row in b] for b in stored["blocks"]]
    return {name: Table(**stored) for name, stored in found.items()}


def write_csv(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Write ``name``.csv; equal frames give equal files."""
    text = frame.to_csv(index=False, float_format="%.8g", lineterminator="\n")
    write_text(Path(folder) / f"{name}.csv", text)


def document(tables: dict[str, Table]) -> str:
    """Tables as Markdown, one below the other."""
    return "\n\n".join(markdown(table) for table in tables.values()) + "\n"


def markdown(table: Table) -> str:
    """A table and the text around it as Markdown."""
    notes = [f"({n}) {escape_markdown(note)}  " for n, note in enumerate(table.notes, 1)]
    parts = [escape_markdown(table.caption), grid(table), "\n".join(notes)]
    parts += [escape_markdown(remark) for remark in table.remarks]
    return "\n\n".join(part for part in parts if part).rstrip()


def grid(table: Table) -> str:
    """The table alone as Markdown."""
    rule = [":--" if align == "l" else "--:" for align in table.align]
    lines = [[escape_markdown(h) for h in table.headings], rule]
    lines += [
        [c.render(escape_markdown, "**{}**", " ({})") for c in row] for row in chain(*table.blocks)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escape_markdown(text: str) -> str:
    """Text as Markdown shows it unchanged, in one line."""
    text = re.sub(r"\s+", " ", text).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\|*_`])", r"\\\1", text)


def latex(table: Table) -> str:
    """A table as LaTeX, which needs the package booktabs, with a line below the first block."""
    label = re.sub("[^a-z0-9]+", "-", table.caption.lower()).strip("-")[:40]
    bold, note = r"\textbf{{{}}}", r"\textsuperscript{{{}}}"
    first, *others = [
        [" & ".join(c.render(_escape_latex, bold, note) for c in row) + r" \\" for row in block]
        for block in table.blocks
        if block
    ]
    text = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_escape_latex(table.caption)}}}",
        rf"\label{{tab:{label}}}",
        rf"\begin{{tabular}}{{{table.align}}}",
        r"\toprule",
        *_latex_above(table),
        " & ".join(_escape_latex(own) for _, own in table.header) + r" \\",
        r"\midrule",
        *first,
        *([r"\midrule"] if others else []),
        *chain.from_iterable(others),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    notes = [rf"\textsuperscript{{{n}}} {_escape_latex(x)}" for n, x in enumerate(table.notes, 1)]
    notes += [_escape_latex(remark) for remark in table.remarks]
    return "\n".join([*text, *(rf"\par\footnotesize {x}" for x in notes), r"\end{table}", ""])


def _latex_above(table: Table) -> list[str]:
    """The shared headings and the lines below them, if there are any."""
    cells, rules = [], []
    for above, group in groupby(enumerate(table.header, 1), key=lambda column: column[1][0]):
        (first, _), *_ = columns = list(group)
        if above:
            cells.append(rf"\multicolumn{{{len(columns)}}}{{c}}{{{_escape_latex(above)}}}")
            rules.append(rf"\cmidrule(lr){{{first}-{columns[-1][0]}}}")
        else:
            cells += [""] * len(columns)
    return [" & ".join(cells) + r" \\", "".join(rules)] if rules else []


def _escape_latex(text: str) -> str:
    if text == NOTHING:
        return "--"
    words = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    words["≈"] = r"\ensuremath{\approx}"
    text = re.sub(r"\s+", " ", text)
    return re.sub(r"[\\~^%_&#${}≈]", lambda m: words.get(m[0], "\\" + m[0]), text)


def html(table: Table) -> Markup:
    """The table alone as an element of a page."""
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in table.headings)
    lines = []
    for row in chain(*table.blocks):
        first, *others = [c.render(escape, "<strong>{}</strong>", " ({})") for c in row]
        cells = "".join(f"<td>{text}</td>" for text in others)
        lines.append(f'<tr><th scope="row">{first}</th>{cells}</tr>\n')
    body = f"<tbody>\n{''.join(lines)}</tbody>"
    return Markup(f"<table>\n<thead><tr>{head}</tr></thead>\n{body}</table>")
