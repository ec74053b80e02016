"""Pictures, read by Pillow and oriented for viewing, and NumPy arrays."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from problems.datasets.base import DataError
from problems.datasets.reading.files import named_labels
from problems.datasets.reading.geometry import read_quietly
from problems.datasets.reading.units import Values, plain

PLAIN = ("1", "L", "I", "I;16", "I;16B", "F", "RGB")  # modes of Pillow that need no conversion
SUBFILE, DESCRIPTION, PHOTOMETRIC = 254, 270, 262  # tags of TIFF
SMALLEST = 4  # an array is no image if none of its axes is longer
REDUCED, MASK = 1, 4  # bits of SUBFILE
SAME_SHAPE = 1.02  # largest quotient of the aspect ratios of a picture and of its thumbnail


def pages(path: Path) -> list[int]:
    """Numbers of the images in a picture file, from its headers.

    The second pictures of a photograph, and thumbnails, reduced copies and masks in a TIFF do not
    count.
    """
    with _opened(path) as file:
        if file.format in ("JPEG", "MPO"):
            return [0]
        count = getattr(file, "n_frames", 1)
        if file.format != "TIFF":
            return list(range(count))
        said = re.match(r"ImageJ=.*?\bimages=(\d+)", str(file.tag_v2.get(DESCRIPTION)), re.DOTALL)
        if said and count == 1 < int(said[1]):
            raise DataError(
                f"{path}: a stack of {said[1]} images of ImageJ with the place of the first only; "
                "save it there as an image sequence"
            )
        sizes = {}
        for k in range(count):
            file.seek(k)
            if not file.tag_v2.get(SUBFILE, 0) & (REDUCED | MASK):
                sizes[k] = file.size
    largest = max(sizes.values(), key=np.prod, default=None)
    return [k for k, size in sizes.items() if not _thumbnail(size, largest)]


def page(path: Path, number: int) -> Values:
    """An image of a picture file, rotated by its EXIF tag; palettes and CMYK become RGB.

    Transparent pixels are laid on black, unless all are equally transparent.

    Raises:
        DataError: it is too large, or 0 is white in a type that cannot be turned round.
    """
    from PIL import ImageOps

    with _opened(path) as file:
        file.seek(number)
        if "LA;16" in str(file.tile):
            raise DataError(f"{path}: has grey of 16 bits and transparency; save it without that")
        if file.mode in ("RGB", "RGBA") and ";16" in str(file.tile):  # Pillow would keep 8 bits
            return plain(_on_black(_deep(path, number)))
        image = ImageOps.exif_transpose(file)
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            array = _on_black(np.array(image.convert("RGBA")))
        else:
            array = np.array(image if image.mode in PLAIN else image.convert("RGB"))
        white = file.format == "TIFF" and file.tag_v2.get(PHOTOMETRIC) == 0
        if white and image.mode not in ("1", "L"):  # those are turned round by Pillow
            if array.dtype.kind != "u":
                raise DataError(f"{path}: 0 is white; save it with 0 as black")
            array = np.iinfo(array.dtype).max - array
        return plain(array)


def of_one_grey(path: Path) -> bool:
    """Whether all pixels of the first image have one value, as in a slice above the head."""
    array = page(path, pages(path)[0]).array
    return array.min() == array.max()


def arrays(path: Path) -> list[tuple[str, Values]]:
    """(name ending, values) of the images in an NPY or NPZ file.

    Of an NPZ file masks are left out, and arrays that are no images, such as an affine matrix, if
    others are. Nothing is unpickled.

    Raises:
        DataError: an array has the order of axes of NIfTI.
        ValueError: an array is no image, or contains NaN.
    """
    data = np.load(path, allow_pickle=False)
    if isinstance(data, np.ndarray):
        return [(end, plain(image)) for end, image in _images(data, path)]
    found, refused = [], None
    with data:
        for key in data:
            try:
                images = [] if named_labels((key,)) else _images(data[key], path)
            except DataError:
                raise
            except ValueError as error:
                refused = refused or error
                continue
            found += [(f"_{key}{end}", plain(image)) for end, image in images]
    if refused and not found:
        raise refused
    return found


def _images(array: np.ndarray, path: Path) -> list[tuple[str, np.ndarray]]:
    """(name ending, image) of the images (H, W) or (H, W, 3) in an array.

    It is an image, or a stack of them along its first axis: (n, H, W). A further axis for the
    channels, of length 1 or 3, is the last one, or in a stack (n, C, H, W) the second.
    """
    said = " x ".join(map(str, array.shape))
    if array.dtype.kind not in "buif" or max(array.shape, default=0) <= SMALLEST:
        raise ValueError(f"{said} values of type {array.dtype} are no image")
    if array.ndim == 4 and array.shape[1] in (1, 3):
        array = np.moveaxis(array, 1, -1)
    if array.ndim > 2 and array.shape[-1] == 1:
        array = array[..., 0]
    color = array.ndim > 2 and array.shape[-1] == 3
    if array.size == 0 or array.ndim - color not in (2, 3):
        raise ValueError(f"shape {said} is neither an image nor a stack of slices")
    if array.ndim - color == 2:
        return [("", array)]
    n, height, width = array.shape[:3]
    if n == height != width:
        raise DataError(
            f"{path}: {said} values are read as (slice, row, column), but seem to be (x, y, z) or "
            "(row, column, slice): move the slices to the front, as `array.T` does with (x, y, z), "
            "or, if they are there, save one file per slice"
        )
    return [(f"_{k:03d}", image) for k, image in enumerate(array)]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A picture file whose pixels are not yet decoded."""
    from PIL import Image

    with warnings.catch_warnings(action="ignore"):  # of half the largest size, of metadata
        try:
            with Image.open(path) as file:
                yield file
        except Image.DecompressionBombError:
            most = 2 * Image.MAX_IMAGE_PIXELS / 1e6
            raise DataError(
                f"{path}: has more than {most:.0f} million pixels; scale it down or cut it up"
            ) from None


def _deep(path: Path, number: int) -> np.ndarray:
    """A picture with 16 bits per color, (H, W, C)."""
    import SimpleITK

    array = SimpleITK.GetArrayFromImage(read_quietly(str(path)))
    return array[number] if array.ndim == 4 else array


def _on_black(array: np.ndarray) -> np.ndarray:
    """The colors (H, W, 3) of a picture whose fourth channel, if there is one, is opacity."""
    colors, alpha = array[..., :3], array[..., 3:]
    if alpha.size and alpha.min() < alpha.max():
        top = np.iinfo(array.dtype).max
        colors = np.rint(colors * (alpha / top)).astype(array.dtype)
    return colors


def _thumbnail(size: tuple[int, int], largest: tuple[int, int]) -> bool:
    """Whether a size is a smaller one of the same shape."""
    ratios = [mine / full for mine, full in zip(size, largest, strict=True)]
    return max(ratios) < 1 and max(ratios) < SAME_SHAPE * min(ratios)
