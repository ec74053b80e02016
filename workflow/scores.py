"""The table of scores: one row per problem, method, variant, seed and image."""

from pathlib import Path

import pandas as pd

COLUMNS = [
    "problem",
    "method",
    "variant",
    "seed",
    "image",
    "cluster",
    "psnr",
    "ssim",
    "ssim_gaussian",
    "residual",
    "denoiser_calls",
    "jacobian_calls",
    "forward_calls",
    "adjoint_calls",
    "dagger_calls",
    "seconds",
    "peak_memory_mb",
    "status",
    "reason",
]
TEXT = ("problem", "method", "variant", "image", "cluster", "status", "reason")


def read_scores(path: Path | str) -> pd.DataFrame:
    """Read a table of scores; text that is absent is an empty string."""
    return pd.read_csv(path, dtype=dict.fromkeys(TEXT, str)).fillna(dict.fromkeys(TEXT, ""))
