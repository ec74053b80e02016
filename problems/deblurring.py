"""Deblurring: every channel is convolved with a uniform square kernel.

A x = k * x with k = 1 / size^2 on size x size pixels; ``padding`` extends the image beyond its
border, and the measurement has the size of the image. A is divided by its spectral norm. The
baseline is the blurred noisy image itself.

Source: PaDIS deblurs with a uniform kernel (its public code) and adds noise of standard deviation
0.01 to images in [0, 1]; its heavy blur is 17 x 17. The size 9 of the other blur is inferred from
the baselines in its tables.
Deviations: the border handling is not published; "reflect" is that of the DPS code. The noise of
the heavy blur is assumed to equal that of the other one.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from deepinv.physics import Blur
from pydantic import Field, NonNegativeFloat

from problems.base import Problem
from problems.physics.unit_norm import UnitNorm


class Deblurring(Problem):
    label = "Deblurring"
    reference = "Hu, Song, Xu, Shen, Fessler, NeurIPS 2024, arXiv 2406.02462, section 4"
    has_pseudo_inverse = False  # A_dagger iterates on least squares

    @dataclass(frozen=True)
    class Params:
        kernel_size: Annotated[int, Field(ge=3)] = 9  # side of the kernel in pixels, odd
        padding: Literal["reflect", "replicate", "circular"] = "reflect"  # beyond the border
        noise_level: NonNegativeFloat = 0.01  # std of the noise, in units of the image

    def build(self, cache):
        size = self.params.kernel_size
        if size < 3 or size % 2 == 0:
            raise ValueError(f"kernel_size must be odd and at least 3, not {size}")
        if size > min(self.shape[1:]):
            raise ValueError(
                f"kernel_size {size} is larger than the image, "
                f"{self.shape[1]} x {self.shape[2]} pixels"
            )
        kernel = torch.full((1, self.shape[0], size, size), 1 / size**2)
        physics = UnitNorm(Blur(kernel, self.params.padding), self.shape)
        return physics, physics.norm

    def baseline(self, y):
        return (y * self.norm).clamp(0, 1)
