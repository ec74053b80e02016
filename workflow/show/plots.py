"""Plots: scores against a number that rows differ in, and networks against training time."""

from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

WIDTH = 3.4  # inches, a column of a page; twice that for more than two panels side by side
TEXT = 7  # points
STYLES = (("-", "o"), ("--", "s"), ("-.", "^"), (":", "D"))  # readable without colour


def series_figure(
    images: pd.DataFrame,
    problems: dict[str, str],
    series: dict[str, list[tuple[float, str]]],
    label: str,
) -> Figure:
    """Show the mean PSNR of rows against a number, a panel per problem.

    Bars are standard errors over images for the comparison of points within a panel: what is common
    to all points of an image (some images are harder) is taken out first (Cousineau, Tutorials in
    Quantitative Methods for Psychology 2005; factor of Morey, ibid. 2008).

    Args:
        images: scores, one row per (problem, method, image).
        problems: name to label.
        series: label to points (number, row).
        label: of the horizontal axis.
    """
    figure, panels = _panels(1, len(problems))
    for axes, (problem, title) in zip(panels[0], problems.items(), strict=True):
        done = images[(images["problem"] == problem) & (images["status"] == "ok")]
        psnr = done.pivot_table("psnr", "image", "method", aggfunc="mean")
        rows = [row for points in series.values() for _, row in points if row in psnr]
        psnr = psnr[list(dict.fromkeys(rows))].dropna()
        centred = psnr.sub(psnr.mean(axis=1), axis=0)
        count = max(len(centred.columns), 2)
        error = centred.sem() * (count / (count - 1)) ** 0.5
        for (line, marker), (name, points) in zip(cycle(STYLES), series.items(), strict=False):
            shown = [(x, row) for x, row in points if row in psnr]
            axes.errorbar(
                [x for x, _ in shown],
                [psnr[row].mean() for _, row in shown],
                [error[row] for _, row in shown],
                linestyle=line,
                marker=marker,
                markersize=4,
                linewidth=1.2,
                capsize=2,
                label=name,
            )
        numbers = sorted({x for points in series.values() for x, _ in points})
        if min(numbers) > 0:
            axes.set_xscale("log")
        axes.set_xticks(numbers, labels=[f"{x:g}" for x in numbers])
        axes.xaxis.set_minor_formatter(NullFormatter())
        finish(axes, title if len(problems) > 1 else "", label, "PSNR (dB)")
        axes.legend(fontsize=TEXT, frameon=False)
    return figure


def validation_figure(curves: dict[str, dict[str, pd.DataFrame]]) -> Figure:
    """Show the PSNR of networks as denoisers of validation images against training time.

    Args:
        curves: dataset to network to frame with columns seconds and sigma_<noise level>.
    """
    frames = [frame for networks in curves.values() for frame in networks.values()]
    levels = [column for column in frames[0] if column.startswith("sigma_")]
    figure, panels = _panels(len(levels), len(curves))
    shown = {}
    for column, (dataset, networks) in zip(panels.T, curves.items(), strict=True):
        for axes, level in zip(column, levels, strict=True):
            for number, (name, frame) in enumerate(networks.items()):
                style = {"linestyle": STYLES[number % len(STYLES)][0], "color": f"C{number}"}
                if frame[level].notna().any():
                    (shown[name],) = axes.plot(
                        frame["seconds"], frame[level], linewidth=1.2, **style
                    )
            sigma = level.removeprefix("sigma_")
            finish(axes, f"{dataset}, noise {sigma}", "Training time (s)", "PSNR (dB)")
    figure.legend(
        shown.values(), shown, loc="outside lower center", ncols=4, fontsize=TEXT, frameon=False
    )
    return figure


