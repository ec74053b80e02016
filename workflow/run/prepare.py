"""Prepares the images of a dataset, and says what they are."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from problems.datasets.base import SPLITS, DataError, Dataset, Images, together
from problems.datasets.description import contact_sheet, description, lines
from workflow.config.machine import Machine
from workflow.config.spec import Prepare
from workflow.plugins.discovery import load
from workflow.plugins.params import make_params
from workflow.store.arrays import save_images
from workflow.store.files import replacing, write_text


def prepare(job: Prepare, out: Path, *downloads: Path, machine: Machine) -> None:
    """Write the images of one split, fold after fold; ``downloads`` are files of the source.

    Beside them stand a description (JSON) and a contact sheet (PNG).

    Raises:
        DataError: a test patient is a training or validation patient of the same fold, or a test
            patient of two folds.
    """
    folds = _folds(job.source, job.params, job.folds, job.dataset, machine)
    loaded = [fold.load(job.split, tuple(job.size), job.count) for fold in folds]
    if job.split == "test":
        _check_patients(job.dataset, folds, loaded)
    images = together(loaded)
    write_text(out.with_suffix(".json"), json.dumps(description(folds, job.split), indent=1) + "\n")
    _sheet(images, out.with_suffix(".png"))
    save_images(out, images)


def _check_patients(name: str, folds: list[Dataset], tests: list[Images]) -> None:
    earlier: set[str] = set()
    for fold, test in zip(folds, tests, strict=True):
        others = {raw.cluster for s in ("train", "validation") for raw in fold.images(s)}
        shared, again = others & set(test.clusters), earlier & set(test.clusters)
        if shared:
            raise DataError(
                f"{name}: {min(shared)} is a test patient and a training or validation patient; "
                "keep it in one split"
            )
        if again:
            raise DataError(f"{name}: {min(again)} is a test patient of two folds; have fewer")
        earlier |= set(test.clusters)


def look(config: dict[str, Any], machine: Machine) -> Iterator[str]:
    """Describe all splits of all datasets of a configuration, as text; prepare nothing.

    Contact sheets are written to results/<name>/data/<dataset>/<split>.png.
    """
    for name, settings in config["datasets"].items():
        kind = [settings[key] for key in ("source", "params", "folds")]
        folds = _folds(*kind, name, machine)
        yield f"{name} ({settings['source']}{f', {len(folds)} folds' if len(folds) > 1 else ''})"
        for split in SPLITS:
            said = description(folds, split)
            yield from (f"  {line}" for line in lines(split, said))
            if said["images"]:
                path = Path("results", config["name"], "data", name, f"{split}.png")
                size, count = tuple(settings["size"]), settings[split]
                _sheet(together([fold.load(split, size, count) for fold in folds]), path)
                yield f"    see {path}"


def _folds(
    source: str, params: dict[str, Any], folds: int, name: str, machine: Machine
) -> list[Dataset]:
    """The dataset, once per fold."""
    cls = load("dataset", source)
    varied = [{**params, "fold": k} for k in range(1, folds + 1)] if folds > 1 else [params]
    return [
        cls(make_params(cls.Params, own, f"datasets.{name}"), machine.downloads) for own in varied
    ]


def _sheet(images: Images, path: Path) -> None:
    """Each image once, also where several folds have it."""
    first = {id_: n for n, id_ in reversed(list(enumerate(images.ids)))}
    pixels = images.pixels[sorted(first.values())]
    if len(pixels):
        with replacing(path) as temporary:
            Image.fromarray(contact_sheet(pixels)).save(temporary)
