"""Curves of samples: how often the truth has each rank, and how often regions cover it."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from workflow.config.views import labels_of
from workflow.score.levels import CREDIBILITIES, LEVELS, name, rank_columns
from workflow.show.looks import looks_of
from workflow.show.plots import finish, legend, panels

KINDS = {  # of coverage: heading, levels
    "coverage": ("Pixels", LEVELS),
    "low_pass": ("Low-pass", LEVELS),
    "tarp": ("TARP, blocks", CREDIBILITIES),
}


def curves(
    summary: pd.DataFrame, problems: dict[str, str], config: dict[str, Any], rows: list[str]
) -> Figure:
    """A column per problem: density of ranks (1 if calibrated), and coverage against its level.

    Args:
        summary: of ``workflow.score.sample_summary.summarise``.
        problems: name to label.
        config: of ``workflow.config.shown.part``.
        rows: names; point estimators are left out.
    """
    figure, grid = panels(1 + len(KINDS), max(len(problems), 2))
    looks, labels, shown = looks_of(config, rows), labels_of(config, rows), {}
    for k, (problem, label) in enumerate(problems.items()):
        here = summary[(summary["problem"] == problem) & (summary["samples"] > 1)]
        for _, line in here.set_index("method").reindex(rows).dropna(how="all").iterrows():
            look, count = looks[line.name], int(line["samples"])
            found = line[rank_columns(count)].to_numpy(float) * (count + 1)
            places = (np.arange(count + 1) + 0.5) / (count + 1)
            (shown[line.name],) = grid[0, k].plot(places, found, color=look.color, linewidth=1)
            for axes, (kind, (_, levels)) in zip(grid[1:, k], KINDS.items(), strict=True):
                covered = line[[name(kind, q) for q in levels]].to_numpy(float)
                axes.plot(
                    [0, *levels, 1], [0, *covered, 1], color=look.color, linewidth=1,
                    marker=look.marker if len(levels) <= len(LEVELS) else None, markersize=3,
                )  # fmt: skip
        first = k == 0
        grid[0, k].axhline(1, color="0.3", linestyle="--", linewidth=0.8)
        grid[0, k].set_ylim(bottom=0)
        finish(grid[0, k], label, "Rank of the truth", "Density" if first else "")
        for axes, (heading, _) in zip(grid[1:, k], KINDS.values(), strict=True):
            axes.plot([0, 1], [0, 1], color="0.3", linestyle="--", linewidth=0.8)
            finish(axes, heading, "Credibility", "Coverage" if first else "")
    for axes in grid[:, len(problems) :].flat:
        axes.set_axis_off()
    legend(figure, shown, columns=3, labels=labels)
    return figure
