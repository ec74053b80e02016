"""Super-resolution: the image is measured at a fraction of its resolution.

"bicubic" is down-sampling with the antialiased cubic kernel of the DPS code, which PaDIS uses;
"average" is the mean of factor x factor blocks, as in DDNM. Either is divided by its spectral norm.
The baseline is nearest-neighbour up-sampling. A^+ is the exact pseudo-inverse, as VE-DDNM needs it;
PaDIS has nearest-neighbour up-sampling in its place, which is A^+ for "average" only.

Source: PaDIS, whose first public commit has the bicubic operator and nearest-neighbour up-sampling.
The factor 4 is inferred from the baselines in its tables. The noise of standard deviation 0.01 for
images in [0, 1] is assumed to equal that of its deblurring.
Deviations: at the border the bicubic kernel is truncated and renormalised; DPS mirrors the image.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import NonNegativeFloat, PositiveInt

from problems.base import Problem
from problems.physics.downsampling import Downsampling
from problems.physics.unit_norm import UnitNorm


class Superresolution(Problem):
    label = "Superresolution"
    reference = "Hu, Song, Xu, Shen, Fessler, NeurIPS 2024, arXiv 2406.02462, section 4"

    @dataclass(frozen=True)
    class Params:
        factor: PositiveInt = 4  # down-sampling factor, a divisor of both sides
        kernel: Literal["bicubic", "average"] = "bicubic"
        noise_level: NonNegativeFloat = 0.01  # std of the noise, in units of the image

    def build(self, cache):
        inner = Downsampling(*self.shape[1:], self.params.factor, self.params.kernel)
        physics = UnitNorm(inner, self.shape)
        return physics, physics.norm

    def baseline(self, y):
        factor = self.params.factor
        pixels = (y * self.norm).clamp(0, 1)
        return pixels.repeat_interleave(factor, -2).repeat_interleave(factor, -1)
