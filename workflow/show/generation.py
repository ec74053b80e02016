"""Table and figure of samples of the priors beside real images."""

from pathlib import Path
from textwrap import wrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from problems.datasets.base import evenly_spaced
from workflow.config.spec import Show
from workflow.score.generation import MEASURES, SIDE, compare
from workflow.show.cells import Table, plain, save, write_csv
from workflow.show.figures import TEXT, image_grid, show_image
from workflow.show.figures import save as save_figure
from workflow.store.arrays import load_arrays
from workflow.store.images import load_images

NOTE = (
    f"Patch distance: Frechet distance of Gaussians fitted to all {SIDE} x {SIDE} patches, per "
    "pixel. Spectrum distance: root mean square over spatial frequencies of the difference of the "
    "radially averaged power spectra. Seam energy: mean squared difference of neighbouring pixels "
    "across the borders of the fixed grid of patch size {patch}, relative to that elsewhere. "
    "Nearest training image: mean PSNR to the most similar one; a high value means that the prior "
    "repeats what it has seen. The first two are to the training images."
)
FORMATS = dict(zip(MEASURES, (".4f", ".2f", ".2f", ".1f"), strict=True))


def generation(job: Show, out: Path, train: Path, test: Path, *samples: Path) -> None:
    """Write tables/generation.csv (``out``), .md and .json and figures/generation.png."""
    config, folder = job.settings, out.parents[1]
    settings = config["generation"]
    labels = [config["priors"][name].get("label", name) for name in settings["priors"]]
    images = {
        label: load_arrays(path)["samples"] for label, path in zip(labels, samples, strict=True)
    }
    # Where there are folds, those of the networks that were sampled: the first one.
    images["Test images"] = load_images(test).of_fold(1).pixels
    real = load_images(train).of_fold(1).pixels
    networks = [config["networks"][config["priors"][p]["network"]] for p in settings["priors"]]
    patch = max(network["training"].get("patch", 0) for network in networks)
    patch = patch or min(real.shape[2:]) // 2
    compared = compare(images, real, patch)
    write_csv(out.parent, "generation", compared)
    save(out.parent, "generation", {"samples": sample_table(compared, patch)})
    shown = {k: np.stack(evenly_spaced(list(v), settings["shown"])) for k, v in images.items()}
    save_figure(sample_figure(shown), folder / "figures" / "generation.png")


def sample_table(compared: pd.DataFrame, patch: int) -> Table:
    """Lay the comparison out; ``patch`` is the size of the grid whose seams are measured."""
    lines = [
        [line["prior"], line["samples"], *(format(line[m], f) for m, f in FORMATS.items())]
        for line in compared.to_dict("records")
    ]
    header = ["Prior", "Samples", *MEASURES.values()]
    return plain(header, lines, "l" + "r" * (1 + len(MEASURES)), NOTE.format(patch=patch))


def sample_figure(samples: dict[str, np.ndarray]) -> Figure:
    """Show images (n, C, H, W) in [0, 1] of every label, one line each."""
    columns = max(len(images) for images in samples.values())
    height, width = next(iter(samples.values())).shape[2:]
    figure, grid = image_grid(len(samples), columns, height / width)
    for line, (label, images) in zip(grid, samples.items(), strict=True):
        for axes, image in zip(line, images, strict=False):
            show_image(axes, image, (0, 1))
        line[0].set_ylabel("\n".join(wrap(label, 14)), fontsize=TEXT, parse_math=False)
    return figure
