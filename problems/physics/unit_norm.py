"""Any linear operator of deepinv, divided by its spectral norm."""

import math

import numpy as np
import torch
from deepinv.physics import LinearPhysics, Physics
from scipy.sparse.linalg import LinearOperator, eigsh

from problems.base import Shape


def measured(physics: Physics, x: torch.Tensor) -> torch.Tensor:
    """A x, without noise.

    Raises:
        ValueError: the class is not a LinearPhysics, or measurements are not real.
    """
    if not isinstance(physics, LinearPhysics):
        name = type(physics).__name__
        raise ValueError(f"{name} is not a LinearPhysics: only linear problems are supported")
    try:
        y = physics.A(x)
    except RuntimeError as error:
        raise ValueError(f"A fails for a real image {tuple(x.shape[1:])}: {error}") from error
    if y.is_complex():
        raise ValueError(
            f"A x is {y.dtype}, measurements must be real: let A end with "
            "torch.view_as_real(y).movedim(-1, 1) and let A_adjoint accept that"
        )
    return y


def spectral_norm(physics: LinearPhysics, shape: Shape) -> float:
    """Largest singular value for images of ``shape`` (C, H, W), relative error below 1e-5.

    Lanczos iterations on A^T A from a fixed random image. The power method takes ten times as long
    for a blur of 256 x 256 pixels and may stop at a wrong value for a bicubic kernel.

    Raises:
        ValueError: the operator maps every image to zero, or ``measured`` raises.
    """
    pixels = math.prod(shape)

    def gram(v):
        x = torch.from_numpy(np.array(v, dtype=np.float32)).reshape(1, *shape)
        return physics.A_adjoint(physics.A(x)).numpy().ravel()

    start = torch.rand(pixels, generator=torch.Generator().manual_seed(0)).numpy()
    with torch.no_grad():
        measured(physics, torch.from_numpy(start).reshape(1, *shape))
        if not gram(start).any():
            raise ValueError("the operator maps every image to zero")
        operator = LinearOperator((pixels, pixels), gram, dtype=np.float32)
        (square,) = eigsh(
            operator, 1, which="LA", v0=start, tol=1e-6, return_eigenvectors=False, rng=0
        )
    return math.sqrt(square)


class UnitNorm(LinearPhysics):
    """``inner / norm`` for images of one shape.

    ``A`` and ``A_adjoint`` are those of ``inner`` divided by ``norm``; ``A_dagger`` multiplies the
    measurement by ``norm`` and applies that of ``inner``.

    Args:
        inner: the operator, on the CPU; ``.to(device)`` moves it afterwards.
        shape: (C, H, W) of an image.
        norm: spectral norm of ``inner`` if known; computed otherwise.

    Attributes:
        norm: spectral norm of ``inner``.
    """

    def __init__(self, inner: LinearPhysics, shape: Shape, norm: float | None = None):
        super().__init__()
        self.inner = inner
        self.shape = tuple(shape)
        self.norm = spectral_norm(inner, self.shape) if norm is None else norm

    def A(self, x: torch.Tensor, **kwargs) -> torch.Tensor:
        if tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"image is {tuple(x.shape[1:])}, the operator expects {self.shape}")
        return self.inner.A(x) / self.norm

    def A_adjoint(self, y: torch.Tensor, **kwargs) -> torch.Tensor:
        return self.inner.A_adjoint(y) / self.norm

    def A_dagger(self, y: torch.Tensor, **kwargs) -> torch.Tensor:
        return self.inner.A_dagger(self.norm * y)
