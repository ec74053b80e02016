"""Error bars from the spread of samples, scaled on other images.

Split conformal prediction with the spread as scale (Lei, G'Sell, Rinaldo, Tibshirani, Wasserman,
Journal of the American Statistical Association 113, 2018, 1094-1111, section 5.2): the bar of a
pixel is q (s + e), q the quantile of |x - mean| / (s + e) over the pixels of calibration images and
e a floor. A new pixel is covered with the wanted probability if it is exchangeable with those of
the calibration images. Pixels of another patient are not, so the coverage of test images is
measured. Pixels with neither error nor spread (air, clipped to 0) are left out of both.
"""

from math import ceil

import numpy as np

BAR = 0.9  # share of pixels that an error bar is to cover
FLOOR = 0.25 / 255  # added to the standard deviation of a pixel, image units


def scale(errors: np.ndarray, std: np.ndarray) -> float:
    """q: the ceil((N + 1) BAR)-th smallest of N ratios; infinite if there are too few.

    Args:
        errors: absolute errors of the mean of calibration images, any shape.
        std: standard deviations of their samples, of the same shape.
    """
    ratios = np.sort((errors / (std + FLOOR))[(errors > 0) | (std > 0)])
    place = ceil((len(ratios) + 1) * BAR)
    return float(ratios[place - 1]) if place <= len(ratios) else float("inf")


def bars(std: np.ndarray, factor: float | np.ndarray) -> np.ndarray:
    """Half-width of the error bar of every pixel; ``factor`` is what ``scale`` returns."""
    return factor * (std + FLOOR)


def coverage(errors: np.ndarray, std: np.ndarray, factor: float) -> float:
    """Share of pixels whose error is within the bar; NaN if all are left out."""
    covered = (errors <= bars(std, factor))[(errors > 0) | (std > 0)]
    return float(covered.mean()) if covered.size else float("nan")
