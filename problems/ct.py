"""Computed tomography from few views, a fan beam or a limited angle.

Geometry of PaDIS (arXiv 2406.02462, section 4) scaled with the image: the longer side of the image
covers 40 length units, the flat detector 80, with bins as wide as a pixel. A maps an image to its
line integrals; it is divided by its spectral norm. The baseline is filtered back-projection with a
Hann filter. The published noise level is 0.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from problems.base import Problem
from problems.physics.tomography import Geometry, Tomography


class CT(Problem):
    label = "CT"
    reference = "Hu, Song, Xu, Shen, Fessler, NeurIPS 2024, arXiv 2406.02462, section 4"

    @dataclass(frozen=True)
    class Params:
        views: PositiveInt = 20  # number of projections
        beam: Literal["parallel", "fan"] = "parallel"
        arc: PositiveFloat = 180.0  # angular range in degrees
        cutoff: Annotated[float, Field(gt=0, le=1)] = 0.9  # of the Hann filter of the baseline
        noise_level: NonNegativeFloat = 0.0  # std of the noise, in units of the line integrals

    def build(self, cache):
        p = self.params
        geometry = Geometry(p.beam, p.views, math.radians(p.arc), cutoff=p.cutoff)
        physics = Tomography(geometry, *self.shape[1:], cache=cache)
        return physics, physics.norm
