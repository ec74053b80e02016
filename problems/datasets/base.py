"""The interface of a dataset: named images in [0, 1], split by patient or subject."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

SPLITS = ("train", "validation", "test")
CONTRAST = 0.05  # of [0, 1]; a split is refused if half of its images span less
WITHOUT_SPECKS = (0.1, 99.9)  # percentiles of the pixels between which contrast is measured


class DataError(ValueError):
    """Unusable images; the message is one line that names the file and the fix."""


class RawImage(NamedTuple):
    """One image as a source delivers it.

    Attributes:
        id: unique name, used in file names, seeds and tables.
        cluster: patient or subject; images of one cluster are not independent.
        pixels: array (H, W) or (C, H, W), any size, in [0, 1] unless there is a window.
        window: values of ``pixels`` mapped to 0 and 1, or None if ``pixels`` are in [0, 1].
        spacing: mm between rows and between columns, or None if unknown.
    """

    id: str
    cluster: str
    pixels: np.ndarray
    window: tuple[float, float] | None = None
    spacing: tuple[float, float] | None = None


class UnreadImage(NamedTuple):
    """A ``RawImage`` whose file is read each time it is opened.

    Attributes:
        id, cluster: as in ``RawImage``, known without decoding the file.
        read: returns the pixels in [0, 1], or a complete ``RawImage``.
    """

    id: str
    cluster: str
    read: Callable[[], "np.ndarray | RawImage"]

    def opened(self) -> RawImage:
        found = self.read()
        return found if isinstance(found, RawImage) else RawImage(self.id, self.cluster, found)


class Images(NamedTuple):
    """A split, ready for use.

    Attributes:
        pixels: float32 array (n, C, H, W) in [0, 1].
        ids: n names, unique within a fold.
        clusters: n patients or subjects.
        folds: fold of each image, ascending from 1.
    """

    pixels: np.ndarray
    ids: list[str]
    clusters: list[str]
    folds: list[int]

    def of_fold(self, fold: int) -> "Images":
        """The images of one fold."""
        chosen = [i for i, own in enumerate(self.folds) if own == fold]
        return Images(self.pixels[chosen], *([part[i] for i in chosen] for part in self[1:]))


class Dataset(ABC):
    """One source of images. The file name is the name of the dataset.

    Class attributes:
        label, reference, licence: for tables and README.
        downloads: names in ``problems.datasets.sources.SOURCES`` that must be downloaded first.
        splits: splits that have images; training needs "train" and "validation".
    """

    label: ClassVar[str]
    reference: ClassVar[str]
    licence: ClassVar[str]
    downloads: ClassVar[tuple[str, ...]] = ()
    splits: ClassVar[tuple[str, ...]] = SPLITS

    @dataclass(frozen=True)
    class Params:
        """Parameters of the source; unknown names raise TypeError.

        A source with cross-validation folds, in which each patient is a test patient of one fold,
        has a parameter ``fold``, numbered from 1.
        """

    def __init__(self, params: "Dataset.Params", downloads: Path | None = None):
        """
        Args:
            params: an instance of ``Params``.
            downloads: folder with the files named in ``downloads``.
        """
        self.params = params
        self.folder = downloads

    @abstractmethod
    def images(self, split: str) -> Iterator[RawImage | UnreadImage]:
        """Yield the images of "train", "validation" or "test"; splits never share patients."""

    def left_out(self, split: str) -> dict[str, int]:
        """Number of files left out of the split, by kind; for display."""
        return {}

    def remedy(self, image: RawImage | UnreadImage) -> str:
        """Advice about an image without contrast, appended to the error message."""
        return ""

    def chosen(
        self, split: str, size: tuple[int, int], limit: int | None = None
    ) -> list[RawImage | UnreadImage]:
        """Return at most ``limit`` evenly spaced images of a split, at ``size`` (H, W).

        Files of ``UnreadImage`` are not read here; ``read`` does that.

        Raises:
            DataError: there is no image, a name is repeated, or an image is unusable.
        """
        found: dict[str, RawImage | UnreadImage] = {}
        for raw in self.images(split):
            if raw.id in found:
                raise DataError(f"{self.label}: two images have the name {raw.id!r}")
            found[raw.id] = raw if isinstance(raw, UnreadImage) else fit(raw, size)
        if not found:
            raise DataError(f"{self.label}: the {split} split has no image")
        return evenly_spaced(list(found.values()), limit)

    def read(
        self, split: str, size: tuple[int, int], chosen: list[RawImage | UnreadImage]
    ) -> Iterator[np.ndarray]:
        """Yield the pixels of images, (C, H, W) float32 in [0, 1], one after the other.

        Raises:
            DataError: an image contains NaN or is smaller than ``size``, images differ in their
                number of channels, or, at the end, images have no contrast.
        """
        spans, channels = [], 0
        for raw in chosen:
            pixels = fit(raw, size).pixels
            if channels not in (0, len(pixels)):
                both = sorted((len(pixels), channels))
                raise DataError(f"{self.label}: images have {both} channels; use one number")
            if not spans:
                channels, lowest, highest = len(pixels), pixels.min(), pixels.max()
            spans.append(np.ptp(np.percentile(pixels, WITHOUT_SPECKS)))
            yield pixels
        if spans and np.median(spans) < CONTRAST:
            raise DataError(
                f"{self.label}: the {split} images have hardly any contrast: half of them span "
                f"less than {CONTRAST:g} of [0, 1] ({chosen[0].id}: {lowest:.3g} to "
                f"{highest:.3g}){self.remedy(chosen[0])}"
            )

    def load(self, split: str, size: tuple[int, int], limit: int | None = None) -> Images:
        """Return the images of ``chosen`` with their pixels.

        Raises:
            DataError: as ``chosen`` and ``read``.
        """
        chosen = self.chosen(split, size, limit)
        pixels = np.stack(list(self.read(split, size, chosen)))
        ids, clusters = [raw.id for raw in chosen], [raw.cluster for raw in chosen]
        return Images(pixels, ids, clusters, [1] * len(chosen))


def evenly_spaced(items: list, limit: int | None) -> list:
    """At most ``limit`` evenly spaced items, including the first and the last."""
    if limit is None or limit >= len(items):
        return items
    return [items[round(i)] for i in np.linspace(0, len(items) - 1, limit)]


def nested(count: int, limit: int | None) -> list[int]:
    """Indices of at most ``limit`` of ``count`` items, ascending and spread evenly.

    They are the first in the order of their bit-reversed indices (van der Corput), so a smaller
    limit gives a subset of a larger one.
    """
    digits = max(count - 1, 1).bit_length()
    order = sorted(range(count), key=lambda i: f"{i:0{digits}b}"[::-1])
    return sorted(order[:limit])


def fit(image: RawImage | UnreadImage, size: tuple[int, int]) -> RawImage:
    """Return the image with pixels (C, H, W) of ``size``, float32 in [0, 1]."""
    return RawImage(image.id, image.cluster, resize(check(image), size, image.id))


def check(image: RawImage | UnreadImage) -> np.ndarray:
    """Validate the pixels and return them as (C, H, W) float32, windowed."""
    if isinstance(image, UnreadImage):
        image = image.opened()
    pixels = np.asarray(image.pixels, dtype=np.float32)
    if pixels.ndim == 2:
        pixels = pixels[None]
    if pixels.ndim != 3:
        raise DataError(f"image {image.id!r} has shape {pixels.shape}, not (H, W) or (C, H, W)")
    if not np.isfinite(pixels).all():
        raise DataError(f"image {image.id!r} contains NaN or infinite values; repair or remove it")
    return pixels if image.window is None else windowed(pixels, image.window)


def windowed(pixels: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """Map the window linearly to [0, 1] and clip."""
    low, high = window
    return np.clip((pixels - low) / (high - low), 0, 1)


def resize(pixels: np.ndarray, size: tuple[int, int], name: str = "") -> np.ndarray:
    """Resize (C, H, W) to ``size``: centre crop to its aspect ratio, then area averages.

    Raises:
        DataError: the image is smaller than ``size``; enlarging it would invent detail.
    """
    channels, height, width = pixels.shape
    if height < size[0] or width < size[1]:
        raise DataError(
            f"image {name!r} of {height} x {width} pixels cannot be enlarged to {size[0]} x "
            f"{size[1]}; lower `size` of the dataset, or leave small images out"
        )
    scale = min(height / size[0], width / size[1])
    rows, columns = round(size[0] * scale), round(size[1] * scale)
    top, left = (height - rows) // 2, (width - columns) // 2
    pixels = pixels[:, top : top + rows, left : left + columns]
    if rows % size[0] == 0 and columns % size[1] == 0:
        blocks = pixels.reshape(channels, size[0], rows // size[0], size[1], columns // size[1])
        pixels = blocks.mean(axis=(2, 4))
    elif (rows, columns) != tuple(size):
        from skimage.transform import resize as resample

        pixels = resample(pixels, (channels, *size), order=1, anti_aliasing=True)
    return np.clip(pixels, 0, 1).astype(np.float32)
