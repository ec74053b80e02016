"""Prepared splits: pixels in an NPY file, read through memory maps, names in a table beside it.

Every image is stored once, however many folds have it, in 8 bits where that loses nothing. Neither
writing nor opening a split takes memory that grows with the number of its images.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

import numpy as np
import pandas as pd

from problems.datasets.base import Images, nested
from workflow.store.arrays import StoreError, arrays_hash
from workflow.store.files import replacing, write_text

COLUMNS = ["id", "cluster", "fold", "row", "sha256"]


class Split(NamedTuple):
    """A split as it is stored.

    Attributes:
        pixels: (m, C, H, W), float32 in [0, 1] or uint8, memory-mapped.
        names: one line per image and fold: id, cluster, fold, row of ``pixels`` and SHA-256 of the
            image as float32.
    """

    pixels: np.ndarray
    names: pd.DataFrame

    def of_fold(self, fold: int) -> "Split":
        """The images of one fold."""
        return Split(self.pixels, self.names[self.names["fold"] == fold])

    def first(self, limit: int | None) -> "Split":
        """At most ``limit`` of them, those of a smaller limit among those of a larger one."""
        return Split(self.pixels, self.names.iloc[nested(len(self.names), limit)])

    def mean(self) -> np.ndarray:
        """The mean image, (C, H, W) float32."""
        total = sum(floats(self.pixels[row]).astype(float) for row in self.names["row"])
        return (total / len(self.names)).astype(np.float32)

    @property
    def sha256(self) -> str:
        """Of the hashes of the images, in their order."""
        return hashlib.sha256("".join(self.names["sha256"]).encode()).hexdigest()


def eight_bits(image: np.ndarray) -> np.ndarray | None:
    """The image as uint8, or None if that changes a value."""
    rounded = np.rint(image * 255).astype(np.uint8)
    return rounded if np.array_equal(floats(rounded), image) else None


def floats(pixels: np.ndarray) -> np.ndarray:
    """Stored pixels as float32 in [0, 1]."""
    return pixels if pixels.dtype == np.float32 else pixels.astype(np.float32) / np.float32(255)


def save_pixels(path: Path, images: Iterable[np.ndarray]) -> list[str]:
    """Write images (C, H, W), float32 in [0, 1], one after the other; return their hashes."""
    hashes, exact = [], True
    with replacing(path) as partial, TemporaryFile(dir=path.parent) as kept:
        for image in images:
            exact = exact and eight_bits(image) is not None
            hashes.append(arrays_hash(image))
            kept.write(np.ascontiguousarray(image))
        kept.flush()
        whole = np.memmap(kept, np.float32, "r", shape=(len(hashes), *image.shape))
        with open(partial, "wb") as file:
            kind = np.dtype(np.uint8 if exact else np.float32).str
            header = {"descr": kind, "fortran_order": False, "shape": whole.shape}
            np.lib.format.write_array_header_1_0(file, header)
            for image in whole:
                file.write(eight_bits(image) if exact else image)
    return hashes


def save_names(path: Path, lines: list[tuple[str, str, int, int]], hashes: list[str]) -> None:
    """Write what stands beside ``path``: (id, cluster, fold, row) of images with these hashes."""
    frame = pd.DataFrame([(*line, hashes[line[3]]) for line in lines], columns=COLUMNS)
    write_text(path.with_suffix(".csv"), frame.to_csv(index=False))


def save_images(path: Path, images: Images) -> None:
    """Write a split that is in memory."""
    hashes = save_pixels(path, np.asarray(images.pixels, dtype=np.float32))
    lines = list(zip(*images[1:], range(len(images.ids)), strict=True))
    save_names(path, lines, hashes)


def open_images(path: Path) -> Split:
    """Open a split without reading its pixels.

    Raises:
        StoreError: a file is missing or damaged, or the two do not belong together.
    """
    texts = {"id": str, "cluster": str, "sha256": str}
    try:
        pixels = np.load(path, mmap_mode="c", allow_pickle=False)
        names = pd.read_csv(path.with_suffix(".csv"), dtype=texts, keep_default_na=False)
    except FileNotFoundError as error:
        raise StoreError(f"{error.filename} is missing: run snakemake, which makes it") from None
    except (OSError, ValueError, EOFError) as error:
        raise StoreError(f"{path} is damaged ({error}): delete it and run snakemake") from None
    if list(names) != COLUMNS or set(names["row"]) != set(range(len(pixels))):
        raise StoreError(f"{path} and its names (CSV) differ: delete both and run snakemake")
    return Split(pixels, names)


def load_images(path: Path) -> Images:
    """Read a split, checked against its hashes.

    Raises:
        StoreError: it is missing or damaged.
    """
    stored, names = open_images(path)
    pixels = floats(np.asarray(stored))
    stored_once = names.drop_duplicates("row")
    for row, wanted in zip(stored_once["row"], stored_once["sha256"], strict=True):
        if arrays_hash(pixels[row]) != wanted:
            raise StoreError(f"{path} is damaged (wrong hash): delete it and run snakemake")
    pixels = pixels[names["row"].to_numpy()]
    return Images(pixels, *(names[column].tolist() for column in ("id", "cluster", "fold")))
