"""What values mean: which of them become 0 and 1, and when a person must say so.

Hounsfield units have a window of their own; numbers of 8 bits, wider ones that fill their range,
and fractions have the range of their type. For all else the window must be set, and a message
proposes one.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from problems.datasets.base import DataError

CT_WINDOW = (-1000.0, 1200.0)  # HU mapped to 0 and 1 unless the window is set
FILLED = 0.6  # share of the range of a type that the largest value of an image must exceed
TISSUE = 0.25  # share of a CT volume that is air, lung, soft tissue or padding, at least
FEW = 32  # whole numbers up to this one are labels, not grey values
CLASSES = 8  # of a picture that is a label map, at most
LUMINANCE = np.array([0.2125, 0.7154, 0.0721], dtype=np.float32)  # of red, green and blue


class Values(NamedTuple):
    """An image as its file holds it.

    Attributes:
        array: (H, W), or (H, W, 3) for red, green and blue.
        spacing: mm between rows and between columns, or None where it is not known.
        window: values that become 0 and 1, or None where nothing says which.
        reason: why nothing says so.
        labels: the values are those of a mask.
    """

    array: np.ndarray
    spacing: tuple[float, float] | None = None
    window: tuple[float, float] | None = None
    reason: str = ""
    labels: bool = False


def plain(array: np.ndarray) -> Values:
    """The values of a picture or an array, whose file says nothing of units."""
    low, high = array.min(), array.max()
    if not np.isfinite([low, high]).all():
        raise ValueError("it holds NaN or infinite values")
    window, reason = None, f"values {low:g} to {high:g} have no known range"
    if array.dtype.kind == "b" or (array.dtype.kind == "f" and low >= 0 and high <= 1):
        window = (0.0, 1.0)
    elif array.dtype.kind == "u":
        top = np.iinfo(array.dtype).max
        if array.dtype.itemsize == 1 or (high > FILLED * top and high - low > FILLED * top / 2):
            window = (0.0, float(top))
        else:
            bits = 8 * array.dtype.itemsize
            reason = f"values {low:g} to {high:g} do not fill the range of {bits} bits"
    return Values(array, None, window, reason, labels=_few_values(array))


def window_for(values: Values, window: tuple[float, float] | None, path: Path) -> tuple:
    """The values that become 0 and 1; those of the configuration take precedence.

    Raises:
        DataError: nothing says which, or the window is turned round.
    """
    chosen = window or values.window
    if chosen is None:
        raise DataError(f"{path}: {values.reason}; set {proposed(values.array)}")
    low, high = chosen
    if not low < high:
        raise DataError(f"window {low:g}, {high:g} of {path}: the first must be the smaller")
    return low, high


def proposed(array: np.ndarray) -> str:
    """A window from the values of an image, to end a message with."""
    low, high = (float(f"{v:.4g}") for v in np.percentile(array, (0.5, 99.5)))
    high = high if high > low else low + 1
    return f"`window`, for example [{low:g}, {high:g}], between which 99 % of its values lie"


def could_be_hu(values: np.ndarray) -> bool:
    """Whether the values of a volume can be Hounsfield units: there is air, and mostly tissue."""
    low, high = values.min(), values.max()
    if low > -500 or high < -100 or not np.isfinite([low, high]).all():
        return False
    sample = _sample(values)
    air, soft = (sample > -1100) & (sample < -700), (sample > -200) & (sample < 200)
    padding = (sample == low) & (low < -1100)
    inside = ((sample > -3100) & (sample < 5000)) | padding
    return bool(inside.mean() > 0.98 and (air | soft | padding).mean() > TISSUE)


def could_be_labels(values: np.ndarray) -> bool:
    """Whether the values of a volume are a few numbers of organs, or a mask."""
    if values.min() < 0:
        return False
    if values.dtype.kind == "f" and not np.equal(np.mod(values, 1), 0).all():
        return False
    return bool(values.max() <= FEW) or len(np.unique(_sample(values))) <= 2


def _sample(values: np.ndarray) -> np.ndarray:
    """About a million of the values, evenly spaced."""
    return values.ravel()[:: max(1, values.size // 1_000_000)]


def grey_or_color(array: np.ndarray, color: bool) -> np.ndarray:
    """(H, W) floats, the luminance of color images, or (3, H, W) with ``color``."""
    pixels = array.astype(np.float32)
    if pixels.ndim == 2:
        return np.stack([pixels] * 3) if color else pixels
    return np.moveaxis(pixels, -1, 0) if color else pixels @ LUMINANCE


def _few_values(array: np.ndarray) -> bool:
    """Whether a picture is black and white only, or holds a few small numbers."""
    if array.dtype.kind == "f" or array.ndim > 2:
        return False
    low, high = int(array.min()), int(array.max())
    if low != 0 or high not in (*range(1, FEW + 1), 255):
        return False
    return len(np.unique(array)) <= (2 if high == 255 else CLASSES)
