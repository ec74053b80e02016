"""A page about samples of posteriors: pictures and maps with the slider, curves and tables."""

from pathlib import Path
from typing import Any

import numpy as np

from problems.datasets.base import Images
from workflow.config.views import labels_of, title
from workflow.score.levels import BAR
from workflow.show import cells
from workflow.show.figures import inner
from workflow.show.html import COLOURS, file_uri, png_uri, render
from workflow.store.files import write_text

SAID = {  # of the maps of a row; white is the largest value
    "sample": "a sample",
    "mean": "mean",
    "std": "standard deviation, white: {error_max:g}",
    "error": "error of the mean, white: {error_max:g}",
    "bar": f"error bar of {100 * BAR:g} %, white: {{error_max:g}}",
    "unseen": "unseen part, grey: 0, white: {limit:.2g}",
}


def write_page(
    config: dict[str, Any],
    name: str,
    tables: dict[str, cells.Table],
    maps: dict[str, dict[str, dict[str, np.ndarray]]],
    truths: dict[str, Images],
    run: Path,
) -> None:
    """Write the page about a table of samples, report/<name>.html in ``run`` (results/<name>).

    Args:
        tables: problem to its part of the table.
        maps: problem to row to ``read_maps``.
        truths: problem to test images.
    """
    rows = labels_of(config, config["tables"][name]["rows"])
    items = []
    for problem, truth in truths.items():
        items += _items(config, problem, rows, truth, maps[problem])
    shown = {config["problems"][p]["label"]: t for p, t in tables.items()}
    page = render(
        "samples.html.j2",
        name=config["name"],
        title=title(name),
        means_nothing=config["means_nothing"],
        tables=[{"label": label, "table": t, "html": cells.html(t)} for label, t in shown.items()],
        curves=file_uri(run / "figures" / f"{name}.png"),
        gallery=items,
        first=f"{next(iter(rows.values()))}: {SAID['sample']}",
        error_max=config["figures"]["error_max"],
        colours=COLOURS,
    )
    write_text(run / "report" / f"{name}.html", page)


def _items(
    config: dict[str, Any],
    problem: str,
    rows: dict[str, str],
    truth: Images,
    of_rows: dict[str, dict[str, np.ndarray]],
) -> list[dict[str, Any]]:
    """Some test images of a problem, as ``gallery.html.j2`` shows them."""
    error_max = config["figures"]["error_max"]
    found = {rows[row]: maps for row, maps in of_rows.items()}
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
