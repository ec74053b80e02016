"""Chooses the window that maps values to [0, 1], or reports that the user must set it.

Hounsfield units have a fixed window. 8-bit integers, wider integers that fill their range, and
floats in [0, 1] use the range of their type. In all other cases the window must be set, and the
error message proposes one.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from problems.datasets.base import DataError

CT_WINDOW = (-1000.0, 1200.0)  # HU mapped to 0 and 1 unless the window is set
FILLED = 0.6  # fraction of the range of a type that the largest value must exceed
TISSUE = 0.25  # least fraction of air, lung, soft tissue and padding in a CT volume
FEW = 32  # integers up to this one are labels, not grey values
CLASSES = 8  # largest number of classes of a label map
BLACK_AND_WHITE = (255, 65535)  # largest values of masks
WRAPPED = "negative numbers stored without a sign; save them as signed integers of 16 bits"
LUMINANCE = np.array([0.2125, 0.7154, 0.0721], dtype=np.float32)  # of red, green and blue


class Values(NamedTuple):
    """An image as stored in its file.

    Attributes:
        array: (H, W), or (H, W, 3) for red, green and blue.
        spacing: mm between rows and between columns, or None if unknown.
        window: values mapped to 0 and 1, or None if unknown.
        reason: why the window is unknown.
        labels: whether the values look like a mask.
    """

    array: np.ndarray
    spacing: tuple[float, float] | None = None
    window: tuple[float, float] | None = None
    reason: str = ""
    labels: bool = False

    @property
    def colored(self) -> bool:
        """Whether the channels differ."""
        return self.array.ndim == 3 and bool((self.array != self.array[..., :1]).any())


def plain(array: np.ndarray) -> Values:
    """Values of a picture or an array, whose file does not give units."""
    low, high = array.min(), array.max()
    if not np.isfinite([low, high]).all():
        raise ValueError("contains NaN or infinite values")
    if wrapped(array):
        raise ValueError(WRAPPED)
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
    """The values mapped to 0 and 1; those of the configuration take precedence.

    Raises:
        DataError: the window is unknown or reversed.
    """
    chosen = window or values.window
    if chosen is None:
        raise DataError(f"{path}: {values.reason}; set {proposed(values.array)}")
    low, high = chosen
    if not low < high:
        raise DataError(f"window {low:g}, {high:g} of {path}: the first must be the smaller value")
    return low, high


def proposed(array: np.ndarray) -> str:
    """Proposal of a window from the values of an image, appended to an error message."""
    low, high = (float(f"{v:.4g}") for v in np.percentile(array, (0.5, 99.5)))
    high = high if high > low else low + 1
    return f"`window`, for example [{low:g}, {high:g}], between which 99 % of its values lie"


def wrapped(array: np.ndarray) -> bool:
    """Whether integers of 16 bits without sign are negative and positive ones: few are between."""
    if array.dtype.kind != "u" or array.dtype.itemsize != 2:
        return False
    top = np.iinfo(array.dtype).max
    low, high = array < top // 8, array > top - top // 8
    return bool((low | high).all() and low.any() and (high & (array < top)).mean() > 0.01)


def could_be_hu(values: np.ndarray) -> bool:
    """Whether values of a volume can be Hounsfield units: some air, and enough tissue."""
    low, high = values.min(), values.max()
    if low > -500 or high < -100 or not np.isfinite([low, high]).all():
        return False
    sample = _sample(values)
    air, soft = (sample > -1100) & (sample < -700), (sample > -200) & (sample < 200)
    padding = (sample == low) & (low < -1100)
    inside = ((sample > -3100) & (sample < 5000)) | padding
    return bool(inside.mean() > 0.98 and (air | soft | padding).mean() > TISSUE)


def could_be_labels(values: np.ndarray) -> bool:
    """Whether the values of a volume are organ labels or a mask."""
    if values.min() < 0:
        return False
    if values.dtype.kind == "f" and not np.equal(np.mod(values, 1), 0).all():
        return False
    return bool(values.max() <= FEW) or len(np.unique(_sample(values))) <= 2


def _sample(values: np.ndarray) -> np.ndarray:
    """About a million evenly spaced values."""
    return values.ravel()[:: max(1, values.size // 1_000_000)]


def grey_or_color(array: np.ndarray, color: bool) -> np.ndarray:
    """Float image: (H, W), the luminance of color images, or (3, H, W) with ``color``."""
    pixels = array.astype(np.float32)
    if pixels.ndim == 2:
        return np.stack([pixels] * 3) if color else pixels
    return np.moveaxis(pixels, -1, 0) if color else pixels @ LUMINANCE


def _few_values(array: np.ndarray) -> bool:
    """Whether a picture has only black and white, or only a few small integers."""
    if array.dtype.kind == "f" or array.ndim > 2:
        return False
    low, high = int(array.min()), int(array.max())
    if low != 0 or high not in (*range(1, FEW + 1), *BLACK_AND_WHITE):
        return False
    return len(np.unique(array)) <= (2 if high in BLACK_AND_WHITE else CLASSES)
