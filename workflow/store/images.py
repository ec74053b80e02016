"""Prepared splits: pixels in an NPY file, read through memory maps, names in a table beside it.

Every image is stored once, however many folds have it, in 8 bits where that loses nothing. Neither
writing nor opening a split takes memory that grows with the number of its images.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

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


class Writer:
    """Appends images (C, H, W), float32 in [0, 1], to an NPY file."""

    def __init__(self, file: BinaryIO):
        self.file, self.hashes = file, []
        self.dtype = np.dtype(np.uint8)
        self.shape: tuple[int, ...] = ()

    def add(self, image: np.ndarray) -> None:
        """Write one more image, of the shape of the others."""
        if not self.hashes:
            self.shape = image.shape
            self.header()
        stored = image if self.dtype == np.float32 else eight_bits(image)
        if stored is None:
            self._widen()
            stored = image
        self.file.write(np.ascontiguousarray(stored).data)
        self.hashes.append(arrays_hash(image))

    def header(self) -> None:
        """Write the header; its length depends neither on the number of images nor on the type."""
        self.file.seek(0)
        shape = (len(self.hashes), *self.shape)
        header = {"descr": self.dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self.file, header)
        self.start = self.file.tell()

    def _widen(self) -> None:
        """Make float32 of what was written in 8 bits, from the last image to the first."""
        self.dtype, size = np.dtype(np.float32), int(np.prod(self.shape))
        for k in reversed(range(len(self.hashes))):
            self.file.seek(self.start + k * size)
            image = floats(np.frombuffer(self.file.read(size), np.uint8))
            self.file.seek(self.start + k * size * self.dtype.itemsize)
            self.file.write(image.data)
        self.file.seek(self.start + len(self.hashes) * size * self.dtype.itemsize)


def eight_bits(image: np.ndarray) -> np.ndarray | None:
    """The image as uint8, or None if that changes a value."""
    rounded = np.rint(image * 255).astype(np.uint8)
    return rounded if np.array_equal(floats(rounded), image) else None


def floats(pixels: np.ndarray) -> np.ndarray:
    """Stored pixels as float32 in [0, 1]."""
    return pixels if pixels.dtype == np.float32 else pixels.astype(np.float32) / np.float32(255)


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """Yield a writer of the pixels of a split; the file is there when the block ends."""
    with replacing(path) as partial, open(partial, "w+b") as file:
        writer = Writer(file)
        yield writer
        writer.header()
        file.flush()


def save_names(path: Path, lines: list[tuple[str, str, int, int]], hashes: list[str]) -> None:
    """Write what stands beside ``path``: (id, cluster, fold, row) of images with these hashes."""
    frame = pd.DataFrame([(*line, hashes[line[3]]) for line in lines], columns=COLUMNS)
    write_text(path.with_suffix(".csv"), frame.to_csv(index=False))


def save_images(path: Path, images: Images) -> None:
    """Write a split that is in memory."""
    with writing(path) as writer:
        for image in images.pixels:
            writer.add(np.asarray(image, dtype=np.float32))
    lines = list(zip(*images[1:], range(len(images.ids)), strict=True))
    save_names(path, lines, writer.hashes)


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
