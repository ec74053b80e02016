"""The sparse projector against ODL's own ray transform and filtered back-projection."""

import os

import numpy as np
import pytest
import torch
from odl.applications import tomo

from problems.physics.tomography import Geometry, Tomography

CASES = [
    (Geometry("parallel", 20), 64, 64, 21.97),
    (Geometry("parallel", 8), 48, 64, None),
    (Geometry("fan", 45, cutoff=0.3), 64, 40, None),
    (Geometry("parallel", 30, arc=2 * np.pi / 3), 32, 32, None),
]


@pytest.mark.parametrize(("geometry", "height", "width", "norm"), CASES)
def test_agrees_with_odl(geometry, height, width, norm):
    physics = Tomography(geometry, height, width)
    transform = geometry.ray_transform(height, width)
    x = torch.rand(3, 2, height, width)
    y = physics.A(x) * physics.norm
    expected = transform(x[2, 1].numpy()).asarray()
    assert np.linalg.norm(y[2, 1] - expected) <= 1e-5 * np.linalg.norm(expected)

    fbp = tomo.fbp_op(
        transform, padding=True, filter_type="Hann", frequency_scaling=geometry.cutoff
    )
    expected = fbp(transform.range.element(expected)).asarray()
    image = physics.A_dagger(physics.A(x))[2, 1].numpy()
    assert np.linalg.norm(image - expected) <= 1e-4 * np.linalg.norm(expected)
    if norm:
        assert physics.norm == pytest.approx(norm, abs=0.01)


def test_published_norm():
    """||A|| = 11.0 for 20 views of 256 x 256, to which the paper's zeta = 0.3 belongs."""
    assert Tomography(Geometry("parallel", 20), 256, 256).norm == pytest.approx(11.0, abs=0.1)


def test_second_derivative():
    physics = Tomography(Geometry("parallel", 4), 8, 8).double()
    x = torch.rand(1, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(physics.A, x)
    assert torch.autograd.gradgradcheck(lambda v: physics.A(v) ** 2, x)


def test_cache_is_used_and_a_damaged_one_is_made_anew(tmp_path):
    geometry, mask = Geometry("parallel", 5), os.umask(0o022)
    os.umask(mask)
    fresh = Tomography(geometry, 16, 16, tmp_path)
    (stored,) = tmp_path.glob("ct-*.npz")
    x = torch.rand(1, 1, 16, 16)
    assert torch.equal(Tomography(geometry, 16, 16, tmp_path).A(x), fresh.A(x))
    whole = stored.read_bytes()
    stored.write_bytes(whole[: len(whole) // 2])
    assert torch.equal(Tomography(geometry, 16, 16, tmp_path).A(x), fresh.A(x))
    assert stored.stat().st_size == len(whole)
    assert len(list(tmp_path.iterdir())) == 1
    assert stored.stat().st_mode & 0o777 == 0o666 & ~mask  # others may read a shared cache


def test_unknown_beam_is_refused():
    with pytest.raises(ValueError, match="parallel"):
        Tomography(Geometry("cone"), 8, 8)
