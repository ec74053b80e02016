"""One colour and one mark for every method, in all figures and on the page."""

from typing import Any, NamedTuple

COLOURS = ("#1f77b4", "#d95f02", "#2a8a2a", "#c62828", "#7b52ab", "#8c564b", "#c2579f", "#5f6b76",
           "#7f7f00", "#0e8a9c")  # fmt: skip
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
    """What the rows of a table look like.

    Args:
        config: of ``workflow.config.shown.part``, which has the place of every row in the whole
            configuration: ten colours and seven marks in turn are alike after seventy rows only.
        place: "kin" gives a row the look of the row that it is like.
    """
    marks = list(GLYPHS)
    places = {row: config["rows"][row][place] for row in rows}
    return {r: Look(COLOURS[n % len(COLOURS)], marks[n % len(marks)]) for r, n in places.items()}
