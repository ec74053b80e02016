"""Tables and figure of rows against posteriors that are known exactly."""

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from workflow.config.spec import Show
from workflow.score.exact import MEAN_LIMIT, SPREAD_LIMIT, agrees
from workflow.show import figures
from workflow.show.cells import NOTHING, Cell, Table, cell, save, write_csv
from workflow.show.plots import finish, legend, look, panels

TIMES = ["seconds"]  # columns that differ from run to run
MOMENTS = (
    "{prior} prior, {size} pixels: mean and spread at the most evaluations that a row has. A cell "
    "is the distance of the mean of {samples} samples from the posterior mean in % of its norm, "
    "without what chance adds / mean over pixels of the standard deviation over the exact one / "
    "accuracy of a classifier that tells the samples from exact ones (0.5: it cannot). Bold: mean "
    f"within {100 * MEAN_LIMIT:g} % and spread within {100 * SPREAD_LIMIT:g} %. Point estimators "
    "have the first number only, the root mean square of single estimates."
)
DISTANCES = (
    "{prior} prior: distance of the means over the norm of the posterior's standard deviations / "
    "sliced Wasserstein distance to exact samples, in standard deviations of the posterior / "
    "signed root of the kernel Stein discrepancy. The first line is what exact samples have by "
    "chance."
)


def exact(job: Show, out: Path, *scores: Path) -> None:
    """Write tables/exact.csv (``out``), .md and .json and figures/exact.png."""
    settings = job.settings
    order = {"prior": settings["priors"], "problem": settings["problems"]}
    order["row"] = ["exact", *settings["rows"]]
    frame = pd.concat([pd.read_csv(path) for path in scores], ignore_index=True)
    frame = frame.sort_values(list(order), key=lambda of: of.map(list(order[of.name]).index))
    write_csv(out.parent, "exact", frame.drop(columns=TIMES))
    write_csv(out.parent, "exact_cost", frame[["prior", "problem", "row", "evaluations", *TIMES]])
    save(out.parent, "exact", tables(frame, settings))
    figures.save(distance_figure(frame, settings), out.parents[1] / "figures" / "exact.png")


def tables(frame: pd.DataFrame, settings: dict[str, Any]) -> dict[str, Table]:
    """Two tables per prior, of the scores at the most evaluations of every row."""
    last = frame.groupby(["prior", "problem", "row"], sort=False).tail(1)
    lines = {(x["prior"], x["problem"], x["row"]): x for x in last.to_dict("records")}
    labels, found = {"exact": "Exact samples", **settings["rows"]}, {}
    samplers = set(frame.loc[~frame["point"].astype(bool), "row"])
    filled = {"samples": settings["samples"], "size": " x ".join(map(str, settings["size"]))}
    header = [("", "Method"), *(("", name) for name in settings["problems"].values())]
    for prior, label in settings["priors"].items():
        for kind, text, content, shown in (
            ("moments", MOMENTS, _moments, labels),
            ("distances", DISTANCES, _distances, [row for row in labels if row in samplers]),
        ):
            rows = []
            for row in shown:
                own = (lines.get((prior, problem, row), {}) for problem in settings["problems"])
                rows.append([cell(labels[row]), *map(content, own)])
            caption = text.format(prior=label, **filled)
            align = "l" + "r" * len(settings["problems"])
            found[f"{prior} {kind}"] = Table(header, [rows[:1], rows[1:]], align, caption)
    return found


def _moments(line: dict[str, Any]) -> Cell:
    if line.get("status") != "ok":
        return cell(line.get("status", NOTHING))
    mean = f"{100 * line['mean_error']:.1f}"
    if line["point"]:
        return cell(mean)
    text = f"{mean} / {line['spread_ratio']:.2f} / {line['c2st']:.2f}"
    return Cell([(text, agrees(line))])


def _distances(line: dict[str, Any]) -> Cell:
    if line.get("status") != "ok":
        return cell(line.get("status", NOTHING))
    names = ("mean_shift", "sliced_wasserstein", "kernel_stein")
    return cell(" / ".join(f"{line[name]:.2f}" for name in names))


def distance_figure(frame: pd.DataFrame, settings: dict[str, Any]) -> Figure:
    """Sliced Wasserstein distance against evaluations, a panel per prior and problem.

    The dashed line is the floor: the distance of two sets of exact samples.
    """
    priors, problems = settings["priors"], settings["problems"]
    figure, grid = panels(len(priors), len(problems))
    places, shown = list(settings["rows"]), {}
    evaluations = frame.loc[frame["evaluations"] > 0, "evaluations"]
    ticks = [evaluations.min(), evaluations.max()]
    for line, (prior, prior_label) in zip(grid, priors.items(), strict=True):
        for axes, (problem, label) in zip(line, problems.items(), strict=True):
            here = frame[(frame["prior"] == prior) & (frame["problem"] == problem)]
            here = here[(here["status"] == "ok") & ~here["point"].astype(bool)]
            for row, points in here.groupby("row", sort=False):
                if row == "exact":
                    floor = points["sliced_wasserstein"].iloc[0]
                    shown["Exact samples"] = axes.axhline(floor, color="0.3", linestyle="--")
                    continue
                (shown[settings["rows"][row]],) = axes.plot(
                    points["evaluations"], points["sliced_wasserstein"], linewidth=1.2,
                    markersize=4, **look(places.index(row))._asdict(),
                )  # fmt: skip
            axes.set(xscale="log", yscale="log")
            axes.set_xticks(ticks, labels=[f"{x:g}" for x in ticks])
            axes.xaxis.set_minor_formatter(NullFormatter())
            first = axes is line[0]
            finish(axes, f"{prior_label}\n{label}", "Evaluations", "Sliced W2" if first else "")
    legend(figure, shown, columns=3)
    return figure
