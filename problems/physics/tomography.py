"""X-ray transform of ODL and ASTRA as a sparse matrix: batched, differentiable, exact adjoint."""

import hashlib
import importlib.metadata
import json
import warnings
import zipfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from secrets import token_hex

import numpy as np
import torch
from deepinv.physics import LinearPhysics

warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")

HALF_WIDTH = 20.0  # the longer side of the image spans [-20, 20]


@dataclass(frozen=True)
class Geometry:
    """2-D scan as in section 4 of PaDIS; the unit of length is 1/40 of the longer image side.

    Args:
        beam: "parallel" or "fan" (flat detector).
        views: number of projections, at the centres of equal intervals of [0, arc].
        arc: angular range in radians.
        radius: distance of the source and of the detector from the axis (fan beam only).
        cutoff: relative cut-off frequency of the Hann filter of FBP, in (0, 1].
        angles: of the projections in radians, ascending, in place of ``views`` and ``arc``; FBP
            weights each with the mean of its distances to its neighbours.

    The detector is [-40, 40], twice as wide as the image, with bins as wide as a pixel.
    """

    beam: str = "parallel"
    views: int = 20
    arc: float = float(np.pi)
    radius: float = 40.0
    cutoff: float = 0.9
    angles: tuple[float, ...] | None = None

    def ray_transform(self, height: int, width: int):
        """ODL's RayTransform for images of ``height`` x ``width``, on ASTRA's CPU back end."""
        import odl
        from odl.applications import tomo

        side = max(height, width)
        half = HALF_WIDTH * np.array([height, width]) / side
        space = odl.uniform_discr(-half, half, (height, width), dtype="float32")
        if self.angles is None:
            angles = odl.uniform_partition(0, self.arc, self.views)
        else:
            first, last = self.angles[0], self.angles[-1]
            angles = odl.nonuniform_partition(self.angles, min_pt=first - 1, max_pt=last + 1)
        detector = odl.uniform_partition(-2 * HALF_WIDTH, 2 * HALF_WIDTH, 2 * side)
        if self.beam == "parallel":
            geometry = tomo.Parallel2dGeometry(angles, detector)
        elif self.beam == "fan":
            geometry = tomo.FanBeamGeometry(angles, detector, self.radius, self.radius)
        else:
            raise ValueError(f"beam must be 'parallel' or 'fan', not {self.beam!r}")
        return tomo.RayTransform(space, geometry, impl="astra_cpu")


def projection_matrix(transform):
    """Matrix of an ODL RayTransform, computed by ASTRA: CSR (views * bins, H * W)."""
    import astra
    from odl.applications.tomo.backends.astra_cpu import default_astra_proj_type
    from odl.applications.tomo.backends.astra_setup import (
        astra_projection_geometry,
        astra_volume_geometry,
    )

    projector = astra.create_projector(
        default_astra_proj_type(transform.geometry),
        astra_projection_geometry(transform.geometry, "cpu"),
        astra_volume_geometry(transform.domain, "cpu"),
    )
    matrix_id = astra.projector.matrix(projector)
    matrix = astra.matrix.get(matrix_id).tocsr()
    astra.matrix.delete(matrix_id)
    astra.projector.delete(projector)
    return matrix.astype(np.float32)