def sensitivity_figure(
    trials: dict[str, dict[str, pd.DataFrame]],
    labels: dict[str, str],
    parameter: str,
    search: list[str],
) -> Figure:
    """Show the PSNR on validation images against a parameter, below the best, a panel per problem.

    Each line varies this parameter alone: the others have the values of its best trial.

    Args:
        trials: problem to row to trials with a column per parameter and psnr.
        labels: of problems and rows.
        parameter: which one.
        search: all parameters that the searches vary.
    """
    columns = min(len(trials), 3)
    figure, panels = _panels(-(-len(trials) // columns), columns)
    names = list(dict.fromkeys(row for rows in trials.values() for row in rows))
    shown = {}
    for axes, (problem, rows) in zip(panels.flat, trials.items(), strict=False):
        for row, frame in rows.items():
            others = [name for name in search if name in frame and name != parameter]
            lines = frame.dropna(subset="psnr").sort_values(parameter)
            groups = lines.groupby(others, dropna=False) if others else [("", lines)]
            varied = [group for _, group in groups if group[parameter].nunique() > 1]
            if varied:
                line = max(varied, key=lambda group: group["psnr"].max())
                number = names.index(row)
                style, marker = STYLES[number % len(STYLES)]
                (shown[row],) = axes.plot(
                    line[parameter],
                    line["psnr"] - lines["psnr"].max(),
                    color=f"C{number % 10}",
                    linestyle=style,
                    marker=marker,
                    markersize=3,
                    linewidth=1,
                )
        axes.set_xscale("log")
        axes.set_ylim(-3, 0.2)
        finish(axes, labels[problem], parameter, "PSNR below best (dB)")
    for axes in list(panels.flat)[len(trials) :]:
        axes.set_axis_off()
    if shown:
        shown = {labels[row]: shown[row] for row in names if row in shown}
        figure.legend(
            shown.values(), shown, loc="outside lower center", ncols=4, fontsize=TEXT, frameon=False
        )
    return figure


def difference_figure(rows: list[tuple[str, float, float]], reference: str) -> Figure:
    """Show differences to the row ``reference`` with their 95 % intervals, a line per row.

    The scale is linear up to 1 dB and logarithmic beyond.

    Args:
        rows: label, mean difference of the PSNR and half the width of its interval, in dB.
    """
    figure = Figure(figsize=(WIDTH, 0.6 + 0.17 * len(rows)), layout="constrained")
    axes = figure.subplots()
    places = range(len(rows), 0, -1)
    for place, (_, mean, wide) in zip(places, rows, strict=True):
        filled = "C0" if abs(mean) > wide else "white"
        axes.errorbar(
            mean, place, xerr=wide, color="C0", marker="o", markersize=4,
            markerfacecolor=filled, capsize=2, linewidth=1,
        )  # fmt: skip
    axes.axvline(0, color="0.3", linewidth=0.8)
    axes.set_xscale("symlog", linthresh=1, linscale=1)
    low = min(mean - wide for _, mean, wide in rows)
    high = max(mean + wide for _, mean, wide in rows)
    ticks = [x for x in (-10, -3, -1, 0, 1, 3, 10) if min(low, -1) <= x <= max(high, 1)]
    axes.set_xticks(ticks, labels=[f"{x:g}" for x in ticks])
    axes.minorticks_off()
    axes.set_yticks(list(places), labels=[label for label, _, _ in rows], parse_math=False)
    finish(axes, "", f"PSNR minus that of {reference} (dB)", "")
    return figure


def cost_figure(rows: list[tuple[str, float, float]]) -> Figure:
    """Show PSNR against seconds per image, a numbered marker per row and the legend of numbers.

    Args:
        rows: label, seconds per image and PSNR in dB; less than 10 ms counts as that.
    """
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    axes = figure.subplots()
    for number, (label, seconds, psnr) in enumerate(rows, 1):
        axes.plot(
            max(seconds, 1e-2), psnr, marker=f"${number}$", markersize=6 if number < 10 else 9,
            linestyle="none", color=f"C{number % 10}", label=label,
        )  # fmt: skip
    axes.set_xscale("log")
    finish(axes, "", "Seconds per image", "PSNR (dB)")
    figure.legend(loc="outside lower center", ncols=2, fontsize=TEXT - 1, frameon=False)
    return figure


def _panels(lines: int, columns: int) -> tuple[Figure, np.ndarray]:
    size = WIDTH if columns <= 2 else 2 * WIDTH, (2.2 if columns == 1 else 1.6) * lines
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(lines, columns, squeeze=False)


def finish(axes: Axes, title: str, x: str, y: str) -> None:
    """Title, labels, ticks and grid of a panel."""
    axes.set_title(title, fontsize=TEXT + 1, parse_math=False)
    axes.set_xlabel(x, fontsize=TEXT + 1)
    axes.set_ylabel(y, fontsize=TEXT + 1)
    axes.tick_params(which="both", labelsize=TEXT, width=0.5)
    axes.grid(which="major", linewidth=0.3, color="0.8")
    axes.spines[["top", "right"]].set_visible(False)
