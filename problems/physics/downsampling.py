"""Down-sampling by an integer factor as one matrix per axis: batched, with an exact adjoint."""

import torch
import torch.nn.functional as F
from deepinv.physics import LinearPhysics


def downsampling_matrix(size: int, factor: int, kernel: str) -> torch.Tensor:
    """Matrix (size / factor, size) that down-samples one axis; each row sums to 1.

    Args:
        size: number of pixels, a multiple of ``factor``.
        factor: number of pixels that are merged into one.
        kernel: "average" of the ``factor`` pixels, or "bicubic": Keys' cubic with a = -1/2,
            stretched by ``factor`` and centred on them, truncated and renormalised at the border.
    """
    if kernel == "average":
        return torch.eye(size // factor).repeat_interleave(factor, 1) / factor
    pulses = torch.eye(size)[None, None]
    small = (size // factor, size)
    return F.interpolate(pulses, small, mode="bicubic", antialias=True)[0, 0]


class Downsampling(LinearPhysics):
    """Maps (B, C, H, W) to (B, C, H / factor, W / factor), in the units of the image.

    ``A_dagger`` is the pseudo-inverse, that of each axis in turn.

    Args:
        height, width: size of an image.
        factor: down-sampling factor of both sides.
        kernel: "bicubic" or "average".

    Raises:
        ValueError: a side is not a multiple of ``factor``.
    """

    def __init__(self, height: int, width: int, factor: int, kernel: str):
        super().__init__()
        if factor < 1 or height % factor or width % factor:
            raise ValueError(
                f"an image of {height} x {width} cannot be down-sampled by {factor}: "
                "both sides must be multiples of the factor"
            )
        for name, size in (("rows", height), ("columns", width)):
            matrix = downsampling_matrix(size, factor, kernel)
            inverse = torch.linalg.pinv(matrix.double()).float()
            self.register_buffer(name, matrix, persistent=False)
            self.register_buffer(f"{name}_inverse", inverse, persistent=False)

    def A(self, x: torch.Tensor, **kwargs) -> torch.Tensor:
        return self.rows @ x @ self.columns.T

    def A_adjoint(self, y: torch.Tensor, **kwargs) -> torch.Tensor:
        return self.rows.T @ y @ self.columns

    def A_dagger(self, y: torch.Tensor, **kwargs) -> torch.Tensor:
        return self.rows_inverse @ y @ self.columns_inverse.T
