"""Axial slices of three chest CT patients, split by patient.

Training: LIDC-IDRI-0001 outside the validation slab, and lung2. Validation: a contiguous slab of
LIDC-IDRI-0001 with guard slices on both sides that nothing uses, because neighbouring slices are
nearly the same. Test: lung1, without the slices at the shoulders, where the body leaves the image.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import NonNegativeInt, PositiveInt

from problems.datasets.base import Dataset, RawImage
from problems.datasets.reading.geometry import volume
from problems.datasets.sources import verify


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
        validation: tuple[int, int] = (70, 90)  # slices of LIDC-IDRI-0001, from the feet
        guard: NonNegativeInt = 4  # unused slices on either side of the validation slab
        test_end: PositiveInt = 38  # slices of lung1 below this one are test images

    def images(self, split):
        low, high = self.params.validation
        guard = self.params.guard
        if split == "train":
            yield from self._slices("lidc_idri_0001", lambda k: not low - guard <= k < high + guard)
            yield from self._slices("lung2", lambda k: True)
        elif split == "validation":
            yield from self._slices("lidc_idri_0001", lambda k: low <= k < high)
        else:
            yield from self._slices("lung1", lambda k: k < self.params.test_end)

    def _slices(self, patient, wanted):
        scan = volume(verify(patient, self.folder))
        for k in filter(wanted, range(len(scan.slices))):
            hu = np.clip(scan.slices[k].astype(np.float32), -1024, 3071)
            yield RawImage(f"{patient}_{k:03d}", patient, hu, self.params.window, scan.spacing)
