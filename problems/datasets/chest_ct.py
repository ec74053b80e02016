"""Axial slices of three chest CT patients; each is the test patient of one fold.

In each fold one patient is for testing, one for training, and one for training and validation.
The validation images are a contiguous slab of slices with unused guard slices on both sides,
because neighbouring slices are nearly identical. Test slices show lungs and end below the
shoulders, where the body leaves the image. They exclude the validation slices of other folds, so
that no parameter is chosen on a test slice.
"""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from problems.datasets.base import Dataset, RawImage
from problems.datasets.reading.geometry import volume
from problems.datasets.sources import verify


class Patient(NamedTuple):
    """Ranges of slices, counted from the feet: first and last + 1; guard slices on each side."""

    test: tuple[int, int]
    validation: tuple[int, int] = (0, 0)
    guard: int = 0

    def near_validation(self, k: int) -> bool:
        low, high = self.validation
        return low < high and low - self.guard <= k < high + self.guard


PATIENTS = {
    "lidc_idri_0001": Patient((36, 114), (70, 90), 4),  # of 133 slices
    "lung1": Patient((0, 38)),  # of 48
    "lung2": Patient((9, 54), (25, 35), 2),  # of 61
}
FOLDS = (  # patient for testing, for validation and training, for training only
    ("lung1", "lidc_idri_0001", "lung2"),
    ("lung2", "lidc_idri_0001", "lung1"),
    ("lidc_idri_0001", "lung2", "lung1"),
)


class ChestCT(Dataset):
    label = "chest CT"
    reference = (
        "LIDC-IDRI-0001: Armato et al., TCIA 2015, doi 10.7937/K9/TCIA.2015.LO9QL9SX; "
        "lung1, lung2: sample images of PyRadiomics, van Griethuysen et al., Cancer Research 2017"
    )
    licence = "LIDC-IDRI: CC BY 3.0; lung1 and lung2: BSD-3-Clause (PyRadiomics)"
    downloads = ("lidc_idri_0001", "lung1", "lung2")

    @dataclass(frozen=True)
    class Params:
        window: tuple[float, float] = (-1000.0, 1200.0)  # HU mapped to 0 and 1
        fold: Annotated[int, Field(ge=1, le=3)] = 1  # determines the test patient

    def images(self, split):
        test, both, other = FOLDS[self.params.fold - 1]
        if split == "train":
            yield from self._slices(both, lambda k: not PATIENTS[both].near_validation(k))
            yield from self._slices(other, lambda k: True)
        elif split == "validation":
            yield from self._slices(both, lambda k: k in range(*PATIENTS[both].validation))
        else:
            patient = PATIENTS[test]
            yield from self._slices(
                test, lambda k: k in range(*patient.test) and not patient.near_validation(k)
            )

    def _slices(self, patient, wanted):
        scan = volume(verify(patient, self.folder))
        for k in filter(wanted, range(len(scan.slices))):
            hu = np.clip(scan.slices[k].astype(np.float32), -1024, 3071)
            yield RawImage(f"{patient}_{k:03d}", patient, hu, self.params.window, scan.spacing)
