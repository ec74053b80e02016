"""Whose image a file is, and in which split it belongs."""

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from problems.datasets.base import SPLITS, DataError
from problems.datasets.reading.dicom import SCREEN, Header, header
from problems.datasets.reading.files import FORMATS, File, Listing, counted, said

SPELLINGS = {  # of the names of the folders of the splits
    "train": r"(train|training|trn|imagestr)",
    "validation": r"(val|valid|validate|validation|imagesval)",
    "test": r"(test|testing|tst|imagests)",
}
AROUND = (
    r"(images?|imgs?|data|set|split|20\d\d|[\W_])*"  # words around a spelling that change nothing
)
NO_PATIENT = {"images", "image", "imgs", "img", "data"}  # folders in a split that are no patients


@dataclass
class Entry:
    """A file with an image of a patient."""

    file: File
    name: str
    patient: str
    header: Header | None = None


@dataclass
class Split:
    """The files of a split, and the kinds of those that were left out."""

    entries: list[Entry] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def split_folder(
    root: Path, listing: Listing, patient: str, shares: tuple[float, float], read: Callable
) -> dict[str, Split]:
    """The splits of a folder.

    Args:
        patient: who an image is of: "header", "folder" or "file" (``Folder.Params``).
        shares: of the patients, for validation and test.
        read: calls a function with a path, and turns what it raises into one line.

    Raises:
        DataError: no image, split folders that are missing or spelt otherwise, too few patients, a
            patient or file in two splits, links that lead nowhere.
    """
    _refuse_links(root, listing)
    names = sorted(path.name for path in root.iterdir() if path.is_dir())
    missing = [split for split in SPLITS if split not in names]
    _refuse_spellings(root, names, missing)
    if not listing.files:
        kinds = said(counted(kind for _, kind in listing.left_out))
        raise DataError(f"{root}: no image{kinds}; wanted files ending in {', '.join(FORMATS)}")
    if missing:
        splits = _by_hash(root, _entries(listing, (), "", patient, read), shares)
    else:
        splits = {s: _entries(listing, (s,), f"{s}_", patient, read) for s in SPLITS}
        outside = [kind for parts, kind in listing.left_out if parts[:1] not in map(_tuple, SPLITS)]
        stray = [f for f in listing.files if f.parts[:1] not in map(_tuple, SPLITS)]
        for split in splits.values():
            split.left_out += [*outside, *["beside the folders of the splits"] * len(stray)]
    _refuse_shared(splits, patient)
    for name, split in splits.items():
        _refuse_mixed(root, name, split)
    return splits


def _entries(listing: Listing, above: tuple, prefix: str, whose: str, read: Callable) -> Split:
    """The files below a folder that hold images."""
    found = Split(left_out=[k for p, k in listing.left_out if above and p[: len(above)] == above])
    if not above:
        found.left_out = [kind for _, kind in listing.left_out]
    for file in listing.files:
        if file.parts[: len(above)] != above:
            continue
        parts = file.parts[len(above) :]
        if file.format != "dicom":
            name = prefix + "_".join((*parts, file.stem))
            found.entries.append(Entry(file, name, _patient(parts, file.stem, "", whose, name)))
            continue
        head = read(header, file.path)
        identity = re.sub(r"[^\w.-]", "_", head.patient)
        single = prefix + "_".join((*parts, file.stem))
        patient = _patient(parts, identity or file.stem, identity, whose, single)
        place = parts if patient in parts else (*parts, patient)
        name = prefix + "_".join(place) if whose != "file" else single
        found.entries.append(Entry(file, name, patient, head))
    kinds = {e.header.kind for e in found.entries if e.header}
    for entry in found.entries:
        if entry.header and entry.header.kind == SCREEN and kinds == {SCREEN}:
            entry.header = entry.header._replace(kind=None)  # there is nothing else
    found.left_out += [e.header.kind for e in found.entries if e.header and e.header.kind]
    found.entries = [e for e in found.entries if not (e.header and e.header.kind)]
    return found


