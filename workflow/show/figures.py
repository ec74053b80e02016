"""Figures of images: reconstructions and their errors."""

from dataclasses import dataclass
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
from workflow.config.resolve import labels_of, rows_of
from workflow.score.scores import read_scores
from workflow.store.arrays import load_arrays, load_images
from workflow.store.files import replacing

WIDTH = 7.0  # inches, the text width of a page
PANEL = 1.6  # inches, widest image
COLUMNS = 7  # more methods continue on a further pair of lines
GAP = 0.04  # inches between images
LINE = 0.13  # inches, one line of text
TEXT = 7  # points
ERROR_MAP = "inferno"  # its lightness rises steadily, so it reads in grey


# ---- reconstructions --------------------------------------------------------------------------


def figure(
    config: dict[str, Any], table: str, images: Path, scores: Path, folder: Path, out: Path
) -> None:
    """Draw reconstructions of a few test images by the rows of a table, with error maps.

    Args:
        images: test images.
        scores: of the table on one problem (CSV).
        folder: of the reconstructions, one file per row.
    """
    truth, frame = load_images(images), read_scores(scores)
    settings = config["figures"]
    chosen = inner(len(truth.ids), settings["images"])
    ids = [truth.ids[i] for i in chosen]
    shown, captions = {}, {}
    for row, label in labels_of(config, rows_of(config, table)).items():
        of_row = frame[(frame["method"] == row) & (frame["seed"] == 0)].set_index("image")
        if of_row["status"].iloc[0] == "ok":
            shown[label] = load_arrays(Path(folder) / f"{row}.npz")["x_hat"][chosen]
            captions[label] = [score_text(line) for _, line in of_row.loc[ids].iterrows()]
    drawn = reconstruction_figure(
        truth.pixels[chosen], shown, tuple(settings["window"]), settings["error_max"], ids, captions
    )
    save(drawn, out, colours=256 if truth.pixels.shape[1] == 1 else None)


def score_text(line: pd.Series) -> str:
    """What stands below an image: 33.57 dB / 0.854."""
    return f"{line['psnr']:.2f} dB / {line['ssim']:.3f}"


def reconstruction_figure(
    truth: np.ndarray,
    reconstructions: dict[str, np.ndarray],
    window: tuple[float, float] = (0, 1),
    error_max: float = 0.2,
    titles: list[str] | None = None,
    scores: dict[str, list[str]] | None = None,
) -> Figure:
    """Show truth and reconstructions, and below each reconstruction its absolute error.

    Args:
        truth: (n, C, H, W) in [0, 1]; C = 3 is RGB, C = 1 grey.
        reconstructions: label to array of the same shape.
        window: pixel values that are shown black and white, in every image.
        error_max: absolute error at the end of the colour scale; mean over channels for RGB.
        titles: names of the n images, written at their left.
        scores: label to n texts, such as "33.57 / .854", written below the images.

    Returns:
        Per image a line of images [truth, method, ...] and a line of error maps, continued on
        further pairs of lines beyond ``COLUMNS``. The colour bar stands below the first truth.
    """
    for label, images in reconstructions.items():
        if images.shape != truth.shape:
            raise ValueError(f"{label}: shape {images.shape} is not that of truth, {truth.shape}")
    panels = {"Truth": truth, **reconstructions}
    scores = {"Truth": ["PSNR / SSIM"] * len(truth), **scores} if scores else {}
    bands = ceil(len(panels) / COLUMNS)
    sheet = _Sheet(
        images=len(truth),
        bands=bands,
        columns=ceil(len(panels) / bands),
        aspect=truth.shape[2] / truth.shape[3],
        header=LINE * max(len(_wrap(label)) for label in panels) + GAP,
        footer=LINE + GAP if scores else GAP,
        left=LINE + GAP if titles else 0,
    )
    figure = Figure(figsize=(sheet.width, sheet.height))
    for i in range(len(truth)):
        for j, (label, images) in enumerate(panels.items()):
            axes = figure.add_axes(sheet.box(i, j, line=0))
            show_image(axes, images[i], window)
            if i == 0 or bands > 1:
                title = "\n".join(_wrap(label))
                axes.set_title(title, fontsize=TEXT, pad=3, linespacing=1.1, parse_math=False)
            if titles and j == 0:
                axes.set_ylabel(titles[i], fontsize=TEXT, labelpad=2, parse_math=False)
            if label in scores:
                axes.set_xlabel(scores[label][i], fontsize=TEXT, labelpad=2, parse_math=False)
            if j > 0:
                axes = figure.add_axes(sheet.box(i, j, line=1))
                error = np.abs(images[i] - truth[i]).mean(0)
                axes.imshow(error, cmap=ERROR_MAP, vmin=0, vmax=error_max)
                axes.set_axis_off()
    _colour_bar(figure, sheet, error_max)
    return figure


