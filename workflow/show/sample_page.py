"""A page about samples of posteriors: pictures and maps with the slider, curves and tables."""

from pathlib import Path
from typing import Any

import numpy as np

from workflow.config.spec import Show
from workflow.config.views import labels_of, title
from workflow.score.levels import BAR
from workflow.score.scores import read_scores
from workflow.show import cells
from workflow.show.contents import test_images
from workflow.show.figures import inner
from workflow.show.html import COLOURS, file_uri, png_uri, render
from workflow.show.maps import maps_of
from workflow.store.arrays import load_arrays
from workflow.store.files import write_text
from workflow.store.images import load_images

SAID = {  # of the maps of a row; white is the largest value
    "sample": "a sample",
    "mean": "mean",
    "std": "standard deviation, white: {error_max:g}",
    "error": "error of the mean, white: {error_max:g}",
    "bar": f"error bar of {100 * BAR:g} %, white: {{error_max:g}}",
    "unseen": "unseen part, grey: 0, white: {limit:.2g}",
}


def sample_page(job: Show, out: Path, table: Path, curves: Path) -> None:
    """Write the page about a table of samples (HTML), in a folder of results/<name>.

    Images, samples and scores of single images are read from there, too.

    Args:
        table: the table (JSON).
        curves: figure of ranks and coverage.
    """
    config, run = job.settings, out.parents[1]
    rows = labels_of(config, config["tables"][job.name]["rows"])
    items = []
    for problem in config["tables"][job.name]["problems"]:
        items += _items(config, run, problem, rows)
    shown = {config["problems"][p]["label"]: t for p, t in cells.load(table).items()}
    page = render(
        "samples.html.j2",
        name=config["name"],
        title=title(job.name),
        means_nothing=config["means_nothing"],
        tables=[{"label": label, "table": t, "html": cells.html(t)} for label, t in shown.items()],
        curves=file_uri(curves),
        gallery=items,
        first=f"{next(iter(rows.values()))}: {SAID['sample']}",
        error_max=config["figures"]["error_max"],
        colours=COLOURS,
    )
    write_text(out, page)


def _items(
    config: dict[str, Any], run: Path, problem: str, rows: dict[str, str]
) -> list[dict[str, Any]]:
    """Some test images of a problem, as ``gallery.html.j2`` shows them."""
    truth, error_max = (
        load_images(test_images(config, run, problem)),
        config["figures"]["error_max"],
    )
    found = {
        label: maps_of(
            load_arrays(run / "reconstructions" / problem / f"{row}.npz"),
            truth.pixels,
            read_scores(run / "scores" / problem / f"{row}.csv"),
        )
        for row, label in rows.items()
    }
    unseen = [{"unseen": maps["unseen_truth"]} for maps in found.values() if maps][:1]
    items = []
    for n in inner(len(truth.ids), config["figures"]["images"]):
        limit = max([1e-6, *(float(np.abs(maps["unseen"][n]).max()) for maps in unseen)])
        panels = [_panel("Truth", truth.pixels[n])]
        for label, maps in [*(("Truth", maps) for maps in unseen), *found.items()]:
            panels += [
                _panel(
                    f"{label}: {said.format(limit=limit, error_max=error_max)}",
                    _drawn(kind, maps[kind][n], limit, error_max),
                )
                for kind, said in SAID.items()
                if kind in maps
            ]
        label = config["problems"][problem]["label"]
        items.append({"problem": label, "image": truth.ids[n], "panels": panels})
    return items


def _panel(label: str, image: np.ndarray) -> dict[str, str]:
    return {"label": label, "uri": png_uri(image), "score": ""}


def _drawn(kind: str, image: np.ndarray, limit: float, error_max: float) -> np.ndarray:
    """An image or a map (C, H, W) as grey values in [0, 1]."""
    if kind == "unseen":
        return 0.5 + image / (2 * limit)
    return image if kind in ("sample", "mean") else image / error_max
