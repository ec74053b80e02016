"""The interface of an inverse problem."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from deepinv.physics import LinearPhysics
from pydantic import NonNegativeFloat

from problems.noise import ImageNoise

Shape = tuple[int, int, int]


class Problem(ABC):
    """y = A x + sigma_y n for images x of one shape. Holds the operator, never an image.

    A subclass is one file in ``problems/``: a family of problems whose members differ in
    ``Params``. The file name is the name of the family.

    Attributes:
        physics: deepinv ``LinearPhysics`` with spectral norm 1. ``A`` maps (B, C, H, W) to
            measurements with B as first axis, ``A_adjoint`` is its exact transpose and
            ``A_dagger`` an approximate inverse.
        norm: spectral norm of the operator before it was scaled to 1. A published step size zeta
            of a data step ``zeta * grad ||y - A x||`` becomes ``zeta * norm`` for ``physics``, a
            published weight lambda beside ``||A x - y||^2 / 2`` becomes ``lambda / norm**2``.
        noise_level: standard deviation sigma_y of the measurement noise that methods assume, in the
            units of ``physics``: that of ``Params`` divided by ``norm``, unless the problem has a
            different noise model.
        shape: (C, H, W) of an image.
        has_pseudo_inverse: whether ``A_dagger`` neither amplifies noise strongly nor needs many
            iterations.
        finer_grid: whether ``measure`` also accepts images on a finer grid, with an integer
            oversampling factor.
    """

    label: ClassVar[str]
    reference: ClassVar[str]
    has_pseudo_inverse: ClassVar[bool] = True
    finer_grid: ClassVar[bool] = False

    @dataclass(frozen=True)
    class Params:
        """Parameters of the family; unknown names raise TypeError.

        One of them is ``noise_level``, the standard deviation of the noise in the units of the
        operator before it was scaled to norm 1, as in papers.
        """

        noise_level: NonNegativeFloat = 0.0

    def __init__(self, shape: Shape, params: "Problem.Params", cache: Path | None = None):
        self.check(params, tuple(shape[1:]))
        self.shape = tuple(shape)
        self.params = params
        self.physics, self.norm = self.build(cache)
        self.noise_level = params.noise_level / self.norm

    @classmethod  # noqa: B027
    def check(cls, params: "Problem.Params", size: tuple[int, int]) -> None:
        """Refuse parameters that do not fit each other or images of ``size`` (H, W).

        It is called when a run starts, before anything is measured; it builds no operator.

        Raises:
            ValueError: one line that names the fix.
        """

    @abstractmethod
    def build(self, cache: Path | None) -> tuple[LinearPhysics, float]:
        """Return the unit-norm physics and the norm that was divided out.

        Args:
            cache: folder for matrices that are slow to compute, or None to cache nothing.
        """

    def baseline(self, y: torch.Tensor) -> torch.Tensor:
        """Baseline reconstruction, (B, C, H, W), clipped to [0, 1]."""
        return self.physics.A_dagger(y).clamp(0, 1)

    def noiseless(self, x: torch.Tensor) -> torch.Tensor:
        """Noiseless measurement; for an image on a finer grid it differs from ``physics.A``."""
        return self.physics.A(x)

    def measure(self, x: torch.Tensor, noise: ImageNoise) -> torch.Tensor:
        """Measure the truth ``x`` (B, C, H, W) in [0, 1] with the random numbers of each image."""
        y, std = self.noiseless(x), self.params.noise_level / self.norm
        return y + std * noise.normal_like(y) if std else y

    def to(self, device: torch.device | str) -> "Problem":
        """Move the operator to ``device`` and return self."""
        self.physics.to(device)
        return self
