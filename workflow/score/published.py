"""The numbers of the paper, from the sources named in ``results/published/README.md``."""

from functools import cache
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


def in_paper(row: str, published_as: str = "") -> bool:
    """Whether the paper has numbers of a row.

    Args:
        row: name.
        published_as: "problem/method/variant" of the number beside which a table shows the row.
    """
    return row in _methods() or bool(published_as)


@cache
def _methods() -> frozenset[str]:
    return frozenset(load()["method"])
