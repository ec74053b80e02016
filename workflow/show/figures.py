"""Figures of images: reconstructions and their errors."""

from collections.abc import Sequence
from io import BytesIO
from math import ceil
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from PIL import Image

from problems.datasets.base import evenly_spaced
from workflow.config.views import labels_of, rows_of
from workflow.show.contents import test_images
from workflow.store.arrays import load_arrays
from workflow.store.files import replacing
from workflow.store.images import load_images

WIDTH = 7.0  # inches, the text width of a page
PANEL = 1.6  # inches, widest image
COLUMNS = 7  # more methods continue on a further pair of lines
GAP = 0.04  # inches between images
LINE = 0.13  # inches, one line of text
TEXT = 7  # points
TRUTH = ""  # in the place of a row
ERROR_MAP = "inferno"  # its lightness rises steadily, so it reads in grey


def figure(
    config: dict[str, Any], table: str, problem: str, scores: pd.DataFrame, run: Path
) -> None:
    """Draw reconstructions of a few test images by the rows of a table, with error maps.

    Args:
        scores: of single images, of the rows and controls of the table.
        run: results/<name>, with images and reconstructions; the figure is written to
            figures/<table>/<problem>.png.
    """
    truth, settings = load_images(test_images(config, run, problem)), config["figures"]
    chosen = inner(len(truth.ids), settings["images"])
    ids = [truth.ids[i] for i in chosen]
    shown, captions, labels = {}, {}, labels_of(config, rows_of(config, table))
    first = scores[(scores["problem"] == problem) & (scores["seed"] == 0)]
    for row in labels:
        of_row = first[first["method"] == row].set_index("image")
        if of_row["status"].iloc[0] == "ok":
            path = run / "reconstructions" / problem / f"{row}.npz"
            shown[row] = load_arrays(path)["x_hat"][chosen]
            captions[row] = [score_text(line) for _, line in of_row.loc[ids].iterrows()]
    drawn = reconstruction_figure(truth.pixels[chosen], shown, settings, ids, captions, labels)
    out = run / "figures" / table / f"{problem}.png"
    save(drawn, out, colours=256 if truth.pixels.shape[1] == 1 else None)


def score_text(line: pd.Series) -> str:
    """What stands below an image: 33.57 dB / 0.854."""
    return f"{line['psnr']:.2f} dB / {line['ssim']:.3f}"


def reconstruction_figure(
    truth: np.ndarray,
    reconstructions: dict[str, np.ndarray],
    settings: dict[str, Any],
    titles: list[str],
    scores: dict[str, list[str]],
    labels: dict[str, str],
) -> Figure:
    """Show truth and reconstructions, and below each reconstruction its absolute error.

    Args:
        truth: (n, C, H, W) in [0, 1]; C = 3 is RGB, C = 1 grey.
        reconstructions: row to array of the same shape.
        settings: section `figures` of the configuration. ``window``: pixel values that are shown
            black and white, in every image; ``error_max``: absolute error at the end of the colour
            scale, mean over channels for RGB.
        titles: names of the n images, written at their left.
        scores: row to n texts, such as "33.57 / .854", written below the images.
        labels: row to label.

    Returns:
        Per image a line of images [truth, method, ...] and a line of error maps, continued on
        further pairs of lines beyond ``COLUMNS``. The colour bar stands below the first truth.
    """
    for row, images in reconstructions.items():
        if images.shape != truth.shape:
            raise ValueError(f"{row}: shape {images.shape} is not that of truth, {truth.shape}")
    panels = {TRUTH: truth, **reconstructions}
    scores = {TRUTH: ["PSNR / SSIM"] * len(truth), **scores}
    labels, error_max = labels | {TRUTH: "Truth"}, settings["error_max"]
    bands = ceil(len(panels) / COLUMNS)
    columns = ceil(len(panels) / bands)
    figure, grid = image_grid(2 * bands * len(truth), columns, truth.shape[2] / truth.shape[3])
    for i in range(len(truth)):
        for j, (row, images) in enumerate(panels.items()):
            line, column = 2 * (i * bands + j // columns), j % columns
            axes, below = grid[line, column], grid[line + 1, column]
            show_image(axes, images[i], settings["window"])
            if i == 0 or bands > 1:
                set_title(axes, labels[row], 17, fontsize=TEXT, linespacing=1.1)
            axes.set_xlabel(scores[row][i], fontsize=TEXT, labelpad=2, parse_math=False)
            if j == 0:
                axes.set_ylabel(titles[i], fontsize=TEXT, labelpad=2, parse_math=False)
            else:
                error = np.abs(images[i] - truth[i]).mean(0)
                below.imshow(error, cmap=ERROR_MAP, vmin=0, vmax=error_max)
    scale = ScalarMappable(Normalize(0, error_max), ERROR_MAP)
    place = grid[1, 0].inset_axes((0.08, 0.5, 0.84, 0.07))
    bar = figure.colorbar(scale, cax=place, orientation="horizontal", extend="max")
    bar.set_ticks([0, error_max / 2, error_max], labels=[f"{e * error_max:g}" for e in (0, 0.5, 1)])
    bar.ax.tick_params(labelsize=TEXT, length=2, width=0.5, pad=2)
    bar.ax.set_title("Absolute error", fontsize=TEXT, pad=3)
    bar.outline.set_linewidth(0.5)
    return figure


def image_grid(lines: int, columns: int, aspect: float) -> tuple[Figure, np.ndarray]:
    """A figure with places for images of the same size, of height / width ``aspect``."""
    side = min(PANEL, WIDTH / columns)
    size = columns * side, lines * (side * aspect + 2 * LINE)
    figure = Figure(figsize=size, layout="compressed")
    figure.get_layout_engine().set(w_pad=GAP / 2, h_pad=GAP / 2, wspace=0, hspace=0)
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    return figure, grid


def set_title(axes: Axes, text: str, width: int, **style: Any) -> None:
    """A title of several lines, without breaks inside words."""
    lines = wrap(text, width, break_long_words=False, break_on_hyphens=False)
    axes.set_title("\n".join(lines), pad=3, parse_math=False, **style)


def show_image(axes: Axes, image: np.ndarray, window: Sequence[float]) -> None:
    """Draw an image (C, H, W), grey or RGB, between the pixel values of ``window``."""
    low, high = window
    shown = np.clip((image - low) / (high - low), 0, 1).transpose(1, 2, 0)
    axes.imshow(shown if shown.shape[2] == 3 else shown[..., 0], cmap="gray", vmin=0, vmax=1)
    axes.set_axis_on()
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_frame_on(False)


def inner(count: int, images: int) -> list[int]:
    """Numbers of ``images`` of ``count`` test images, evenly spaced.

    The first and the last are left out: the end slices of a scan show the least.
    """
    return evenly_spaced(list(range(count)), images + 2)[1:-1] or [0]


def save(figure: Figure, path: Path, colours: int | None = 256) -> None:
    """Write ``figure`` as PNG, by default of 256 colours; equal figures give equal files."""
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi=200, metadata={"Software": None}, bbox_inches="tight")
    with replacing(path) as temporary:
        image = Image.open(drawn).convert("RGB")
        if colours:  # spread over all that occur: off by at most 3 of 255, no bands
            image = image.quantize(colours, Image.Quantize.MAXCOVERAGE)
        image.save(temporary, optimize=True)
