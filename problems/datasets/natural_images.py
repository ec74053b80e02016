"""Colour photographs of animals, objects, buildings and landscapes, split by photograph.

19 photographs with ImageNet labels, 512 x 512, JPEG, come from the package foolbox: foolbox_00 to
foolbox_19 without foolbox_10, which is painted over and has a caption. Five come with scikit-image,
which the benchmark requires anyway: astronaut (512 x 512), motorcycle_left (500 x 741), rocket (427
x 640, JPEG), coffee (400 x 600), chelsea (300 x 451).

Training images are disjoint tiles of 13 photographs, for patch priors; they are too few for
whole-image priors. Validation and test images are 4 and 7 uncut photographs. ``load`` crops them to
the config's aspect ratio (squares have sides of 300 to 512 pixels) and averages over areas; it
never enlarges. At 128 x 128, tiles of 128 pixels keep their size and photographs shrink by factors
of 2.3 to 4.
"""

import zipfile
from dataclasses import dataclass

import numpy as np
from PIL import Image
from pydantic import PositiveInt

from problems.datasets.base import DataError, Dataset, RawImage
from problems.datasets.sources import installed, verify

PHOTOGRAPHS = {
    "train": (
        *(f"foolbox_{k:02d}" for k in (1, 2, 3, 6, 7, 8, 9, 11, 12, 13)),
        *("astronaut", "motorcycle_left", "rocket"),
    ),
    "validation": tuple(f"foolbox_{k:02d}" for k in (0, 4, 5, 14)),
    "test": (*(f"foolbox_{k:02d}" for k in range(15, 20)), "chelsea", "coffee"),
}
SKIMAGE = {  # SHA-256 of files of scikit-image
    "astronaut.png": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    "chelsea.png": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    "coffee.png": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    "motorcycle_left.png": "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
    "rocket.jpg": "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
}


class NaturalImages(Dataset):
    label = "photographs"
    reference = (
        "sample images of Foolbox (Rauber et al., Journal of Open Source Software 2020, "
        "doi 10.21105/joss.02607) and of scikit-image (van der Walt et al., PeerJ 2014, "
        "doi 10.7717/peerj.453)"
    )
    licence = (
        "Foolbox: MIT, the licence of its pictures is not stated; scikit-image: astronaut and "
        "rocket public domain, chelsea and coffee CC0, motorcycle_left from Middlebury Stereo 2014"
    )
    downloads = ("foolbox",)

    @dataclass(frozen=True)
    class Params:
        crop: PositiveInt = 128  # side of the training tiles, from the config's size up to 512

    def images(self, split):
        crop = self.params.crop
        if crop < 1:
            raise DataError(f"{self.label}: tiles of {crop} pixels; set `crop` to at least 1")
        with zipfile.ZipFile(verify("foolbox", self.folder)) as archive:
            for name in PHOTOGRAPHS[split]:
                pixels = photograph(name, archive)
                parts = tiles(pixels, crop) if split == "train" else [("", pixels)]
                for place, part in parts:
                    yield RawImage(name + place, name, part)


def photograph(name: str, archive: zipfile.ZipFile) -> np.ndarray:
    """Return a photograph as (3, H, W) float32 in [0, 1], from the package foolbox or scikit-image.

    Raises:
        DownloadError: the file of scikit-image is missing or modified.
    """
    member = next((m for m in SKIMAGE if m.startswith(f"{name}.")), None)
    if member:
        opened = installed("skimage", f"data/{member}", SKIMAGE[member]).open("rb")
    else:
        start = name.replace("foolbox", "foolbox/data/imagenet")
        opened = archive.open(next(n for n in archive.namelist() if n.startswith(start)))
    with opened as file:
        pixels = np.asarray(Image.open(file).convert("RGB"), dtype=np.float32) / 255
    return np.moveaxis(pixels, -1, 0)


def tiles(pixels: np.ndarray, side: int) -> list[tuple[str, np.ndarray]]:
    """Cut (C, H, W) into disjoint squares, on the largest grid that fits, centred on the image.

    Returns:
        ("_r0c1", array (C, side, side)) for row 0 and column 1 of the grid; none if the image is
        smaller than ``side``.
    """
    height, width = pixels.shape[1:]
    rows, columns = height // side, width // side
    top, left = (height - rows * side) // 2, (width - columns * side) // 2
    starts = [(r, c, top + r * side, left + c * side) for r in range(rows) for c in range(columns)]
    return [(f"_r{r}c{c}", pixels[:, y : y + side, x : x + side]) for r, c, y, x in starts]
