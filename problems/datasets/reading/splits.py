"""Assigns files to patients and patients to splits."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from problems.datasets.base import SPLITS, DataError
from problems.datasets.reading.dicom import SCREEN, Header, header
from problems.datasets.reading.files import File, Listing, counted, said

ELSEWHERE = (  # what a folder of test images alone needs
    "use the networks of other images: `trained_on: ct`, or `from: ct20`, at its problems"
)
GROUP = re.compile(r"(\D*\d+)[\W_]")  # a name up to its first number, if more comes
NO_PATIENT = {"images", "image", "imgs", "img", "data"}  # names of folders that are not patients


@dataclass
class Entry:
    """A file with an image of a patient."""

    file: File
    name: str
    patient: str
    header: Header | None = None


@dataclass
class Split:
    """The files of a split, and the kinds of the files left out."""

    entries: list[Entry] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def entries(listing: Listing, above: tuple, prefix: str, whose: str, read: Callable) -> Split:
    """The image files below a folder; copies of a DICOM file are left out."""
    copies = set()
    found = Split(left_out=[k for parts, k in listing.left_out if parts[: len(above)] == above])
    for file in listing.files:
        if file.parts[: len(above)] != above:
            continue
        parts = file.parts[len(above) :]
        if file.format != "dicom":
            name = prefix + "_".join((*parts, file.stem))
            found.entries.append(Entry(file, name, _patient(parts, file.stem, "", whose, name)))
            continue
        head = read(header, file.path)
        if (head.uid, head.order) in copies:
            found.left_out.append("copies of other files")
            continue
        copies |= {(head.uid, head.order)} if head.uid and head.order else set()
        identity = re.sub(r"[^\w.-]", "_", head.patient)
        single = prefix + "_".join((*parts, file.stem))
        patient = _patient(parts, identity or file.stem, identity, whose, single)
        place = parts if patient in parts else (*parts, patient)
        name = prefix + "_".join(place) if whose != "file" else single
        found.entries.append(Entry(file, name, patient, head))
    kinds = {e.header.kind for e in found.entries if e.header}
    for entry in found.entries:
        if entry.header and entry.header.kind == SCREEN and kinds == {SCREEN}:
            entry.header = entry.header._replace(kind=None)  # there are no other images
    found.left_out += [e.header.kind for e in found.entries if e.header and e.header.kind]
    found.entries = [e for e in found.entries if not (e.header and e.header.kind)]
    return found


def _patient(parts: tuple, alone: str, identity: str, whose: str, name: str) -> str:
    """Patient of a file: from its header, else its folder, else the file itself."""
    if whose == "file":
        return name
    if whose != "folder" and identity:
        return identity
    alone = (whose == "name" and group_of(alone)) or alone
    return next((part for part in parts if part.lower() not in NO_PATIENT), alone)


def group_of(stem: str) -> str:
    """The part of a name that seems to be a patient: pat3 of pat3_014; "" if there is none."""
    found = GROUP.match(stem)
    return found[1] if found else ""


def groups(stems: list[str]) -> set[str]:
    """What seem to be patients with several images each, by their names; empty if they do not."""
    found = {group_of(stem) for stem in stems}
    several = 1 < len(found) <= len(stems) / 2
    return found if several and "" not in found else set()


def by_hash(root: Path, found: Split, shares: tuple[float, float]) -> dict[str, Split]:
    """Split patients in the order of the hash of their name; the first are for testing.

    Names that differ in capital letters only are of one patient.
    """
    spellings = sorted({entry.patient for entry in found.entries}, reverse=True)
    names = {name.casefold(): name for name in spellings}.values()
    order = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    validation, test = (max(1, round(share * len(order))) for share in shares)
    held = test + validation
    if held >= len(order):
        listed = f": {', '.join(sorted(names))}" if names else said(counted(found.left_out))
        raise DataError(
            f"{root}: too few patients to split ({len(order)}{listed}); add patients or create "
            "train, validation and test sub-folders; if these are several patients, set `patient: "
            "folder` or `patient: file`, or set `path` to the folder with one folder per patient; "
            f"or {ELSEWHERE}"
        )
    chosen = {"test": order[:test], "validation": order[test:held], "train": order[held:]}
    of = {name.casefold(): split for split, names in chosen.items() for name in names}
    splits = {split: Split(left_out=found.left_out) for split in SPLITS}
    for entry in found.entries:
        splits[of[entry.patient.casefold()]].entries.append(entry)
    return splits
