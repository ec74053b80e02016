"""Maps of samples: mean, standard deviation, error, error bars and the null-space component."""

from collections.abc import Iterable
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from problems.datasets.base import Images
from workflow.score.calibration import bars
from workflow.score.levels import BAR
from workflow.score.scores import read_scores
from workflow.show.figures import ERROR_MAP, TEXT, image_grid, inner, save, show_image
from workflow.store.arrays import load_arrays

SIGNED_MAP = "RdBu_r"  # white where nothing is added
LINES = {  # of the figure: what stands at their left
    "sample": "Sample",
    "mean": "Mean",
    "std": "Standard\ndeviation",
    "error": "Error of the\nmean, same",
    "bar": f"Error bar,\n{100 * BAR:g} %, same",
    "unseen": "Unseen part\nof the sample",
}


def draw(
    config: dict[str, Any],
    truth: Images,
    maps: dict[str, dict[str, np.ndarray]],
    labels: dict[str, str],
    out: Path,
) -> None:
    """Draw some test images with ``maps`` of rows (``read_maps``)."""
    settings, shown = config["figures"], {row: found for row, found in maps.items() if found}
    chosen = inner(len(truth.ids), settings["images"])
    titles = [truth.ids[i] for i in chosen]
    save(figure(truth.pixels, shown, chosen, titles, settings, labels), out, colours=None)


def read_maps(
    run: Path, problem: str, rows: Iterable[str], truth: Images
) -> dict[str, dict[str, np.ndarray]]:
    """Maps of the rows of a run (results/<name>) on a problem, by row (``maps_of``)."""
    return {
        row: maps_of(
            load_arrays(run / "reconstructions" / problem / f"{row}.npz"),
            truth.pixels,
            read_scores(run / "scores" / problem / f"{row}.csv"),
        )
        for row in rows
    }


def maps_of(
    stored: dict[str, np.ndarray], truth: np.ndarray, scored: pd.DataFrame
) -> dict[str, np.ndarray]:
    """Images and maps (n, C, H, W) of a row by their line; nothing if it has no result.

    Point estimators have no spread: their estimate is the sample.
    """
    if (scored["status"] != "ok").any():
        return {}
    found = {"sample": stored["samples"][:, 0], "unseen": stored["unseen"]}
    found |= {"error": np.abs(stored["mean"] - truth), "unseen_truth": stored["unseen_truth"]}
    if (scored["samples"] > 1).all():
        factor = scored["bar_scale"].to_numpy()[:, None, None, None]
        found |= {"mean": stored["mean"], "std": stored["std"], "bar": bars(stored["std"], factor)}
    return found


def figure(
    truth: np.ndarray,
    shown: dict[str, dict[str, np.ndarray]],
    chosen: list[int],
    titles: list[str],
    settings: dict[str, Any],
    labels: dict[str, str] | None = None,
) -> Figure:
    """Six lines per image, the truth and a column per row.

    Args:
        truth: (n, C, H, W) in [0, 1].
        shown: row to what ``maps_of`` returns.
        chosen: numbers of the images.
        titles: their names.
        settings: section `figures` of the configuration: window and largest error.
        labels: row to label; without them a row is its own label.
    """
    lines = len(LINES)
    drawn, grid = image_grid(lines * len(chosen), 1 + len(shown), truth.shape[2] / truth.shape[3])
    for k, i in enumerate(chosen):
        places = grid[k * lines : (k + 1) * lines]
        hidden = next(iter(shown.values()))["unseen_truth"][i] if shown else truth[i]
        limit = max(float(np.abs(hidden).max()), 1e-6)
        first = {"sample": truth[i], "unseen": hidden}
        names = labels or {row: row for row in shown}
        columns = [("Truth", None), *((names[row], maps) for row, maps in shown.items())]
        for j, (label, content) in enumerate(columns):
            for axes, line in zip(places[:, j], LINES, strict=True):
                found = first.get(line) if content is None else content.get(line)
                if content is not None and found is not None:
                    found = found[i]
                _draw(axes, line, found, settings, limit)
            if k == 0:
                title = "\n".join(wrap(label, 15, break_long_words=False, break_on_hyphens=False))
                places[0, j].set_title(title, fontsize=TEXT - 1, pad=3, parse_math=False)
        for axes, (line, label) in zip(places[:, 0], LINES.items(), strict=True):
            text = f"{titles[k]}\n{label}" if line == "sample" else label
            text += {"std": f"\n0 to {settings['error_max']:g}", "unseen": f"\n± {limit:.2g}"}.get(
                line, ""
            )
            axes.text(-0.06, 0.5, text, fontsize=TEXT - 1, ha="right", va="center",
                      transform=axes.transAxes, parse_math=False)  # fmt: skip
    return drawn


def _draw(
    axes: Axes, line: str, image: np.ndarray | None, settings: dict[str, Any], limit: float
) -> None:
    """One image (C, H, W) as its line is drawn."""
    if image is None:
        return
    if line in ("sample", "mean"):
        show_image(axes, image, tuple(settings["window"]))
    elif line == "unseen":
        axes.imshow(image.mean(0), cmap=SIGNED_MAP, vmin=-limit, vmax=limit)
    else:
        axes.imshow(image.mean(0), cmap=ERROR_MAP, vmin=0, vmax=settings["error_max"])
