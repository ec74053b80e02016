"""Computed tomography: few views, a fan beam or a limited angle, optionally with photon noise.

Geometry of PaDIS (arXiv 2406.02462, section 4) scaled with the image: the longer side of the image
covers 40 length units, the flat detector 80, with bins as wide as a pixel. A maps an image to its
line integrals; it is divided by its spectral norm. The baseline is filtered back-projection with a
Hann filter. The published noise level is 0.

``angles`` takes the place of ``views`` and ``arc``: a list of angles in degrees, or a text file
with one per line. 0 is where ``arc`` starts, whose ``views`` lie at the centres of equal intervals.
The order of the list does not matter: views are measured in ascending order, modulo 180 degrees
(parallel beam: the opposite view has the same rays) or 360 (fan beam). The baseline weights each
view with the mean of its distances to its neighbours.

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
from pathlib import Path
from typing import Annotated, Literal

import torch
from deepinv.physics import LogPoissonNoise
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from problems.base import Problem
from problems.files import is_file
from problems.physics.tomography import HALF_WIDTH, Geometry, Tomography

WATER = 0.2  # attenuation per cm at 60 keV, as in LoDoPaB-CT
TURN = {"parallel": 180.0, "fan": 360.0}  # degrees after which a view has the same rays
RADIANS = 3.2  # more than three angles in [0, 3.2] are taken for radians
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
        angles: tuple[float, ...] | str | None = None  # degrees, or a file of them; not views, arc
        cutoff: Annotated[float, Field(gt=0, le=1)] = 0.9  # of the Hann filter of the baseline
        noise_level: NonNegativeFloat = 0.0  # std of the noise, in units of the line integrals
        model_error: NonNegativeFloat = 0.0  # std of A x - y without noise, in the same units
        photons: PositiveFloat | None = None  # per bin and view without object; null: not counted
        width: PositiveFloat = 32.0  # cm that the longer side of the image covers
        attenuation: PositiveFloat = 0.44  # per cm of pixel value 1: 1200 HU, where 0 is air

    def __init__(self, shape, params, cache=None):
        angles = views_of(params)
        self.geometry = Geometry(
            params.beam,
            params.views,
            math.radians(params.arc),
            cutoff=params.cutoff,
            angles=angles and tuple(map(math.radians, angles)),
        )
        self.cache = cache
        super().__init__(shape, params, cache)
        if params.photons is not None:
            self.noise_level = self._counting_noise()
        if params.model_error:
            self.noise_level = math.hypot(self.noise_level, params.model_error / self.norm)

    @classmethod
    def check(cls, params, size):
        views_of(params)
        if params.photons is not None and params.noise_level:
            raise ValueError("photons and noise_level are two noise models: set only one")

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


def views_of(params: CT.Params) -> tuple[float, ...] | None:
    """The views that ``angles`` asks for, ascending degrees in [0, 180) or [0, 360), or None.

    Raises:
        ValueError: the file is missing or holds something else than a number per line; there is no
            angle, one that is not finite, two that are the same view, or they look like radians.
    """
    if params.angles is None:
        return None
    angles = params.angles
    if isinstance(angles, str):
        angles = _read(angles)
    if not angles:
        raise ValueError("angles: there is none; list at least one, in degrees")
    if not all(map(math.isfinite, angles)):
        raise ValueError("angles: NaN and infinity are no angles; remove them")
    if len(angles) > 3 and min(angles) >= 0 and max(angles) <= RADIANS:
        raise ValueError(
            f"angles: all {len(angles)} lie in [0, {RADIANS:g}], as radians do; write degrees"
        )
    turn, found = TURN[params.beam], {}
    for angle in angles:
        view = round(angle % turn, 6) % turn
        if view in found:
            raise ValueError(
                f"angles: {found[view]:g} and {angle:g} degrees are the same view of a "
                f"{params.beam} beam; remove one"
            )
        found[view] = angle
    return tuple(sorted(found))


def _read(path: str) -> list[float]:
    """Angles from a text file, one per line; empty lines and what follows # do not count."""
    if not is_file(path):
        raise ValueError(
            f"angles: {path!r} is neither a list of degrees nor a text file such as angles.txt"
        )
    if not Path(path).is_file():
        raise ValueError(f"angles: there is no file {path}")
    found = []
    for number, line in enumerate(Path(path).read_text(errors="replace").splitlines(), start=1):
        text = line.partition("#")[0].strip()
        try:
            found += [float(text)] if text else []
        except ValueError:
            raise ValueError(
                f"{path}, line {number}: {text[:40]!r} is not one angle in degrees"
            ) from None
    return found
