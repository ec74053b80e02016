"""The figure of parameter searches: quality on validation images against one parameter."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from workflow.config.spec import Show
from workflow.config.views import labels_of, searched, searches
from workflow.show import figures
from workflow.show.plots import Look, finish, legend, looks_of, panels


def sensitivity(job: Show, out: Path, *paths: Path) -> None:
    """Draw how the rows' PSNR on validation images depends on a parameter.

    Args:
        paths: trials (CSV) of all searches, in their order.
    """
    config, parameter = job.settings, job.name
    trials: dict[str, dict[str, pd.DataFrame]] = {}
    for (problem, row), path in zip(searches(config), paths, strict=True):
        settings = config["rows"][row]
        if parameter in settings["search"] and "like" not in settings:  # not the points of sweeps
            trials.setdefault(problem, {})[row] = pd.read_csv(path)
    labels = {problem: config["problems"][problem]["label"] for problem in trials}
    labels |= labels_of(config, [row for rows in trials.values() for row in rows])
    looks = looks_of(config, list(config["rows"]))
    drawn = sensitivity_figure(trials, labels, looks, parameter, searched(config))
    figures.save(drawn, out)


def sensitivity_figure(
    trials: dict[str, dict[str, pd.DataFrame]],
    labels: dict[str, str],
    looks: dict[str, Look],
    parameter: str,
    search: list[str],
) -> Figure:
    """Show the PSNR on validation images against a parameter, below the best, a panel per problem.

    Each line varies this parameter alone: the others have the values of its best trial.

    Args:
        trials: problem to row to trials with a column per parameter and psnr.
        labels: of problems and rows.
        looks: of rows.
        parameter: which one.
        search: all parameters that the searches vary.
    """
    columns = min(len(trials), 3)
    figure, grid = panels(-(-len(trials) // columns), columns)
    names = list(dict.fromkeys(row for rows in trials.values() for row in rows))
    shown = {}
    for axes, (problem, rows) in zip(grid.flat, trials.items(), strict=False):
        for row, frame in rows.items():
            found = frame.dropna(subset="psnr").sort_values(parameter)
            line = _varied(found, parameter, [name for name in search if name != parameter])
            if line is not None:
                below = line["psnr"] - found["psnr"].max()
                look = looks[row]._asdict()
                (shown[labels[row]],) = axes.plot(
                    line[parameter], below, markersize=3, linewidth=1, **look
                )
        axes.set_xscale("log")
        axes.set_ylim(-3, 0.2)
        finish(axes, labels[problem], parameter, "PSNR below best (dB)")
    for axes in list(grid.flat)[len(trials) :]:
        axes.set_axis_off()
    legend(figure, {labels[row]: shown[labels[row]] for row in names if labels[row] in shown})
    return figure


def _varied(trials: pd.DataFrame, parameter: str, others: list[str]) -> pd.DataFrame | None:
    """Of the trials that differ in ``parameter`` alone those around the best, if there are any."""
    others = [name for name in others if name in trials]
    groups = trials.groupby(others, dropna=False) if others else [("", trials)]
    varied = [group for _, group in groups if group[parameter].nunique() > 1]
    return max(varied, key=lambda group: group["psnr"].max(), default=None)