def filter_matrix(transform, cutoff: float) -> np.ndarray:
    """Hann filter F of FBP along the detector, scaled so that FBP(y) = A^T (y F): (bins, bins)."""
    from odl.applications import tomo

    views, bins = transform.range.shape
    filter_op = tomo.fbp_filter_op(
        transform, padding=True, filter_type="Hann", frequency_scaling=cutoff
    )
    rows = np.zeros((-(-bins // views) * views, bins), dtype=np.float32)
    rows[:bins] = np.eye(bins, dtype=np.float32)
    blocks = [filter_op(block).asarray() for block in rows.reshape(-1, views, bins)]
    # ODL's adjoint is A^T times the ratio of the cell volumes of its two spaces.
    weight = transform.range.cell_volume / transform.domain.cell_volume
    return np.concatenate(blocks)[:bins] * np.float32(weight)


def view_weights(angles: tuple[float, ...]) -> np.ndarray:
    """Weights of projections in FBP, with mean 1: the range of angles that each stands for."""
    ranges = np.gradient(angles) if len(angles) > 1 else np.ones(1)
    return (ranges / ranges.mean()).astype(np.float32)


def spectral_norm(matrix, iterations: int = 200) -> float:
    """Largest singular value of a sparse matrix by the power method, relative error below 1e-4."""
    vector = np.random.default_rng(0).random(matrix.shape[1])
    norm = 0.0
    for _ in range(iterations):
        previous, vector = norm, matrix.T @ (matrix @ (vector / np.linalg.norm(vector)))
        norm = float(np.sqrt(np.linalg.norm(vector)))
        if abs(norm - previous) < 1e-7 * norm:
            break
    return norm


def _arrays(geometry: Geometry, height: int, width: int) -> dict[str, np.ndarray]:
    transform = geometry.ray_transform(height, width)
    matrix = projection_matrix(transform)
    norm = spectral_norm(matrix.astype(np.float64))
    matrix = matrix.multiply(np.float32(1 / norm)).tocsr()
    transpose = matrix.T.tocsr()
    weights = np.ones(geometry.views, dtype=np.float32)
    if geometry.angles is not None:  # the filter is that of as many equally spaced ones
        views, weights = len(geometry.angles), view_weights(geometry.angles)
        transform = replace(geometry, views=views, angles=None).ray_transform(height, width)
    return {
        "norm": np.float64(norm),
        # ||A|| is divided out twice: once in y, once in A^T.
        "filter": filter_matrix(transform, geometry.cutoff) * np.float32(norm**2),
        "weights": weights,
        **{
            f"{name}_{part}": getattr(m, attribute)
            for name, m in (("forward", matrix), ("adjoint", transpose))
            for part, attribute in (("rows", "indptr"), ("columns", "indices"), ("values", "data"))
        },
    }


def _cached_arrays(geometry: Geometry, height: int, width: int, cache: Path | None):
    if cache is None:
        return _arrays(geometry, height, width)
    versions = [importlib.metadata.version(p) for p in ("odl", "astra-toolbox")]
    code = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    key = json.dumps([code, versions, asdict(geometry), height, width], sort_keys=True)
    path = Path(cache) / f"ct-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"
    if path.exists():
        try:
            with np.load(path, allow_pickle=False) as stored:
                return dict(stored)
        except (ValueError, EOFError, zipfile.BadZipFile):  # damaged: compute it again
            path.unlink(missing_ok=True)
    arrays = _arrays(geometry, height, width)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{token_hex(6)}.npz")
    try:
        np.savez(partial, **arrays)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return arrays


class _SparseProduct(torch.autograd.Function):
    """x -> M x with backward pass g -> M^T g; M and M^T are both stored as CSR."""

    @staticmethod
    def forward(ctx, x, matrix, transpose):
        ctx.matrices = matrix, transpose
        return (matrix @ x.T).T

    @staticmethod
    def backward(ctx, grad):
        matrix, transpose = ctx.matrices
        return _SparseProduct.apply(grad, transpose, matrix), None, None


class Tomography(LinearPhysics):
    """Unit-norm X-ray transform of (B, C, H, W) images: ``A`` gives (B, C, views, bins).

    ``A_dagger`` is filtered back-projection, the linear map of ODL's ``fbp_op`` for the unscaled
    operator.

    Attributes:
        norm: spectral norm of the unscaled matrix (line integrals, lengths in geometry units).
    """

    def __init__(self, geometry: Geometry, height: int, width: int, cache: Path | None = None):
        super().__init__()
        self.size = (height, width)
        arrays = _cached_arrays(geometry, height, width, cache)
        self.norm = float(arrays.pop("norm"))
        for name, array in arrays.items():
            self.register_buffer(name, torch.from_numpy(array), persistent=False)
        self.views, self.bins = len(arrays["weights"]), len(arrays["filter"])

    def _matrix(self, name: str, shape: tuple[int, int]) -> torch.Tensor:
        return torch.sparse_csr_tensor(
            *(getattr(self, f"{name}_{part}") for part in ("rows", "columns", "values")),
            size=shape,
            check_invariants=False,
        )

    def _apply_matrix(self, x: torch.Tensor, name: str, other: str) -> torch.Tensor:
        m, n = self.views * self.bins, self.size[0] * self.size[1]
        shape = (m, n) if name == "forward" else (n, m)
        matrix, transpose = self._matrix(name, shape), self._matrix(other, shape[::-1])
        return _SparseProduct.apply(x.flatten(2).flatten(0, 1), matrix, transpose)

    def A(self, x: torch.Tensor, **kwargs) -> torch.Tensor:
        if x.shape[-2:] != self.size:
            raise ValueError(f"image is {tuple(x.shape[-2:])}, the operator expects {self.size}")
        y = self._apply_matrix(x, "forward", "adjoint")
        return y.reshape(*x.shape[:2], self.views, self.bins)

    def A_adjoint(self, y: torch.Tensor, **kwargs) -> torch.Tensor:
        x = self._apply_matrix(y, "adjoint", "forward")
        return x.reshape(*y.shape[:2], *self.size)

    def A_dagger(self, y: torch.Tensor, **kwargs) -> torch.Tensor:
        return self.A_adjoint((y * self.weights[:, None]) @ self.filter)
