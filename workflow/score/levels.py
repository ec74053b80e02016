"""Levels at which samples are scored, and the names of their columns."""

LEVELS = (0.5, 0.8, 0.9, 0.95)  # of credible intervals
CREDIBILITIES = tuple(k / 20 for k in range(1, 20))  # of TARP
BAR = 0.9  # share of pixels that a calibrated error bar is to cover
FLOOR = 0.25 / 255  # added to the standard deviation of a pixel, image units
POINT = ("residual_chi2", "crps")  # scores that point estimators have as well, beside the PSNR


def name(score: str, level: float) -> str:
    """Column of a score at a level: coverage_95."""
    return f"{score}_{round(100 * level):02d}"


def rank_columns(samples: int) -> list[str]:
    """Columns of the shares of pixels where 0, 1, ..., K samples are below the truth."""
    return [f"rank_{k:02d}" for k in range(samples + 1)]
