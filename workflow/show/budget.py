"""Quality against cost: rows at several budgets, and the Pareto front."""

from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from workflow.config.layers import point_name
from workflow.config.views import labels_of
from workflow.score.summary import complete
from workflow.show.contents import problem_labels
from workflow.show.plots import TEXT, WIDTH, Look, finish, legend, looks_of

AXES = {"denoiser_calls": "Evaluations per image", "seconds": "Seconds per image"}
FAST = 0.01  # seconds; what takes less is a line across the figure
LABELLED = 8  # points of a front that have a label at most, the best ones


def costs(images: pd.DataFrame, rows: dict[str, list[str]]) -> pd.DataFrame:
    """Mean PSNR and cost per image of every row that is complete.

    Args:
        images: scores, one row per (problem, method, seed, image).
        rows: first row of a line to all its rows.

    Returns:
        Columns problem, line, row, psnr, denoiser_calls, seconds.
    """
    line_of = {row: line for line, names in rows.items() for row in names}
    columns = ["psnr", *AXES]
    found = [
        {"problem": problem, "line": line_of[row], "row": row, **done[columns].mean()}
        for problem, of_problem in images.groupby("problem")
        for row, done in complete(of_problem, line_of, columns).items()
    ]
    return pd.DataFrame(found, columns=["problem", "line", "row", *columns])


def front(points: pd.DataFrame, cost: str) -> pd.DataFrame:
    """The Pareto front: points with a higher PSNR than all cheaper ones, by rising cost."""
    ordered = points.sort_values([cost, "psnr"], ascending=[True, False])
    highest = ordered["psnr"].cummax().shift(fill_value=float("-inf"))
    return ordered[ordered["psnr"] > highest]


def budget_figure(config: dict[str, Any], table: str, images: pd.DataFrame) -> Figure:
    """Draw the PSNR of a table against evaluations and seconds, a line of panels per problem.

    The grey band is the Pareto front. A row that evaluates no network has its best PSNR as a
    horizontal line in the panel of evaluations.

    Args:
        config: whose table has a `sweep`: row to parameter to its values.
        table: name.
        images: scores, one row per (problem, method, seed, image).
    """
    settings = config["tables"][table]
    problems, sweep = problem_labels(config, settings["problems"]), settings["sweep"]
    points = costs(images, {
        row: [row, *(point_name(row, axis, v) for axis in values for v in values[axis])]
        for row, values in sweep.items()
    })  # fmt: skip
    looks, labels = looks_of(config, list(sweep)), labels_of(config, list(sweep))
    drawn = Figure(figsize=(2 * WIDTH, 2.3 * len(problems) + 0.7), layout="constrained")
    panels = drawn.subplots(len(problems), len(AXES), squeeze=False)
    lines = list(dict.fromkeys(points["line"]))
    shown = {}
    for line_of_panels, (problem, title) in zip(panels, problems.items(), strict=True):
        here = points[points["problem"] == problem]
        for axes, (cost, label) in zip(line_of_panels, AXES.items(), strict=True):
            counted = here[here[cost] > 0]
            _band(axes, front(counted, cost), cost)
            for line in lines:
                look = {"color": looks[line].color, "linewidth": 1.2}
                of_line = counted[counted["line"] == line].sort_values(cost)
                if len(of_line):
                    (shown[line],) = axes.plot(
                        of_line[cost], of_line["psnr"], marker=looks[line].marker, markersize=4,
                        **look,
                    )  # fmt: skip
                elif (here["line"] == line).any():
                    axes.axhline(here.loc[here["line"] == line, "psnr"].max(), **look)
            axes.set_xscale("log")
            # Some samplers with few evaluations are far below everything else.
            if len(here):
                high = here["psnr"].max()
                axes.set_ylim(max(here["psnr"].min(), high - 12) - 0.5, high + 0.8)
            finish(axes, title, label, "PSNR (dB)")
    shown = {line: shown[line] for line in lines if line in shown}
    legend(drawn, shown, columns=3, labels=labels)
    return drawn


def cost_figure(points: pd.DataFrame, labels: dict[str, str], looks: dict[str, Look]) -> Figure:
    """Draw PSNR against seconds per image, a mark per row, and name the rows of the Pareto front.

    A row of less than ``FAST`` seconds is a line, with its mark at the left end: its place on the
    axis would be far from all others. A name ends above its mark and above the name before it: left
    of and above a point of the front there are no marks to cover.

    Args:
        points: seconds and psnr of every row (index).
        labels: row to name, as are looks.
    """
    figure = Figure(figsize=(WIDTH, 2.3))
    axes = figure.add_axes((0.16, 0.17, 0.82, 0.81))
    timed = points[points["seconds"] >= FAST]
    timed = timed if len(timed) else points
    for row, (seconds, psnr) in points[["seconds", "psnr"]].iterrows():
        text = f"{row}|{labels[row]}: {psnr:.2f} dB in {seconds:.2g} s"
        style = {"markersize": 5, "gid": text, **looks[row]._asdict()}
        if row in timed.index:
            axes.plot(seconds, psnr, linestyle="none", **style)
        else:
            across = {"linestyle": ":", "linewidth": 1, "markevery": [0], "clip_on": False}
            axes.plot([0, 1], [psnr, psnr], transform=axes.get_yaxis_transform(), **across, **style)
    best = front(points, "seconds")
    best = best[best.index.isin(timed.index)].tail(LABELLED)
    _band(axes, best, "seconds")
    names = [
        axes.annotate(
            "\n".join(wrap(labels[row], 26)), place, (-3, 3), textcoords="offset points",
            annotation_clip=False, parse_math=False, ha="right", fontsize=TEXT,
            color=looks[row].color,
        )
        for row, *place in best[["seconds", "psnr"]].itertuples()
    ]  # fmt: skip
    # Limits at which the names fit: a name takes a share of the height and of the width.
    boxes, area = [name.get_window_extent() for name in names], axes.get_window_extent()
    heights = np.array([1.1 * box.height / area.height for box in boxes])
    widths = np.array([(box.width + 8) / area.width for box in boxes])
    above, margin = heights[::-1].cumsum()[::-1] + 0.03, 0.05 * np.ptp(points["psnr"]) or 1.0
    low = points["psnr"].min() - margin
    high = max([points["psnr"].max() + margin, *(best["psnr"] - above * low) / (1 - above)])
    first, last = np.log10([timed["seconds"].min() / 1.3, timed["seconds"].max() * 1.3])
    first = min([first, *(np.log10(best["seconds"]) - widths * last) / (1 - widths)])
    axes.set(xscale="log", xlim=(10**first, 10**last), ylim=(low, high))
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if last - first > 2 else (1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    free = low
    for name, height in zip(names, heights * (high - low), strict=True):
        name.xy = (name.xy[0], max(name.xy[1], free))
        free = name.xy[1] + height
    finish(axes, "", AXES["seconds"], "PSNR (dB)")
    return figure


def _band(axes: Axes, best: pd.DataFrame, cost: str) -> None:
    axes.step(
        best[cost], best["psnr"], where="post", color="0.85", linewidth=6, zorder=0,
        solid_joinstyle="round",
    )  # fmt: skip
