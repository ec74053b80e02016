"""Prepares the images of a dataset, and says what they are."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from problems.datasets.base import DataError, Dataset, evenly_spaced
from problems.datasets.description import SHOWN, contact_sheet, description
from problems.datasets.description import lines as described
from problems.datasets.sources import stored
from workflow.config.machine import Machine
from workflow.config.spec import Prepare
from workflow.plugins.discovery import load
from workflow.plugins.params import make_params
from workflow.store.files import replacing, write_text
from workflow.store.images import floats, open_images, save_names, save_pixels


def prepare(job: Prepare, out: Path, *downloads: Path, machine: Machine) -> None:
    """Write the images of one split, fold after fold; ``downloads`` are files of the source.

    Beside them stand a description (JSON) and a contact sheet (PNG).

    Raises:
        DataError: a test patient is a training or validation patient of the same fold, or a test
            patient of two folds.
    """
    folds = folds_of(job.source, job.params, job.folds, job.dataset, machine)
    kind, rows, lines = (job.split, tuple(job.size)), {}, []

    def pixels() -> Iterator[np.ndarray]:
        for number, fold in enumerate(folds, start=1):
            chosen = fold.chosen(*kind, job.count)
            new = [raw for raw in chosen if raw.id not in rows]
            rows.update({raw.id: row for row, raw in enumerate(new, start=len(rows))})
            yield from fold.read(*kind, new)
            lines.extend((raw.id, raw.cluster, number, rows[raw.id]) for raw in chosen)
        if job.split == "test":
            _check_patients(job.dataset, folds, lines)

    save_names(out, lines, save_pixels(out, pixels()))
    said = description(folds, job.split, size=tuple(job.size))
    write_text(out.with_suffix(".json"), json.dumps(said, indent=1) + "\n")
    _sheet(open_images(out).pixels, out.with_suffix(".png"))


def _check_patients(
    name: str, folds: list[Dataset], lines: list[tuple[str, str, int, int]]
) -> None:
    earlier: set[str] = set()
    for number, fold in enumerate(folds, start=1):
        tested = {cluster for _, cluster, own, _ in lines if own == number}
        others = {raw.cluster for s in fold.splits if s != "test" for raw in fold.images(s)}
        shared, again = others & tested, earlier & tested
        if shared:
            raise DataError(
                f"{name}: {min(shared)} is a test patient and a training or validation patient; "
                "keep it in one split"
            )
        if again:
            raise DataError(f"{name}: {min(again)} is a test patient of two folds; use fewer folds")
        earlier |= tested


def look(config: dict[str, Any], names: Iterable[str], machine: Machine) -> Iterator[str]:
    """Describe all splits of datasets of a configuration, as text; prepare and download nothing.

    Contact sheets are written to results/<name>/data/<dataset>/found-<split>.png.
    """
    for name in names:
        settings = config["datasets"][name]
        kind = [settings[key] for key in ("source", "params", "folds")]
        folds = folds_of(*kind, name, machine)
        yield f"{name} ({settings['source']}{f', {len(folds)} folds' if len(folds) > 1 else ''})"
        if not all(stored(file, machine.downloads).exists() for file in folds[0].downloads):
            yield "  not downloaded yet: a run does that"
            continue
        size = tuple(settings["size"])
        for split in folds[0].splits:
            said = description(folds, split, size=size)
            yield from (f"  {line}" for line in described(split, said))
            if said["images"]:
                path = Path("results", config["name"], "data", name, f"found-{split}.png")
                count = settings[split]
                _sheet(_shown(folds, split, size, count), path)
                yield f"    see {path}"


def folds_of(
    source: str, params: dict[str, Any], folds: int, name: str, machine: Machine
) -> list[Dataset]:
    """The dataset, once per fold."""
    cls = load("dataset", source)
    varied = [{**params, "fold": k} for k in range(1, folds + 1)] if folds > 1 else [params]
    return [
        cls(make_params(cls.Params, own, f"datasets.{name}"), machine.downloads) for own in varied
    ]


def _shown(
    folds: list[Dataset], split: str, size: tuple[int, int], count: int | None
) -> np.ndarray:
    """Pixels of evenly spaced images of every fold, each once."""
    found = {}
    for fold in folds:
        chosen = evenly_spaced(fold.chosen(split, size, count), SHOWN)
        found |= zip((raw.id for raw in chosen), fold.read(split, size, chosen), strict=True)
    return np.stack(list(found.values()))


def _sheet(pixels: np.ndarray, path: Path) -> None:
    """A contact sheet of stored pixels (n, C, H, W)."""
    shown = floats(np.stack(evenly_spaced(pixels, SHOWN)))
    with replacing(path) as temporary:
        Image.fromarray(contact_sheet(shown)).save(temporary)
