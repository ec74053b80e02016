"""Inpainting: some pixels are missing, in all channels.

A x = m x with a mask m of zeros and ones: a fixed random choice of pixels ("pixels"), all but a
central box ("box"), or that of an image file of the images' size, whose non-zero pixels are known.
Its norm is 1 and A^+ = A. Missing pixels are 0 in the measurement; only the known ones have noise.
The baseline gives each missing pixel the value of the nearest known one.

Source: PaDIS shows inpainting in a figure, without numbers.
Deviations: mask, share of known pixels, noise and baseline are our choice.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from deepinv.physics import Inpainting as Mask
from PIL import Image
from pydantic import Field, NonNegativeFloat
from scipy.ndimage import distance_transform_edt

from problems.base import Problem
from problems.files import is_file
from problems.noise import seed_of
from problems.physics.unit_norm import UnitNorm

PICTURES = (".png", ".tif", ".tiff", ".bmp")  # of masks; JPEG changes values
GREY = ("1", "L", "I", "I;16", "I;16B", "F")  # modes of Pillow


class Inpainting(Problem):
    label = "Inpainting"
    reference = "Hu, Song, Xu, Shen, Fessler, NeurIPS 2024, arXiv 2406.02462"

    @dataclass(frozen=True)
    class Params:
        mask: str = "pixels"  # or "box", or a file: PNG, TIFF, BMP or NPY
        keep: Annotated[float, Field(gt=0, le=1)] = 0.3  # share of known pixels, "pixels" only
        box: Annotated[float, Field(gt=0, lt=1)] = 0.35  # relative sides of the box, "box" only
        noise_level: NonNegativeFloat = 0.01  # std of the noise, in units of the image

    @classmethod
    def check(cls, params, size):
        if params.mask not in ("pixels", "box"):
            read_mask(params.mask, size)

    def build(self, cache):
        mask = self._mask()
        physics = UnitNorm(Mask(self.shape, mask.expand(self.shape).float()), self.shape, norm=1.0)
        physics.register_buffer("nearest", nearest_known(mask), persistent=False)
        return physics, physics.norm

    def _mask(self) -> torch.Tensor:
        """Mask of known pixels, bool (H, W)."""
        p, (height, width) = self.params, self.shape[1:]
        if p.mask not in ("pixels", "box"):
            return read_mask(p.mask, (height, width))
        if p.mask == "box":
            rows, columns = round(p.box * height), round(p.box * width)
            if not (0 < rows < height and 0 < columns < width):
                raise ValueError(
                    f"box {p.box} of {height} x {width} pixels leaves no missing pixel or no "
                    "known pixel"
                )
            top, left = (height - rows) // 2, (width - columns) // 2
            mask = torch.ones(height, width, dtype=torch.bool)
            mask[top : top + rows, left : left + columns] = False
            return mask
        known = round(p.keep * height * width)
        if not 0 < known <= height * width:
            raise ValueError(f"keep must be in (0, 1] and leave a known pixel, not {p.keep}")
        seed = seed_of("inpainting mask", self.shape, float(p.keep))
        order = torch.randperm(height * width, generator=torch.Generator().manual_seed(seed))
        return (order < known).reshape(height, width)

    def measure(self, x, noise):
        return self.physics.A(super().measure(x, noise))  # no noise on missing pixels

    def baseline(self, y):
        return y.flatten(2)[..., self.physics.nearest].reshape(y.shape).clamp(0, 1)


def read_mask(path: str, size: tuple[int, int]) -> torch.Tensor:
    """The mask of known pixels in an image file, bool (H, W); pixels other than 0 are known.

    Raises:
        ValueError: there is no such file, it cannot be read, is not of ``size``, or leaves no
            missing or no known pixel.
    """
    suffix = Path(path).suffix.lower()
    if not is_file(path) or suffix not in (*PICTURES, ".npy"):
        kinds = ", ".join((*PICTURES, ".npy"))
        raise ValueError(f"mask must be 'pixels', 'box' or a file ending in {kinds}, not {path!r}")
    if not Path(path).is_file():
        raise ValueError(f"mask: there is no file {path}")
    try:
        known = torch.from_numpy(_pixels(Path(path)) != 0)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"mask {path} cannot be read ({reason}); repair it") from error
    known = known.any(-1) if known.ndim == 3 and known.shape[-1] == 3 else known
    if tuple(known.shape) != size:
        sizes = [" x ".join(map(str, each)) for each in (known.shape, size)]
        raise ValueError(
            f"mask {path} has {sizes[0]} pixels, the images {sizes[1]}; give both one size"
        )
    if known.all() or not known.any():
        what = "missing: set those to 0" if known.all() else "known: set those to 255"
        raise ValueError(f"mask {path}: no pixel is {what}")
    return known


def _pixels(path: Path) -> np.ndarray:
    """Values of the one image in a file, (H, W) or (H, W, 3)."""
    if path.suffix.lower() == ".npy":
        return np.load(path, allow_pickle=False)
    with Image.open(path) as file:
        count = getattr(file, "n_frames", 1)
        if count > 1:
            raise ValueError(f"{count} images in place of one")
        return np.array(file if file.mode in GREY else file.convert("RGB"))


def nearest_known(mask: torch.Tensor) -> torch.Tensor:
    """Flat index of the nearest true pixel for each pixel of a bool mask (H, W): (H * W,)."""
    rows, columns = distance_transform_edt(
        ~mask.numpy(), return_distances=False, return_indices=True
    )
    return torch.from_numpy(rows * mask.shape[1] + columns).long().flatten()
