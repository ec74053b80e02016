"""Lists the files of a folder that can be images, by name, patterns and first bytes.

Imports nothing heavy, because Snakemake calls this each time it reads the configuration.
"""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

FORMATS = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"), "picture"),
    **dict.fromkeys((".pgm", ".ppm", ".jp2"), "picture"),
    **dict.fromkeys((".dcm", ".ima"), "dicom"),
    **dict.fromkeys((".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd"), "volume"),
    **dict.fromkeys((".npy", ".npz"), "numpy"),
}
DETACHED = (".nhdr", ".mhd")  # headers with values in another file
SYSTEM = {"__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "lost+found"}
MASKS = "masks and labels"
LABELS = re.compile(  # words in names of masks and labels beside images
    r".*masks?|.*seg|segs|segmentation[a-z]*|labels?(tr|ts|val)?|labelmaps?|annotations?|rois?|contours?"
)


class File(NamedTuple):
    """A file that can be an image.

    Attributes:
        path: location; links are not resolved.
        parts: names of the folders between the root and the file, as ``composed``.
        stem: name without suffix, as ``composed``.
        format: "picture", "dicom", "volume" or "numpy".
    """

    path: Path
    parts: tuple[str, ...]
    stem: str
    format: str


@dataclass
class Listing:
    """Contents of a folder, including linked folders.

    Attributes:
        files: those that can be images, sorted by path.
        beside: files that may have the values of detached headers.
        left_out: folders above the file, and kind, of each file that is not an image.
        broken, loops: dangling links, and links to a folder that contains them.
    """

    files: list[File] = field(default_factory=list)
    beside: list[Path] = field(default_factory=list)
    left_out: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    broken: list[Path] = field(default_factory=list)
    loops: list[Path] = field(default_factory=list)


def files_of(params: Mapping[str, Any], every: bool = False) -> list[Path]:
    """The files that determine the images of a folder; none if it is missing. Never raises.

    Args:
        params: parameters of the dataset ``folder``: ``path``, ``include``, ``exclude``.
        every: return all files below ``path``, for a dataset that reads other formats.
    """
    path = root_of(params.get("path"))
    if path is None or not path.is_dir():
        return [path] if path and path.is_file() else []
    if every:
        return [p for p, _ in _walk(path, (), (), Listing())]
    listing = listed(path, params.get("include") or (), params.get("exclude") or ())
    return sorted({*(file.path for file in listing.files), *listing.beside})


def root_of(path: Any) -> Path | None:
    """Folder from a configuration; ``~`` is the home of the user."""
    return Path(os.path.expanduser(str(path))) if path else None


def listed(root: Path, include: Iterator[str] = (), exclude: Iterator[str] = ()) -> Listing:
    """List a folder. fnmatch patterns apply to the path below ``root`` and to each name in it.

    Files that match ``include`` may be called masks; if it is given, all other files are left out.
    """
    listing = Listing()
    others = []
    for path, parts in _walk(root, (), (), listing):
        names = (*parts, path.name)
        kind = _left_out(names, include, exclude)
        stem, format = (path.name, None) if kind else _format(path)
        if format not in (None, "dicom") and not include and named_labels(names):
            kind = MASKS
        if format and not kind:
            names = (*map(composed, parts), composed(stem))
            listing.files.append(File(path, names[:-1], names[-1], format))
        else:
            others.append((path, parts, kind or f"{path.suffix or 'other'} files"))
    for links in (listing.broken, listing.loops):
        links[:] = [p for p in links if not _matches(p.relative_to(root).parts, exclude)]
    headers = {file.path.parent for file in listing.files if file.path.suffix.lower() in DETACHED}
    for path, parts, kind in others:
        if path.parent in headers and not kind.startswith(("hidden", "masks")):
            listing.beside.append(path)
        else:
            listing.left_out.append((parts, kind))
    return listing


def composed(name: str) -> str:
    """The name with composed letters: some systems write é as e and an accent."""
    return unicodedata.normalize("NFC", name)


def counted(kinds: Iterator[str]) -> dict[str, int]:
    """Counts of the kinds of files left out, most frequent first."""
    return dict(Counter(kinds).most_common())


def said(kinds: Mapping[str, int]) -> str:
    """Format counts by kind, to append to a message."""
    text = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return f"; left out: {text}" if text else ""


def named_labels(parts: tuple[str, ...]) -> bool:
    """Whether names contain a word for mask or label (for DICOM the header decides)."""
    words = {word for part in parts for word in re.split(r"[^a-z]+", part.lower())}
    return any(map(LABELS.fullmatch, words))


def _walk(folder: Path, parts: tuple, above: tuple, listing: Listing) -> Iterator:
    """Yield (path, names of the folders above it) of each file; record broken links."""
    here = (*above, os.path.realpath(folder))
    for name in sorted(_names(folder, listing)):
        path = folder / name
        if os.path.isdir(path):
            if _system(name):
                listing.left_out.append((parts, "hidden and system files"))
            elif os.path.realpath(path) in here:
                listing.loops.append(path)
            else:
                yield from _walk(path, (*parts, name), here, listing)
        elif os.path.isfile(path):
            yield path, parts
        elif os.path.islink(path) and not _system(name):
            listing.broken.append(path)


def _names(folder: Path, listing: Listing) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # no permission: treated as a broken link
        listing.broken.append(folder)
        return []


def _system(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM


def _left_out(parts: tuple[str, ...], include, exclude) -> str | None:
    """Kind under which a file is left out because of its name, or None."""
    if _system(parts[-1]):
        return "hidden and system files"
    if _matches(parts, exclude):
        return "excluded by a pattern"
    if include:
        return None if _matches(parts, include) else "not included by a pattern"
    return "derivatives" if "derivatives" in parts[:-1] else None


def _matches(parts: tuple[str, ...], patterns) -> bool:
    names = [composed(name) for name in ("/".join(parts), *parts)]
    return any(fnmatchcase(name, composed(pattern)) for pattern in patterns for name in names)


def _format(path: Path) -> tuple[str, str | None]:
    """Name without suffix, and format; DICOM is also recognised by its first bytes."""
    for suffix, format in FORMATS.items():
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)], format
    try:
        with path.open("rb") as file:
            return path.name, "dicom" if file.read(132)[128:] == b"DICM" else None
    except OSError:
        return path.name, None
