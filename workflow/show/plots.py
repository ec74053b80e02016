"""Plots of scores, and what all plots share: one colour and one mark for every method, panels."""

from collections.abc import Mapping
from itertools import cycle
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from workflow.score.summary import Mean, within
from workflow.show.contents import problem_labels

WIDTH = 3.4  # inches, a column of a page; twice that for more than two panels side by side
TEXT = 7  # points
STYLES = ("-", "--", "-.", ":")  # readable without colour
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


def look(place: int) -> Look:
    """The look at a place: the pairs of 13 colours and 7 marks repeat after 91."""
    return Look(COLOURS[place % len(COLOURS)], list(GLYPHS)[place % len(GLYPHS)])


def looks_of(config: dict[str, Any], rows: list[str], place: str = "place") -> dict[str, Look]:
    """Colour and mark of every row of a table.

    Args:
        config: of ``workflow.config.shown.part``, which has the place of every row in the whole
            configuration.
        place: "kin" gives a row the look of the row that it varies.
    """
    return {row: look(config["rows"][row][place]) for row in rows}


def series_figure(config: dict[str, Any], table: str, images: pd.DataFrame) -> Figure:
    """Show the mean PSNR of the rows of a table against a number, a panel per problem.

    Bars are 95 % intervals for comparing points within a panel (``summary.within``).

    Args:
        config: whose table has a `plot`: label to points (value, row); a value that is no number
            ("all") stands last.
        table: name.
        images: scores, one row per (problem, method, image).
    """
    settings, label = config["tables"][table], config["tables"][table]["plot"]["label"]
    problems, series = problem_labels(config, settings["problems"]), settings["plot"]["series"]
    looks = looks_of(config, [points[0][1] for points in series.values()], "kin")
    figure, grid = panels(1, len(problems))
    at = positions([x for points in series.values() for x, _ in points])
    for axes, (problem, title) in zip(grid[0], problems.items(), strict=True):
        rows = [row for points in series.values() for _, row in points]
        means = within(images[images["problem"] == problem], rows, "psnr")
        for line, (name, points) in zip(cycle(STYLES), series.items(), strict=False):
            shown = [(x, means[row]) for x, row in points if row in means]
            axes.errorbar(
                [at[x] for x, _ in shown], [m.value for _, m in shown], [m.half for _, m in shown],
                linestyle=line, markersize=4, linewidth=1.2, capsize=2, label=name,
                **looks[points[0][1]]._asdict(),
            )  # fmt: skip
        if min(at.values()) > 0:
            axes.set_xscale("log")
        axes.set_xticks(list(at.values()), labels=[str(x) for x in at])
        axes.xaxis.set_minor_formatter(NullFormatter())
        finish(axes, title if len(problems) > 1 else "", label, "PSNR (dB)")
        axes.legend(fontsize=TEXT, frameon=False)
    return figure


def positions(values: list[float | str]) -> dict[float | str, float]:
    """Places of values on an axis, in order: numbers at themselves, words behind them.

    Raises:
        ValueError: no value is a number.
    """
    numbers = sorted({x for x in values if not isinstance(x, str)})
    if not numbers:
        raise ValueError("a plot needs numbers: no value of its axis is one")
    found: dict[float | str, float] = {x: x for x in numbers}
    for word in dict.fromkeys(x for x in values if isinstance(x, str)):
        last = max(found.values())
        found[word] = 2 * last if numbers[0] > 0 else last + 1
    return found


def difference_figure(
    rows: dict[str, Mean], labels: dict[str, str], looks: dict[str, Look], axis: str
) -> Figure:
    """Show differences with their 95 % intervals, a line per row.

    The scale is linear up to 1 dB and logarithmic beyond.

    Args:
        rows: difference of the PSNR, in dB.
        labels: row to name, as are looks.
        axis: what is subtracted from what.
    """
    names = ["\n".join(wrap(labels[row], 28)) for row in rows]
    lines = sum(1 + name.count("\n") for name in names)
    figure = Figure(figsize=(WIDTH, 0.6 + 0.17 * lines), layout="constrained")
    axes = figure.subplots()
    places = range(len(rows), 0, -1)
    for place, (row, mean) in zip(places, rows.items(), strict=True):
        color, marker = looks[row]
        style = {"color": color, "markerfacecolor": color if mean.resolved else "white"}
        axes.errorbar(
            mean.value, place, xerr=mean.half, fmt="none", color=color, capsize=2, linewidth=1
        )
        axes.plot(
            mean.value, place, marker, markersize=5, **style,
            gid=f"{row}|{labels[row]}: {mean.value:+.2f} ± {mean.half:.2f} dB",
        )  # fmt: skip
    axes.axvline(0, color="0.3", linewidth=0.8)
    axes.set_xscale("symlog", linthresh=1, linscale=1)
    low = min(mean.value - mean.half for mean in rows.values())
    high = max(mean.value + mean.half for mean in rows.values())
    ticks = [x for x in (-10, -3, -1, 0, 1, 3, 10) if min(low, -1) <= x <= max(high, 1)]
    axes.set_xticks(ticks, labels=[f"{x:g}" for x in ticks])
    axes.minorticks_off()
    axes.set_yticks(list(places), labels=names, parse_math=False)
    finish(axes, "", axis, "")
    return figure


def panels(lines: int, columns: int) -> tuple[Figure, np.ndarray]:
    """A figure of equal panels."""
    size = WIDTH if columns <= 2 else 2 * WIDTH, (2.2 if columns == 1 else 1.6) * lines
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(lines, columns, squeeze=False)


def legend(
    figure: Figure,
    shown: Mapping[str, Artist],
    columns: int = 4,
    labels: Mapping[str, str] | None = None,
) -> None:
    """One legend for all panels, below them; ``labels`` of the names in ``shown``."""
    if shown:
        figure.legend(
            shown.values(), [(labels or {}).get(name, name) for name in shown],
            loc="outside lower center", ncols=columns, fontsize=TEXT,
            frameon=False,
        )  # fmt: skip


def finish(axes: Axes, title: str, x: str, y: str) -> None:
    """Title, labels, ticks and grid of a panel."""
    axes.set_title(title, fontsize=TEXT + 1, parse_math=False)
    axes.set_xlabel(x, fontsize=TEXT + 1)
    axes.set_ylabel(y, fontsize=TEXT + 1)
    axes.tick_params(which="both", labelsize=TEXT, width=0.5)
    axes.grid(which="major", linewidth=0.3, color="0.8")
    axes.spines[["top", "right"]].set_visible(False)
