"""Prepares the images of a dataset, and says what they are."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from problems.datasets.base import DataError, Dataset
from problems.datasets.description import contact_sheet, description, lines
from workflow.config.machine import Machine
from workflow.config.spec import Prepare
from workflow.plugins.discovery import load
from workflow.plugins.params import make_params
from workflow.store.arrays import save_images
from workflow.store.files import replacing, write_text

SPLITS = ("train", "validation", "test")


def prepare(job: Prepare, out: Path, *downloads: Path, machine: Machine) -> None:
    """Write the images of one split; ``downloads`` are files that the source reads.

    Beside them stand a description (JSON) and a contact sheet (PNG).

    Raises:
        DataError: a test patient is a training or validation patient too.
    """
    dataset = _dataset(job.source, job.params, job.dataset, machine)
    loaded = dataset.load(job.split, tuple(job.size), job.count)
    if job.split == "test":
        others = {raw.cluster for s in ("train", "validation") for raw in dataset.images(s)}
        shared = others & set(loaded.clusters)
        if shared:
            raise DataError(
                f"{job.dataset}: {min(shared)} is a test patient and a training or validation "
                "patient; keep it in one split"
            )
    said = description(dataset, job.split)
    write_text(out.with_suffix(".json"), json.dumps(said, indent=1) + "\n")
    _sheet(loaded.pixels, out.with_suffix(".png"))
    save_images(out, loaded)


def look(config: dict[str, Any], machine: Machine) -> Iterator[str]:
    """Describe all splits of all datasets of a configuration, as text; prepare nothing.

    Contact sheets are written to results/<name>/data/<dataset>/<split>.png.
    """
    for name, settings in config["datasets"].items():
        dataset = _dataset(settings["source"], settings["params"], name, machine)
        yield f"{name} ({settings['source']})"
        for split in SPLITS:
            said = description(dataset, split)
            yield from (f"  {line}" for line in lines(split, said))
            if said["images"]:
                path = Path("results", config["name"], "data", name, f"{split}.png")
                images = dataset.load(split, tuple(settings["size"]), settings[split])
                _sheet(images.pixels, path)
                yield f"    see {path}"


def _dataset(source: str, params: dict[str, Any], name: str, machine: Machine) -> Dataset:
    cls = load("dataset", source)
    return cls(make_params(cls.Params, params, f"datasets.{name}"), machine.downloads)


def _sheet(pixels: Any, path: Path) -> None:
    if len(pixels):
        with replacing(path) as temporary:
            Image.fromarray(contact_sheet(pixels)).save(temporary)
