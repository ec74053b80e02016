"""Quality against cost: rows at several budgets, and which of them nothing cheaper reaches."""

from itertools import cycle
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from workflow.config.spec import Show
from workflow.config.sweeps import points
from workflow.config.views import labels_of
from workflow.score.scores import read_all
from workflow.show import figures
from workflow.show.plots import STYLES, WIDTH, finish, legend

AXES = {"denoiser_calls": "Evaluations per image", "seconds": "Seconds per image"}


def budget(job: Show, out: Path, *scores: Path) -> None:
    """Draw the figure of a table that is a sweep of budgets, from the scores of its rows."""
    config, settings = job.settings, job.settings["tables"][job.name]
    problems = {p: config["problems"][p]["label"] for p in settings["problems"]}
    labels = labels_of(config, list(settings["sweep"]))
    rows = {
        labels[row]: [row, *(swept for swept, *_ in points(row, values))]
        for row, values in settings["sweep"].items()
    }
    figures.save(budget_figure(costs(read_all(scores), rows), problems), out)


def costs(images: pd.DataFrame, rows: dict[str, list[str]]) -> pd.DataFrame:
    """Mean PSNR and cost per image of every row that is complete.

    Args:
        images: scores, one row per (problem, method, seed, image).
        rows: label of a line to its rows.

    Returns:
        Columns problem, line, row, psnr, denoiser_calls, seconds.
    """
    line_of = {row: line for line, names in rows.items() for row in names}
    groups = images[images["method"].isin(line_of)].groupby(["problem", "method"])
    complete = groups["status"].agg(lambda status: (status == "ok").all())
    means = groups[["psnr", *AXES]].mean()[complete].reset_index()
    means = means.rename(columns={"method": "row"})
    return means.assign(line=means["row"].map(line_of))


def front(points: pd.DataFrame, cost: str) -> pd.DataFrame:
    """The points whose PSNR no point of the same or less cost reaches, by rising cost."""
    ordered = points.sort_values([cost, "psnr"], ascending=[True, False])
    highest = ordered["psnr"].cummax().shift(fill_value=float("-inf"))
    return ordered[ordered["psnr"] > highest]


def budget_figure(points: pd.DataFrame, problems: dict[str, str]) -> Figure:
    """Draw the PSNR against evaluations and seconds, a line of two panels per problem.

    The grey band is the Pareto front. A row that evaluates no network has its best PSNR as a
    horizontal line in the panel of evaluations.

    Args:
        points: what ``costs`` returns.
        problems: name to label.
    """
    drawn = Figure(figsize=(2 * WIDTH, 2.3 * len(problems) + 0.7), layout="constrained")
    panels = drawn.subplots(len(problems), len(AXES), squeeze=False)
    lines = list(dict.fromkeys(points["line"]))
    styles = dict(zip(lines, cycle(STYLES), strict=False))
    shown = {}
    for line_of_panels, (problem, title) in zip(panels, problems.items(), strict=True):
        here = points[points["problem"] == problem]
        for axes, (cost, label) in zip(line_of_panels, AXES.items(), strict=True):
            counted = here[here[cost] > 0]
            best = front(counted, cost)
            axes.step(
                best[cost], best["psnr"], where="post", color="0.85", linewidth=6, zorder=0,
                solid_joinstyle="round",
            )  # fmt: skip
            for line in lines:
                style, marker = styles[line]
                look = {"color": f"C{lines.index(line) % 10}", "linestyle": style, "linewidth": 1.2}
                of_line = counted[counted["line"] == line].sort_values(cost)
                if len(of_line):
                    (shown[line],) = axes.plot(
                        of_line[cost], of_line["psnr"], marker=marker, markersize=3.5, **look
                    )
                elif (here["line"] == line).any():
                    axes.axhline(here.loc[here["line"] == line, "psnr"].max(), **look)
            axes.set_xscale("log")
            # Some samplers with few evaluations are far below everything else.
            if len(here):
                high = here["psnr"].max()
                axes.set_ylim(max(here["psnr"].min(), high - 12) - 0.5, high + 0.8)
            finish(axes, title, label, "PSNR (dB)")
    legend(drawn, {line: shown[line] for line in lines if line in shown}, columns=3)
    return drawn
