"""Pictures, read by Pillow and oriented for viewing, and NumPy arrays."""

from pathlib import Path

import numpy as np

from problems.datasets.reading.files import named_labels
from problems.datasets.reading.units import Values, plain

PLAIN = ("1", "L", "I", "I;16", "I;16B", "F", "RGB")  # modes of Pillow that need no conversion


def pages(path: Path) -> int:
    """Number of images in a picture file, from its header."""
    from PIL import Image

    with Image.open(path) as file:
        return getattr(file, "n_frames", 1)


def page(path: Path, number: int) -> Values:
    """An image of a picture file, rotated by its EXIF tag; palettes and CMYK become RGB."""
    from PIL import Image, ImageOps

    with Image.open(path) as file:
        file.seek(number)
        image = ImageOps.exif_transpose(file)
        return plain(np.array(image if image.mode in PLAIN else image.convert("RGB")))


def arrays(path: Path) -> list[tuple[str, Values]]:
    """(name ending, values) of the images in an NPY or NPZ file, except those called masks.

    Nothing is unpickled.
    """
    data = np.load(path, allow_pickle=False)
    if isinstance(data, np.ndarray):
        return _images(data)
    with data:
        keys = [key for key in data if not named_labels((key,))]
        return [(f"_{key}{end}", values) for key in keys for end, values in _images(data[key])]


def _images(array: np.ndarray) -> list[tuple[str, Values]]:
    """Images in an array (H, W) or (H, W, 3), or in a stack (n, H, W)."""
    if array.dtype.kind not in "buif" or array.size == 0:
        raise ValueError(f"{array.size} values of type {array.dtype}")
    if array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3):
        return [("", plain(array))]
    if array.ndim == 3:
        return [(f"_{k:03d}", plain(image)) for k, image in enumerate(array)]
    raise ValueError(f"shape {array.shape} is neither an image nor a stack of slices")
