"""Finds the splits of a folder and refuses layouts that would be misread."""

import filecmp
import os
import re
from collections.abc import Callable
from itertools import chain, product
from pathlib import Path

from problems.datasets.base import SPLITS, DataError
from problems.datasets.reading import pictures
from problems.datasets.reading.files import DETACHED, FORMATS, MASKS, File, Listing, counted, said
from problems.datasets.reading.splits import ELSEWHERE, Split, by_hash, entries, group_of, groups

SPELLINGS = {  # other names of split folders
    "train": r"train|training|trn|tr",
    "validation": r"val|valid|validate|validation|dev|va",
    "test": r"test|testing|tst|ts",
}
SAME = "the same image is in two splits; keep it in one"
AROUND = r"(images?|imgs?|data|set|split|20\d\d|[\W_])*"  # words without meaning around them


def split_folder(
    root: Path,
    listing: Listing,
    patient: str,
    shares: tuple[float, float],
    read: Callable,
    test_only: bool = False,
) -> dict[str, Split]:
    """The splits of a folder.

    Args:
        patient: what identifies a patient, as in ``Folder.Params``.
        shares: fractions of the patients for validation and test.
        read: calls a function with a path and turns its exceptions into one line.
        test_only: the other splits are empty; without a sub-folder test all images are its.

    Raises:
        DataError: there is no image, split folders are missing or have other names, there are too
            few patients, a patient or an image is in two splits, or links are broken.
    """
    _refuse_links(root, listing)
    names = sorted(path.name for path in root.iterdir() if path.is_dir())
    missing = [split for split in SPLITS if split not in names]
    if not (test_only and "test" in names):
        _refuse_spellings(root, names, missing, listing.files, test_only)
    if not listing.files:
        kinds = said(counted(kind for _, kind in listing.left_out))
        masks = any(kind == MASKS for _, kind in listing.left_out)
        hint = ", or, if those called masks are images, name them in `include`" if masks else ""
        ends = ", ".join(FORMATS)
        raise DataError(f"{root}: no image{kinds}; expected files ending in {ends}{hint}")
    if missing == list(SPLITS):
        found = entries(listing, (), "", patient, read)
        alone = {split: Split() for split in SPLITS} | {"test": found}
        splits = alone if test_only else by_hash(root, found, shares)
    else:
        read_from = ("test",) if test_only else SPLITS
        splits = {split: Split() for split in SPLITS} | {
            s: entries(listing, (s,), f"{s}_", patient, read) for s in read_from
        }
        tops = [(split,) for split in SPLITS]
        beside = [kind for parts, kind in listing.left_out if parts[:1] not in tops]
        stray = [
            "beside the folders of the splits" for f in listing.files if f.parts[:1] not in tops
        ]
        for split in splits.values():
            split.left_out += [*beside, *stray]
    _refuse_shared(splits, patient)
    if patient != "file":
        _refuse_groups(root, splits)
    _refuse_copies(splits, read)
    for name, split in splits.items():
        _refuse_mixed(root, name, split)
    return splits


def _refuse_links(root: Path, listing: Listing) -> None:
    if listing.loops:
        raise DataError(f"{listing.loops[0]} links to a folder that contains it; remove the link")
    if listing.broken:
        raise DataError(
            f"{root}: {len(listing.broken)} links are broken or cannot be opened, the first is "
            f"{listing.broken[0]}; repair or remove them"
        )


def _refuse_spellings(
    root: Path, names: list[str], missing: list[str], files: list[File], test_only: bool
) -> None:
    """Refuse folders that appear to be splits but have another name or location."""
    meant = {name: split for name in names if (split := _meant(name)) in missing}
    absent = [split for split in missing if split not in meant.values()]
    alone = len(missing) == len(SPLITS) and len(absent) == 2
    if meant and not (alone and min(map(len, meant)) <= 2):  # else initials of a patient
        ordered = sorted(meant.items(), key=lambda item: SPLITS.index(item[1]))
        to = ", ".join(f"{name} to {split}" for name, split in ordered)
        added = [split for split in absent if split == "test" or not test_only]
        add = f" and add {', '.join(added)}" if added else ""
        raise DataError(
            f"{root}: split folders must be called {', '.join(SPLITS)}: rename {to}{add}; or set "
            "`path` to one of them to split its patients"
        )
    if missing == ["train", "validation"]:
        raise DataError(
            f"{root}: there is a sub-folder test only, but networks, a control or a search need "
            f"training images: add train and validation, or {ELSEWHERE}"
        )
    if 0 < len(missing) < len(SPLITS):
        raise DataError(f"{root}: no sub-folder {missing[0]} beside the other splits; add it")
    inside: dict[tuple, set[str]] = {}
    for above, name in {(f.parts[:k], f.parts[k]) for f in files for k in range(len(f.parts))}:
        if missing and _meant(name):
            inside.setdefault(above, set()).add(_meant(name))
    for above, splits in sorted(inside.items()):
        if len(splits) > 1:
            raise DataError(
                f"{root.joinpath(*above)} contains split folders; set `path` to it, or leave it "
                "out with `exclude`"
            )


