"""MRI with one coil: some columns of the Fourier transform of a real image.

y = M F x + n with the orthonormal Fourier transform F and M, which keeps the ``center`` share of
columns around frequency 0 and every ``acceleration``-th column. Real and imaginary part are two
channels, since operators map real images to real measurements. Columns that are not measured are
left out, so that they have no noise. Each channel of an RGB image is measured for itself. The
baseline is zero-filled: A^T y.

Source: Lustig, Donoho, Pauly, Magnetic Resonance in Medicine 2007, doi 10.1002/mrm.21391.
Deviations: the mask is regular.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from deepinv.physics import LinearPhysics
from pydantic import Field, NonNegativeFloat, PositiveInt

from problems.base import Problem
from problems.physics.unit_norm import UnitNorm


class MRI(Problem):
    label = "MRI"
    reference = "Lustig, Donoho, Pauly, MRM 2007, doi 10.1002/mrm.21391"
    has_pseudo_inverse = False

    @dataclass(frozen=True)
    class Params:
        """Which columns are measured, and how well."""

        acceleration: PositiveInt = 4
        center: Annotated[float, Field(ge=0, le=1)] = 0.1  # share of columns
        noise_level: NonNegativeFloat = 0.01  # std of each part, in units of the image

    def build(self, cache):
        height, width = self.shape[1:]
        frequencies = torch.fft.fftfreq(width).abs()
        kept = frequencies <= self.params.center / 2
        kept[:: self.params.acceleration] = True

        def forward(x):
            y = torch.fft.fft2(x, norm="ortho")[..., kept]
            return torch.cat([y.real, y.imag], dim=1)

        def adjoint(y):
            full = torch.zeros(
                len(y), self.shape[0], height, width, dtype=torch.cfloat, device=y.device
            )
            full[..., kept] = torch.complex(*y.chunk(2, dim=1))
            return torch.fft.ifft2(full, norm="ortho").real

        physics = UnitNorm(LinearPhysics(A=forward, A_adjoint=adjoint), self.shape)
        return physics, physics.norm

    def baseline(self, y):
        return self.physics.A_adjoint(y * self.norm).clamp(0, 1)
