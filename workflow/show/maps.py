"""Pictures of samples: mean, standard deviation, error, error bars and the null-space component."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from problems.datasets.base import Images
from workflow.score.calibration import BAR, bars
from workflow.show.figures import ERROR_MAP, TEXT, image_grid, inner, set_title, show_image
from workflow.show.html import panel

SIGNED_MAP = "RdBu_r"  # white where nothing is added
KINDS = {  # at the left of the figure, and on the page, where white is the largest value
    "sample": ("Sample", "a sample"),
    "mean": ("Mean", "mean"),
    "std": ("Standard\ndeviation\n0 to {error_max:g}", "standard deviation, white: {error_max:g}"),
    "error": ("Error of the\nmean, same", "error of the mean, white: {error_max:g}"),
    "bar": (
        f"Error bar,\n{100 * BAR:g} %, same",
        f"error bar of {100 * BAR:g} %, white: {{error_max:g}}",
    ),
    "unseen": (
        "Unseen part\nof the sample\n± {limit:.2g}",
        "unseen part, grey: 0, white: {limit:.2g}",
    ),
}


def maps_of(
    stored: dict[str, np.ndarray], truth: np.ndarray, scored: pd.DataFrame
) -> dict[str, np.ndarray]:
    """Images and maps (n, C, H, W) of a row by their kind; nothing if it has no result.

    Point estimators have no spread: their estimate is the sample.
    """
    if (scored["status"] != "ok").any():
        return {}
    found = {"sample": stored["samples"][:, 0], "unseen": stored["unseen"]}
    found |= {"error": np.abs(stored["mean"] - truth), "unseen_truth": stored["unseen_truth"]}
    if (scored["samples"] > 1).all():
        factor = scored["bar_scale"].to_numpy(float)[:, None, None, None]
        found |= {"mean": stored["mean"], "std": stored["std"], "bar": bars(stored["std"], factor)}
    return found


def figure(
    truth: Images,
    maps: dict[str, dict[str, np.ndarray]],
    settings: dict[str, Any],
    labels: dict[str, str],
) -> Figure:
    """Some test images, each with a line per kind of map, the truth and a column per row.

    Args:
        truth: test images.
        maps: row to what ``maps_of`` returns.
        settings: section `figures` of the configuration: images, window and largest error.
        labels: row to label.
    """
    chosen, hidden = inner(len(truth.ids), settings["images"]), _hidden(truth, maps)
    columns = [("Truth", {"sample": truth.pixels, "unseen": hidden})]
    columns += [(labels[row], found) for row, found in maps.items() if found]
    lines, aspect = len(KINDS) * len(chosen), truth.pixels.shape[2] / truth.pixels.shape[3]
    drawn, grid = image_grid(lines, len(columns), aspect)
    for k, i in enumerate(chosen):
        places = grid[k * len(KINDS) : (k + 1) * len(KINDS)]
        limit = _limit(hidden[i])
        for (label, content), column in zip(columns, places.T, strict=True):
            for axes, kind in zip(column, KINDS, strict=True):
                if kind in content:
                    _draw(axes, kind, content[kind][i], settings, limit)
            if k == 0:
                set_title(column[0], label, 15, fontsize=TEXT - 1)
        for axes, (text, _) in zip(places[:, 0], KINDS.values(), strict=True):
            text = text.format(error_max=settings["error_max"], limit=limit)
            text = f"{truth.ids[i]}\n{text}" if axes is places[0, 0] else text
            axes.text(-0.06, 0.5, text, fontsize=TEXT - 1, ha="right", va="center",
                      transform=axes.transAxes, parse_math=False)  # fmt: skip
    return drawn


def _hidden(truth: Images, maps: dict[str, dict[str, np.ndarray]]) -> np.ndarray:
    """The part of the truth that its measurement says nothing of, as every row has it."""
    return next((found["unseen_truth"] for found in maps.values() if found), truth.pixels)


def _limit(hidden: np.ndarray) -> float:
    return max(float(np.abs(hidden).max()), 1e-6)


def _draw(axes: Axes, kind: str, image: np.ndarray, settings: dict[str, Any], limit: float) -> None:
    """One image (C, H, W) as its kind is drawn."""
    if kind in ("sample", "mean"):
        show_image(axes, image, settings["window"])
    elif kind == "unseen":
        axes.imshow(image.mean(0), cmap=SIGNED_MAP, vmin=-limit, vmax=limit)
    else:
        axes.imshow(image.mean(0), cmap=ERROR_MAP, vmin=0, vmax=settings["error_max"])


def gallery(
    problem: str,
    truth: Images,
    maps: dict[str, dict[str, np.ndarray]],
    settings: dict[str, Any],
    labels: dict[str, str],
) -> list[dict[str, Any]]:
    """The same images for the page, as ``gallery.html.j2`` shows them; ``problem`` is a label."""
    items, hidden, error_max = [], _hidden(truth, maps), settings["error_max"]
    columns = [(labels[row], found) for row, found in maps.items() if found]
    columns = [("Truth", {"unseen": hidden})] * bool(columns) + columns
    for n in inner(len(truth.ids), settings["images"]):
        limit, panels = _limit(hidden[n]), {"Truth": truth.pixels[n]}
        for label, found in columns:
            for kind, (_, text) in KINDS.items():
                if kind in found:
                    said = f"{label}: {text.format(limit=limit, error_max=error_max)}"
                    panels[said] = _grey(kind, found[kind][n], limit, error_max)
        shown = [panel(label, image) for label, image in panels.items()]
        items.append({"problem": problem, "image": truth.ids[n], "panels": shown})
    return items


def _grey(kind: str, image: np.ndarray, limit: float, error_max: float) -> np.ndarray:
    """An image or a map (C, H, W) as grey values in [0, 1]."""
    if kind == "unseen":
        return 0.5 + image / (2 * limit)
    return image if kind in ("sample", "mean") else image / error_max