def _meant(name: str) -> str | None:
    """The split that a folder name appears to mean, or None."""
    for split, spelling in SPELLINGS.items():
        if re.fullmatch(f"{AROUND}({spelling}){AROUND}", name.lower()):
            return split
    return None


def _refuse_shared(splits: dict[str, Split], whose: str) -> None:
    """Refuse a patient or a DICOM slice in two splits, or a file that links put into two splits."""
    patients, places, slices = {}, {}, {}
    for name, split in splits.items():
        for entry in split.entries:
            path = entry.file.path
            other, earlier = places.setdefault(os.path.realpath(path), (name, path))
            if other != name:
                raise DataError(f"{earlier} and {path} are the same file; keep it in one split")
            other, earlier = patients.setdefault(entry.patient.casefold(), (name, path))
            if other != name:
                header = whose == "header" and entry.header and entry.header.patient
                raise DataError(
                    f"{earlier} and {path}: patient {entry.patient} is in {other} and {name}; keep "
                    "each patient in one split, or, if these are two patients, "
                    + ("set `patient: folder`" if header else "rename one or set `patient: file`")
                )
            if entry.header and entry.header.uid:
                slice = entry.header.uid, entry.header.order
                other, earlier = slices.setdefault(slice, (name, path))
                if other != name:
                    raise DataError(f"{earlier} and {path}: {SAME}")


def _refuse_groups(root: Path, splits: dict[str, Split]) -> None:
    """Refuse images of what seems to be one patient, by their names, in two splits."""
    alone = [
        (name, entry.file)
        for name, split in splits.items()
        for entry in split.entries
        if not entry.header and entry.patient == entry.file.stem
    ]
    found: dict[str, tuple[str, Path]] = {}
    seeming = groups([file.stem for _, file in alone])
    for name, file in alone if seeming else ():
        group = group_of(file.stem)
        other, path = found.setdefault(group, (name, file.path))
        if other != name:
            raise DataError(
                f"{root}: the names look like those of {len(seeming)} patients with several images "
                f"each, such as {group}, who is in {other} and {name} ({path.name}, "
                f"{file.path.name}): set `patient: name` to keep each in one split, or `patient: "
                "file` if every file is a patient of its own"
            )


def _refuse_copies(splits: dict[str, Split], read: Callable) -> None:
    """Refuse a test image that is the copy of one of another split, unless it is of one grey.

    A single test image, copied to all splits, is taken for a trial.
    """
    found: dict[tuple, dict[str, list[File]]] = {}
    for name in SPLITS if splits["train"].entries else ():
        for file in (entry.file for entry in splits[name].entries if not entry.header):
            if file.path.suffix.lower() not in DETACHED:
                found.setdefault(_sample(file.path), {}).setdefault(name, []).append(file)
    trial = sum("test" in alike for alike in found.values()) == 1
    for alike in found.values():
        tested = () if trial and len(alike) == 3 else alike.pop("test", ())
        for file, other in product(tested, chain(*alike.values())):
            packed = file.path.suffix.lower() == ".gz"
            same = packed or filecmp.cmp(other.path, file.path, shallow=False)
            if same and not (file.format == "picture" and read(pictures.of_one_grey, file.path)):
                raise DataError(f"{other.path} and {file.path}: {SAME}")


def _sample(path: Path) -> tuple:
    """What copies of a file have in common: its length and some of its contents.

    A compressed file ends with the checksum and the length of what is in it, which are the same if
    it was compressed again.
    """
    length, packed = path.stat().st_size, path.suffix.lower() == ".gz"
    with path.open("rb") as file:
        file.seek(max(0, length - 8) if packed else length // 2)
        return None if packed else length, file.read(4096)


def _refuse_mixed(root: Path, name: str, split: Split) -> None:
    """Refuse a mix of formats, such as pictures and DICOM: their values differ."""
    formats = {entry.file.format: entry.file.path for entry in split.entries}
    if len(formats) > 1:
        few = min(formats, key=lambda f: sum(e.file.format == f for e in split.entries))
        raise DataError(
            f"{root}: the {name} images are {' and '.join(sorted(formats))} files; leave one kind "
            f"out, for example `exclude: ['*{formats[few].suffix or formats[few].name}']`"
        )
