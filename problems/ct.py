"""Computed tomography: few views, a fan beam or a limited angle, optionally with photon noise.

Geometry of PaDIS (arXiv 2406.02462, section 4) scaled with the image: the longer side of the image
covers 40 length units, the flat detector 80, with bins as wide as a pixel. A maps an image to its
line integrals; it is divided by its spectral norm. The baseline is filtered back-projection with a
Hann filter. The published noise level is 0.

With ``photons`` the detector counts photons, and y is the logarithm of the counts (log-Poisson
noise of deepinv; Leuschner, Schmidt, Otero Baguer, Maass, "LoDoPaB-CT, a benchmark dataset for
low-dose computed tomography reconstruction", Scientific Data 2021, doi 10.1038/s41597-021-00893-z):

    N ~ Poisson(photons exp(-k A x)),    y = -log(max(N, 1) / photons) / k

k converts y to attenuation: ||A|| times centimetres per length unit times the attenuation of pixel
value 1 per centimetre. The model has one energy, no scatter and no electronic noise. The standard
deviation of a bin is 1 / (k sqrt(N)). Methods assume white noise; its level is the root mean square
of this over all bins for a disc of water, known before anything is measured.

An image on a finer grid is projected with rays as narrow as its pixels, and a bin is the mean over
the rays that hit it, so the object need not consist of the reconstruction's pixels. (A real bin
sums intensities; its logarithm is smaller by half the variance within the bin.) ``model_error`` is
the resulting error of A: it enters the noise level that methods receive and is not added to y.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from deepinv.physics import LogPoissonNoise
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from problems.base import Problem
from problems.physics.tomography import HALF_WIDTH, Geometry, Tomography

WATER = 0.2  # attenuation per cm at 60 keV, as in LoDoPaB-CT
DISC = 20.0  # cm, diameter of the disc of water; matches validation slices of the chest


class CT(Problem):
    label = "CT"
    reference = "Hu, Song, Xu, Shen, Fessler, NeurIPS 2024, arXiv 2406.02462, section 4"
    finer_grid = True

    @dataclass(frozen=True)
    class Params:
        views: PositiveInt = 20  # number of projections
        beam: Literal["parallel", "fan"] = "parallel"
        arc: PositiveFloat = 180.0  # angular range in degrees
        cutoff: Annotated[float, Field(gt=0, le=1)] = 0.9  # of the Hann filter of the baseline
        noise_level: NonNegativeFloat = 0.0  # std of the noise, in units of the line integrals
        model_error: NonNegativeFloat = 0.0  # std of A x - y without noise, in the same units
        photons: PositiveFloat | None = None  # per bin and view without object; null: not counted
        width: PositiveFloat = 32.0  # cm that the longer side of the image covers
        attenuation: PositiveFloat = 0.44  # per cm of pixel value 1: 1200 HU, where 0 is air

    def __init__(self, shape, params, cache=None):
        self.geometry = Geometry(
            params.beam, params.views, math.radians(params.arc), cutoff=params.cutoff
        )
        self.cache = cache
        super().__init__(shape, params, cache)
        if params.photons is not None:
            if params.noise_level:
                raise ValueError("photons and noise_level are two noise models: set only one")
            self.noise_level = self._counting_noise()
        if params.model_error:
            self.noise_level = math.hypot(self.noise_level, params.model_error / self.norm)

    def build(self, cache):
        physics = Tomography(self.geometry, *self.shape[1:], cache=cache)
        return physics, physics.norm

    def noiseless(self, x):
        factor = x.shape[-1] // self.shape[-1]
        if tuple(x.shape[-2:]) != (factor * self.shape[-2], factor * self.shape[-1]) or factor < 2:
            return self.physics.A(x)  # raises unless the size is that of the reconstruction
        fine = Tomography(self.geometry, *x.shape[-2:], cache=self.cache).to(x.device)
        rays = fine.A(x) * (fine.norm / self.norm)
        return rays.unflatten(-1, (-1, factor)).mean(dim=-1)

    def measure(self, x, noise):
        if self.params.photons is None:
            return super().measure(x, noise)
        y, photons, k = self.noiseless(x), self.params.photons, self._k()
        seeds = noise.integers(2**62, 1).flatten().tolist()
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        counted = [
            LogPoissonNoise(photons, k, rng=generator)(image)
            for image, generator in zip(y.cpu(), generators, strict=True)
        ]
        return torch.stack(counted).clamp(max=math.log(photons) / k).to(y)  # max(N, 1)

    def _k(self) -> float:
        """Attenuation per unit of ``physics``."""
        p = self.params
        return self.norm * p.width / (2 * HALF_WIDTH) * p.attenuation

    def _counting_noise(self) -> float:
        """Root mean square over bins of the standard deviation 1 / (k sqrt(N)) for the disc."""
        pixel = self.params.width / max(self.shape[1:])  # cm
        rows, columns = (pixel * (torch.arange(n) - (n - 1) / 2) for n in self.shape[1:])
        inside = torch.hypot(rows[:, None], columns[None]) <= DISC / 2
        disc = (inside * (WATER / self.params.attenuation)).expand(1, *self.shape)
        counts = self.params.photons * torch.exp(-self._k() * self.physics.A(disc))
        return (1 / counts).mean().sqrt().item() / self._k()
