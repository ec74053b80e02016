"""Table and figure of samples of the priors beside real images."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow.score.generation import MEASURES, SIDE, compare
from workflow.store.files import write_text

NOTE = (
    f"Patch distance: Frechet distance of Gaussians fitted to all {SIDE} x {SIDE} patches, per "
    "pixel. Spectrum distance: root mean square over spatial frequencies of the difference of the "
    "radially averaged power spectra. Seam energy: mean squared difference of neighbouring pixels "
    "across the borders of the fixed grid of patch size {patch}, relative to that elsewhere. "
    "Nearest training image: mean PSNR to the most similar one; a high value would be memory. The "
    "first two are to the training images."
)


def markdown(table: pd.DataFrame, patch: int) -> str:
    """Lay the comparison out."""
    lines = [["Prior", "Samples", *MEASURES.values()], [":--", *["--:"] * (1 + len(MEASURES))]]
    for line in table.to_dict("records"):
        values = (f"{line['patch_distance']:.4f}", f"{line['spectrum_distance']:.2f}")
        values += (f"{line['seam_energy']:.2f}", f"{line['nearest']:.1f}")
        lines.append([line["prior"], str(line["samples"]), *values])
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{NOTE.format(patch=patch)}\n\n{text}\n"


def report(
    config: dict[str, Any], samples: list[Path], train: Path, test: Path, folder: Path
) -> None:
    """Write tables/generation.csv and .md and figures/generation.png below ``folder``."""
    from problems.datasets.base import evenly_spaced
    from workflow.show import figures
    from workflow.store.arrays import load_arrays, load_images

    settings = config["generation"]
    labels = settings["priors"].values()
    images = {
        label: load_arrays(path)["samples"] for label, path in zip(labels, samples, strict=True)
    }
    images["Test images"] = load_images(test).pixels
    real = load_images(train).pixels
    patches = [config["networks"][config["priors"][p]["network"]] for p in settings["priors"]]
    patch = max(network["training"].get("patch", 0) for network in patches)
    patch = patch or min(real.shape[2:]) // 2
    table = compare(images, real, patch)
    write_text(Path(folder) / "tables" / "generation.csv", table.to_csv(index=False))
    write_text(Path(folder) / "tables" / "generation.md", markdown(table, patch))
    shown = {k: np.stack(evenly_spaced(list(v), settings["shown"])) for k, v in images.items()}
    figures.save(figures.sample_figure(shown), Path(folder) / "figures" / "generation.png")