@dataclass(frozen=True)
class _Sheet:
    """Where the panels stand. Lengths in inches; ``aspect`` is height / width of an image.

    A band is a header (labels), a line of images, a footer (scores) and a line of errors. Without
    continuation (one band) only the first image has a header.
    """

    images: int
    bands: int
    columns: int
    aspect: float
    header: float
    footer: float
    left: float

    @property
    def panel(self) -> float:
        """Width of a panel."""
        return min(PANEL, (WIDTH - self.left - GAP) / self.columns - GAP)

    @property
    def width(self) -> float:
        """Width of the sheet."""
        return self.left + GAP + self.columns * (self.panel + GAP)

    def top(self, image: int, band: int) -> float:
        """Distance of the images of a band from the top of the sheet."""
        above = image * self.bands + band
        headers = above + 1 if self.bands > 1 else 1
        panels = above * (2 * self.panel * self.aspect + self.footer)
        return headers * self.header + panels + 2 * GAP * image

    @property
    def height(self) -> float:
        """Height of the sheet."""
        panels = 2 * self.panel * self.aspect + self.footer
        return self.top(self.images - 1, self.bands - 1) + panels + GAP

    def box(self, image: int, panel: int, line: int) -> tuple[float, float, float, float]:
        """(left, bottom, width, height) of a panel as fractions of the sheet.

        ``panel`` counts from the truth; line 0 holds images, line 1 errors.
        """
        band, column = divmod(panel, self.columns)
        tall = self.panel * self.aspect
        left = self.left + GAP + column * (self.panel + GAP)
        bottom = self.height - self.top(image, band) - tall - line * (tall + self.footer)
        return left / self.width, bottom / self.height, self.panel / self.width, tall / self.height


def _wrap(label: str) -> list[str]:
    return wrap(label, 17, break_long_words=False, break_on_hyphens=False)


def _colour_bar(figure: Figure, sheet: _Sheet, error_max: float) -> None:
    left, bottom, width, height = sheet.box(0, 0, line=1)
    box = (left + 0.08 * width, bottom + 0.5 * height, 0.84 * width, 0.07 / sheet.height)
    scale = ScalarMappable(Normalize(0, error_max), ERROR_MAP)
    bar = figure.colorbar(scale, figure.add_axes(box), orientation="horizontal", extend="max")
    bar.set_ticks(
        [0, error_max / 2, error_max], labels=["0", f"{error_max / 2:g}", f"{error_max:g}"]
    )
    bar.ax.tick_params(labelsize=TEXT, length=2, width=0.5, pad=2)
    bar.ax.set_title("Absolute error", fontsize=TEXT, pad=3)
    bar.outline.set_linewidth(0.5)


# ---- both --------------------------------------------------------------------------------------


def show_image(axes: Axes, image: np.ndarray, window: tuple[float, float]) -> None:
    """Draw an image (C, H, W), grey or RGB, between the pixel values of ``window``."""
    low, high = window
    shown = np.clip((image - low) / (high - low), 0, 1).transpose(1, 2, 0)
    axes.imshow(shown if shown.shape[2] == 3 else shown[..., 0], cmap="gray", vmin=0, vmax=1)
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
    figure.savefig(drawn, format="png", dpi=200, metadata={"Software": None})
    with replacing(path) as temporary:
        image = Image.open(drawn).convert("RGB")
        if colours:  # spread over all that occur: off by at most 3 of 255, no bands
            image = image.quantize(colours, Image.Quantize.MAXCOVERAGE)
        image.save(temporary, optimize=True)
