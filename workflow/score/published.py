"""The numbers of the paper; ``results/published/README.md`` says where they come from."""

from pathlib import Path

import pandas as pd

PATH = Path(__file__).parents[2] / "results" / "published" / "padis_neurips2024.csv"


def load() -> pd.DataFrame:
    """Return one row per published cell: table, problem, method, variant, psnr, ssim, source, note.

    ``psnr`` (dB) and ``ssim`` are floats, NaN where the paper has no number; all else is text, and
    an empty variant or note is "".
    """
    table = pd.read_csv(PATH, dtype=str, keep_default_na=False)
    for score in ("psnr", "ssim"):
        table[score] = pd.to_numeric(table[score])
    return table
