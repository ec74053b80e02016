"""Deblurring, super-resolution, inpainting: exact values, norms, noise; and the faces."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from deepinv.physics import LinearPhysics

from problems.ct import CT
from problems.datasets.orl_faces import ORLFaces
from problems.deblurring import Deblurring
from problems.inpainting import Inpainting, nearest_known
from problems.noise import ImageNoise
from problems.physics.downsampling import downsampling_matrix
from problems.physics.unit_norm import UnitNorm, spectral_norm
from problems.superresolution import Superresolution

SHAPES = [(1, 24, 32), (3, 32, 20)]
ALL = [
    (Deblurring, {}),
    (Deblurring, {"padding": "replicate"}),
    (Deblurring, {"padding": "circular", "kernel_size": 17}),
    (Superresolution, {}),
    (Superresolution, {"kernel": "average"}),
    (Superresolution, {"kernel": "bicubic", "factor": 2}),
    (Inpainting, {}),
    (Inpainting, {"mask": "box"}),
]


def make(cls, shape=(1, 24, 32), **params):
    return cls(shape, cls.Params(**params))


def image(shape, seed=0, batch=2):
    return torch.rand(batch, *shape, generator=torch.Generator().manual_seed(seed))


def unscaled(problem, x):
    """A x of the operator before it was scaled."""
    return problem.physics.A(x) * problem.norm


def matrix(physics, shape):
    """The matrix of an operator, float64."""
    pulses = torch.eye(math.prod(shape)).reshape(-1, *shape)
    return physics.A(pulses).flatten(1).T.double()


def refused(words, cls, shape=(1, 24, 32), **params):
    with pytest.raises(ValueError, match=words) as caught:
        make(cls, shape, **params)
    assert "\n" not in str(caught.value)


# ---- all problems ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("cls", "params"), ALL)
class TestEvery:
    def test_adjoint_is_the_transpose_in_every_channel(self, cls, params, shape):
        physics = make(cls, shape, **params).physics
        x = image(shape)
        y = physics.A(x)
        v = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
        left, right = (y * v).sum(), (x * physics.A_adjoint(v)).sum()
        assert abs(left - right) <= 1e-5 * y.norm() * v.norm()

    def test_norm_is_the_largest_singular_value(self, cls, params, shape):
        problem = make(cls, (1, *shape[1:]), **params)  # channels do not mix
        scaled = torch.linalg.matrix_norm(matrix(problem.physics, problem.shape), 2)
        assert float(scaled) == pytest.approx(1, abs=1e-4)
        assert make(cls, shape, **params).norm == pytest.approx(problem.norm, rel=1e-4)

    def test_channels_do_not_mix(self, cls, params, shape):
        problem, x = make(cls, shape, **params), image(shape)
        swapped = problem.physics.A(x.flip(1))
        torch.testing.assert_close(swapped, problem.physics.A(x).flip(1))

    def test_published_noise_level_belongs_to_the_unscaled_operator(self, cls, params, shape):
        problem = make(cls, shape, **params, noise_level=0.03)
        x = image(shape, batch=40)
        y = problem.measure(x, ImageNoise(list(range(40)))) - problem.physics.A(x)
        noise = (y * problem.norm)[y != 0]
        assert float(noise.std()) == pytest.approx(0.03, rel=0.03)

    def test_no_noise_measures_exactly(self, cls, params, shape):
        problem, x = make(cls, shape, **params, noise_level=0.0), image(shape)
        assert torch.equal(problem.measure(x, ImageNoise([1, 2])), problem.physics.A(x))

    def test_everything_moves_with_the_physics(self, cls, params, shape):
        problem = make(cls, shape, **params).to("meta")
        y = problem.physics.A(torch.empty(1, *shape, device="meta"))
        assert y.device.type == problem.physics.A_adjoint(y).device.type == "meta"
        assert problem.baseline(y).shape == (1, *shape)

    def test_wrong_size_names_both(self, cls, params, shape):
        physics = make(cls, shape, **params).physics
        with pytest.raises(ValueError, match=rf"12, 16.*{shape[1]}, {shape[2]}"):
            physics.A(torch.zeros(1, shape[0], 12, 16))


def test_ct_noise_is_in_units_of_line_integrals():
    problem = CT((1, 16, 16), CT.Params(views=4, noise_level=0.5))
    x = image((1, 16, 16), batch=20)
    noise = problem.measure(x, ImageNoise(list(range(20)))) - problem.physics.A(x)
    assert float((noise * problem.norm).std()) == pytest.approx(0.5, rel=0.03)


# ---- scaling to norm 1 ----------------------------------------------------------------------


class Diagonal(LinearPhysics):
    """Multiplies the pixels by 0, step, 2 step, ..."""

    def __init__(self, step):
        super().__init__()
        self.register_buffer("factors", step * torch.arange(12.0).reshape(1, 3, 4))

    def A(self, x, **kwargs):
        return self.factors * x

    def A_adjoint(self, y, **kwargs):
        return self.factors * y

    def A_dagger(self, y, **kwargs):
        return torch.where(self.factors > 0, y / self.factors, 0)


def test_unit_norm_scales_all_three_maps():
    physics, x = UnitNorm(Diagonal(0.5), (1, 3, 4)), image((1, 3, 4))
    assert physics.norm == pytest.approx(5.5, rel=1e-5)
    torch.testing.assert_close(physics.A(x), x * physics.inner.factors / 5.5)
    torch.testing.assert_close(physics.A_adjoint(x), physics.A(x))
    torch.testing.assert_close(physics.A_dagger(physics.A(x))[..., 1:], x[..., 1:])


def test_unit_norm_is_the_same_each_time_and_leaves_random_numbers_alone():
    state = torch.get_rng_state()
    assert make(Deblurring).norm == make(Deblurring).norm
    assert torch.equal(torch.get_rng_state(), state)


def test_unit_norm_takes_a_known_norm_and_refuses_zero():
    assert UnitNorm(Diagonal(0.5), (1, 3, 4), norm=2.0).norm == 2
    with pytest.raises(ValueError, match="zero"):
        spectral_norm(Diagonal(0.0), (1, 3, 4))


# ---- deblurring -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [3, 9, 17])
def test_blur_of_an_impulse_is_the_centered_kernel(size):
    problem = make(Deblurring, (3, 40, 36), kernel_size=size)
    x = torch.zeros(1, 3, 40, 36)
    x[0, 1, 20, 18] = 1
    wanted, half = torch.zeros_like(x), size // 2
    wanted[0, 1, 20 - half : 21 + half, 18 - half : 19 + half] = 1 / size**2
    torch.testing.assert_close(unscaled(problem, x), wanted, atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize(
    ("padding", "border"),
    [("reflect", [4, 3, 2, 1]), ("replicate", [0] * 4), ("circular", [-4, -3, -2, -1])],
)
def test_blur_continues_the_image(padding, border):
    x = image((1, 24, 32))
    y = unscaled(make(Deblurring, padding=padding), x)
    rows = [*border, *range(5)]
    wanted = x[:, 0, rows][..., 12:21].mean((1, 2))
    torch.testing.assert_close(y[:, 0, 0, 16], wanted)


def test_blurred_image_is_its_own_baseline():
    problem = make(Deblurring, noise_level=0.0)
    x = image(problem.shape)
    torch.testing.assert_close(problem.baseline(problem.physics.A(x)), unscaled(problem, x))
    assert not problem.has_pseudo_inverse


def test_impossible_kernels_are_refused():
    refused("odd.*8", Deblurring, kernel_size=8)
    refused("at least 3.*1", Deblurring, kernel_size=1)
    refused("25 is larger.*24 x 32", Deblurring, kernel_size=25)


# ---- super-resolution -----------------------------------------------------------------------


def cubic(t):
    t = np.abs(t)
    inner, outer = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t <= 1, inner, np.where(t < 2, outer, 0))


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_bicubic_rows_are_the_stretched_kernel(factor):
    found = downsampling_matrix(24 * factor, factor, "bicubic").numpy()
    centers = factor * np.arange(24)[:, None] + (factor - 1) / 2
    wanted = cubic((np.arange(24 * factor) - centers) / factor)
    wanted /= wanted.sum(1, keepdims=True)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_bicubic_is_that_of_torch():
    problem = make(Superresolution)
    x = image(problem.shape)
    wanted = F.interpolate(x, (6, 8), mode="bicubic", antialias=True)
    torch.testing.assert_close(unscaled(problem, x), wanted, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("kernel", ["bicubic", "average"])
@pytest.mark.parametrize("factor", [2, 3, 4, 5])
def test_downsampling_of_a_ramp_keeps_the_centers_of_blocks(kernel, factor):
    shape = (1, 12 * factor, 10 * factor)
    problem = make(Superresolution, shape, kernel=kernel, factor=factor)
    rows, columns = torch.meshgrid(*(torch.arange(float(n)) for n in shape[1:]), indexing="ij")
    x = (0.01 * rows + 0.003 * columns)[None, None]
    found = unscaled(problem, x)[0, 0, 2:-2, 2:-2]
    center = (factor - 1) / 2
    wanted = x[0, 0, ::factor, ::factor] + (0.01 + 0.003) * center
    torch.testing.assert_close(found, wanted[2:-2, 2:-2], atol=1e-5, rtol=0)


def test_average_is_the_mean_of_blocks():
    problem = make(Superresolution, (3, 16, 24), kernel="average")
    x = image(problem.shape)
    torch.testing.assert_close(unscaled(problem, x), F.avg_pool2d(x, 4))
    assert problem.norm == pytest.approx(1 / 4, rel=1e-6)


@pytest.mark.parametrize(
    ("cls", "params"),
    [
        (Superresolution, {}),
        (Superresolution, {"factor": 2}),
        (Superresolution, {"kernel": "average"}),
        (Superresolution, {"kernel": "average", "factor": 2}),
        (Inpainting, {}),
        (Inpainting, {"mask": "box"}),
    ],
)
def test_pseudo_inverse_is_exact(cls, params):
    physics = make(cls, (1, 12, 16), **params).physics
    a = matrix(physics, (1, 12, 16))
    y = torch.eye(len(a)).reshape(-1, *physics.A(torch.zeros(1, 1, 12, 16)).shape[1:])
    inverse = physics.A_dagger(y).flatten(1).T.double()
    torch.testing.assert_close(inverse, torch.linalg.pinv(a), atol=1e-5, rtol=0)
    torch.testing.assert_close(a @ inverse @ a, a, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kernel", ["bicubic", "average"])
def test_superresolution_baseline_repeats_pixels(kernel):
    problem = make(Superresolution, kernel=kernel)
    y = problem.physics.A(image(problem.shape))
    wanted = F.interpolate(y * problem.norm, scale_factor=4, mode="nearest").clamp(0, 1)
    torch.testing.assert_close(problem.baseline(y), wanted)


def test_superresolution_refuses_sizes_that_do_not_divide():
    refused("24 x 30.*by 4", Superresolution, (1, 24, 30))
    refused("24 x 32.*by 0", Superresolution, factor=0)


# ---- inpainting -----------------------------------------------------------------------------


def known(problem):
    return problem.physics.A(torch.ones(1, *problem.shape))[0].bool()


@pytest.mark.parametrize("params", [{}, {"mask": "box"}, {"keep": 1.0}], ids=str)
def test_inpainting_keeps_known_pixels(params):
    problem = make(Inpainting, (3, 24, 32), **params, noise_level=0.1)
    mask, x = known(problem), image((3, 24, 32))
    assert torch.equal(mask, mask[:1].expand(3, -1, -1))
    y = problem.measure(x, ImageNoise([1, 2]))
    assert (y[:, ~mask] == 0).all()
    assert torch.equal(problem.physics.A(x)[:, mask], x[:, mask])
    assert torch.equal(problem.physics.A_dagger(y), y)
    assert torch.equal(problem.baseline(y)[:, mask], y[:, mask].clamp(0, 1))
    assert problem.norm == 1


def test_masks_have_the_asked_share_and_box():
    mask = known(make(Inpainting, (1, 40, 50), keep=0.3))
    assert int(mask.sum()) == 600
    assert 0.2 < mask[0, :20, :25].float().mean() < 0.4
    missing = ~known(make(Inpainting, (1, 40, 60), mask="box"))[0]
    assert torch.equal(missing.nonzero().amin(0), torch.tensor([13, 19]))
    assert torch.equal(missing.nonzero().amax(0), torch.tensor([26, 39]))
    assert int(missing.sum()) == 14 * 21


def test_mask_depends_on_shape_and_share_only():
    first = known(make(Inpainting))
    torch.manual_seed(3)
    assert torch.equal(first, known(make(Inpainting, noise_level=0.5)))
    assert not torch.equal(first, known(make(Inpainting, keep=0.31)))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_nearest_known_against_brute_force(seed):
    mask = torch.rand(7, 9, generator=torch.Generator().manual_seed(seed)) < 0.2
    points = mask.nonzero()
    for i, index in enumerate(nearest_known(mask).tolist()):
        here, there = torch.tensor(divmod(i, 9)), torch.tensor(divmod(index, 9))
        assert mask.flatten()[index]
        assert (here - there).square().sum() == (points - here).square().sum(1).min()


def test_inpainting_refuses_empty_masks():
    refused(r"keep.*0\.0", Inpainting, keep=0.0)
    refused(r"keep.*1\.2", Inpainting, keep=1.2)
    refused("box 1.0 of 24 x 32", Inpainting, mask="box", box=1.0)
    refused("box 0.001 of", Inpainting, mask="box", box=0.001)


# ---- ORL faces ------------------------------------------------------------------------------


def test_faces_are_split_by_person(downloads):
    dataset = ORLFaces(ORLFaces.Params(), downloads)
    splits = {s: list(dataset.images(s)) for s in ("train", "validation", "test")}
    assert [len(s) for s in splits.values()] == [320, 40, 40]
    people = [{i.cluster for i in s} for s in splits.values()]
    assert [len(p) for p in people] == [32, 4, 4]
    assert len(set.union(*people)) == 40
    assert len({i.id for s in splits.values() for i in s}) == 400
    assert splits["test"][2].id == "s37_03"
    for face in splits["test"]:
        assert face.pixels.shape == (112, 92)
        assert face.pixels.min() >= 0
        assert 0.5 < face.pixels.max() <= 1
        np.testing.assert_allclose(face.pixels * 255, np.round(face.pixels * 255), atol=1e-4)
