"""Computed tomography from few views, a fan beam or a limited angle.

Geometry of PaDIS (arXiv 2406.02462, section 4) scaled with the image: the longer side of the image
covers 40 length units, the flat detector 80, with bins as wide as a pixel. A maps an image to its
line integrals; it is divided by its spectral norm. The baseline is filtered back-projection with a
Hann filter. The published noise level is 0.
"""

import math
from dataclasses import dataclass

from problems.base import Problem
from problems.physics.tomography import Geometry, Tomography


class CT(Problem):
    label = "CT"
    reference = "Hu, Song, Xu, Shen, Fessler, NeurIPS 2024, arXiv 2406.02462, section 4"

    @dataclass(frozen=True)
    class Params:
        views: int = 20  # number of projections
        beam: str = "parallel"  # "parallel" or "fan"
        arc: float = 180.0  # angular range in degrees
        cutoff: float = 0.9  # relative cut-off of the Hann filter of the baseline, (0, 1]
        noise_level: float = 0.0  # std of the noise, in units of the line integrals

    def build(self, cache):
        p = self.params
        geometry = Geometry(p.beam, p.views, math.radians(p.arc), cutoff=p.cutoff)
        physics = Tomography(geometry, *self.shape[1:], cache=cache)
        return physics, physics.norm
