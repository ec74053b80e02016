"""Slices of volumes (NIfTI, NRRD, MetaImage), with units inferred from the whole volume."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from problems.datasets.base import DataError
from problems.datasets.reading.geometry import Volume, volume
from problems.datasets.reading.units import CT_WINDOW, Values, could_be_hu, could_be_labels


def slice_of(path: Path, k: int, plane: str) -> Values:
    """A slice of a volume, with units inferred from the whole volume."""
    whole, units = _last(path, plane, path.stat().st_mtime_ns)
    return units._replace(array=whole.slices[k])


@lru_cache(maxsize=1)
def _last(path: Path, plane: str, _changed: int) -> tuple[Volume, Values]:
    """The volume read last, cached because its slices are requested one after another."""
    whole = volume(path, plane)
    if not np.isfinite(whole.slices).all():
        raise DataError(f"{path}: contains NaN or infinite values; repair or remove it")
    hu = could_be_hu(whole.slices)
    low, high = whole.slices.min(), whole.slices.max()
    reason = "" if hu else f"values {low:g} to {high:g} cannot be Hounsfield units"
    labels = could_be_labels(whole.slices)
    return whole, Values(whole.slices, whole.spacing, CT_WINDOW if hu else None, reason, labels)
