"""One colour and one mark for every method, in all figures and on the page."""

from typing import Any, NamedTuple

COLOURS = ("#1f77b4", "#d95f02", "#2a8a2a", "#8c564b", "#7b52ab", "#5f6b76", "#c2579f", "#7f7f00",
           "#0e8a9c", "#111111", "#c79100", "#c62828", "#1a237e")  # fmt: skip
GLYPHS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "*": "★", "P": "✚"}  # marks as text


class Look(NamedTuple):
    """Colour and mark, as Matplotlib names them."""

    color: str
    marker: str

    @property
    def glyph(self) -> str:
        """The mark as text."""
        return GLYPHS[self.marker]


def looks_of(config: dict[str, Any], rows: list[str], place: str = "place") -> dict[str, Look]:
    """Colour and mark of every row of a table.

    Args:
        config: of ``workflow.config.shown.part``, which has the place of every row in the whole
            configuration: the pairs of 13 colours and 7 marks repeat after 91 rows.
        place: "kin" gives a row the look of the row that it varies.
    """
    marks = list(GLYPHS)
    places = {row: config["rows"][row][place] for row in rows}
    return {r: Look(COLOURS[n % len(COLOURS)], marks[n % len(marks)]) for r, n in places.items()}
