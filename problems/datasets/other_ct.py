"""CT unlike the slices of ``chest_ct``, for testing priors under distribution shift.

``head_abdomen``: two head slices and one abdomen slice (patient prone), all 512 x 512.
``lung_crops``: evenly spaced slices of four patients with a lung tumour, cropped to one lung, with
sides of 136 to 204 pixels of 0.98 mm. There are test images only.
"""

import io
import zipfile
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import PositiveInt

from problems.datasets.base import Dataset, RawImage
from problems.datasets.sources import installed, verify

PYDICOM_HEAD = (  # file of the installed package pydicom, and its SHA-256
    "data/test_files/J2K_pixelrep_mismatch.dcm",
    "2df92c523d36639e4d88f892f47e4f6616c48ab017a445a6241ffe38b2d07bbf",
)


class OtherCT(Dataset):
    label = "CT of other regions"
    reference = (
        "CQ500: Chilamkurthy et al., Lancet 2018, doi 10.1016/S0140-6736(18)31645-3; Pancreas-CT: "
        "Roth et al., TCIA 2016, doi 10.7937/K9/TCIA.2016.tNB1kqBU, both in pydicom-data; a head "
        "in pydicom; Radiomics Digital Phantom: Lambin, CancerData 2016, doi "
        "10.17195/candat.2016.08.1"
    )
    licence = (
        "CQ500: CC BY-NC-SA 4.0; Pancreas-CT: CC BY 3.0; head of pydicom: not stated, the package "
        "is MIT; Radiomics Digital Phantom: CC BY-NC 3.0"
    )
    downloads = ("head", "abdomen", "lung_crops")
    splits = ("test",)

    @dataclass(frozen=True)
    class Params:
        part: Literal["head_abdomen", "lung_crops"] = "head_abdomen"
        window: tuple[float, float] = (-1000.0, 1200.0)  # HU mapped to 0 and 1
        slices: PositiveInt = 3  # per patient of lung_crops, without the ends of the volume

    def images(self, split):
        if split != "test":
            return
        if self.params.part == "head_abdomen":
            head = installed("pydicom", *PYDICOM_HEAD)
            yield self._image("cq500_head", "cq500_head", verify("head", self.folder).read_bytes())
            yield self._image("pydicom_head", "pydicom_head", head.read_bytes())
            abdomen = verify("abdomen", self.folder).read_bytes()
            yield self._image("pancreas_ct", "pancreas_ct", abdomen)
            return
        with zipfile.ZipFile(verify("lung_crops", self.folder)) as archive:
            for number in range(1, 5):
                folder = f"cerr/datasets/radiomics_phantom_dicom/pat_{number}/DCM_IMG_"
                slices = sorted(name for name in archive.namelist() if name.startswith(folder))
                for k in np.linspace(0, len(slices) - 1, self.params.slices + 2)[1:-1].round():
                    data = archive.read(slices[int(k)])
                    yield self._image(f"crop{number}_{int(k):02d}", f"crop{number}", data)

    def _image(self, name: str, patient: str, data: bytes) -> RawImage:
        import pydicom

        stored = pydicom.dcmread(io.BytesIO(data))
        hu = stored.pixel_array.astype(np.float32) * float(stored.RescaleSlope)
        hu = hu + float(stored.RescaleIntercept)
        rows, columns = map(float, stored.PixelSpacing)
        return RawImage(name, patient, hu, self.params.window, (rows, columns))