def _patient(parts: tuple, alone: str, identity: str, whose: str, name: str) -> str:
    """Whose a file is: of the patient in its header, of its folder, or else of itself."""
    if whose == "file":
        return name
    if whose == "header" and identity:
        return identity
    return next((part for part in parts if part.lower() not in NO_PATIENT), alone)


def _by_hash(root: Path, found: Split, shares: tuple[float, float]) -> dict[str, Split]:
    """Patients in the order of the hash of their name: the first are for tests."""
    names = {entry.patient for entry in found.entries}
    order = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    validation, test = (max(1, round(share * len(order))) for share in shares)
    held = test + validation
    if held >= len(order):
        listed = f": {', '.join(sorted(names))}" if names else said(counted(found.left_out))
        raise DataError(
            f"{root}: too few patients to split ({len(order)}{listed}); add patients or make "
            "train, validation and test sub-folders; if these are several people, set `patient: "
            "folder` or `patient: file`, or `path` to the folder that holds one folder per patient"
        )
    chosen = {"test": order[:test], "validation": order[test:held], "train": order[held:]}
    of = {name: split for split, names in chosen.items() for name in names}
    splits = {split: Split(left_out=found.left_out) for split in SPLITS}
    for entry in found.entries:
        splits[of[entry.patient]].entries.append(entry)
    return splits


def _refuse_links(root: Path, listing: Listing) -> None:
    if listing.loops:
        raise DataError(f"{listing.loops[0]} links to a folder that holds it; remove the link")
    if listing.broken:
        raise DataError(
            f"{root}: {len(listing.broken)} links lead nowhere or cannot be opened, the first is "
            f"{listing.broken[0]}; mend or remove them"
        )


def _refuse_spellings(root: Path, names: list[str], missing: list[str]) -> None:
    """Refuse folders that are meant to be splits and have another name."""
    renames = [
        (name, split)
        for split in missing
        for name in names
        if re.fullmatch(AROUND + SPELLINGS[split] + AROUND, name.lower())
    ]
    absent = [split for split in missing if split not in {split for _, split in renames}]
    if renames:
        to = ", ".join(f"{name} to {split}" for name, split in renames)
        add = f" and add {', '.join(absent)}" if absent else ""
        raise DataError(
            f"{root}: folders of splits are called {', '.join(SPLITS)}: rename {to}{add}; or set "
            "`path` to one of them, whose patients are then split"
        )
    if 0 < len(missing) < len(SPLITS):
        raise DataError(f"{root}: no sub-folder {missing[0]} beside the other splits; add it")


def _refuse_shared(splits: dict[str, Split], whose: str) -> None:
    """Refuse a patient, or a file by links, that is in two splits."""
    patients, places = {}, {}
    for name, split in splits.items():
        for entry in split.entries:
            path = entry.file.path
            other, earlier = places.setdefault(os.path.realpath(path), (name, path))
            if other != name:
                raise DataError(f"{earlier} and {path} are one file; keep it in one split")
            other, earlier = patients.setdefault(entry.patient, (name, path))
            if other != name:
                header = whose == "header" and entry.header and entry.header.patient
                raise DataError(
                    f"{earlier} and {path}: patient {entry.patient} is in {other} and {name}; keep "
                    "a patient in one split, or, if these are two people, "
                    + ("set `patient: folder`" if header else "rename one or set `patient: file`")
                )


def _refuse_mixed(root: Path, name: str, split: Split) -> None:
    """Refuse pictures beside DICOM, arrays beside volumes, and so on: their values differ."""
    formats = {entry.file.format: entry.file.path for entry in split.entries}
    if len(formats) > 1:
        few = min(formats, key=lambda f: sum(e.file.format == f for e in split.entries))
        raise DataError(
            f"{root}: the {name} images are {' and '.join(sorted(formats))} files; leave one kind "
            f"out, for example `exclude: ['*{formats[few].suffix or formats[few].name}']`"
        )


def _tuple(split: str) -> tuple[str]:
    return (split,)
