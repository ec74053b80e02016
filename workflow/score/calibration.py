"""Error bars from the spread of samples, of a width that was found on other images.

Split conformal prediction with the spread as scale (Lei, G'Sell, Rinaldo, Tibshirani, Wasserman,
Journal of the American Statistical Association 113, 2018, 1094-1111, section 5.2): the bar of a
pixel is q (s + e), q the quantile of |x - mean| / (s + e) over the pixels of calibration images and
e a floor. That a new pixel is covered with the wanted probability holds if it and those of the
calibration images are exchangeable. Pixels of another patient are not, so that the coverage of test
images is measured.
"""

from math import ceil

import numpy as np

from workflow.score.levels import BAR, FLOOR


def scale(errors: np.ndarray, std: np.ndarray) -> float:
    """q: the ceil((N + 1) BAR)-th smallest of N ratios; infinite if there are too few.

    Args:
        errors: absolute errors of the mean of calibration images, any shape.
        std: standard deviations of their samples, of the same shape.
    """
    ratios = np.sort((errors / (std + FLOOR)).ravel())
    place = ceil((len(ratios) + 1) * BAR)
    return float(ratios[place - 1]) if place <= len(ratios) else float("inf")


def bars(std: np.ndarray, factor: float | np.ndarray) -> np.ndarray:
    """Half the width of the error bar of every pixel, ``factor`` being that of ``scale``."""
    return factor * (std + FLOOR)
