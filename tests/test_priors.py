"""Networks, tilings, priors and their training."""

import pytest
import torch

from methods.priors.assembly import assemble
from methods.priors.networks import Attention, Denoiser, NetworkParams
from methods.priors.overlap import OverlapPrior, starts
from methods.priors.patch import PatchPrior
from methods.priors.patches import cut, from_tiles, tiles_and_margin, to_tiles
from methods.priors.positions import OUTSIDE, positions, told_positions
from problems.noise import ImageNoise
from workflow.plugins.contract.methods import small_network, small_prior


@pytest.mark.parametrize(
    ("patch", "count", "margin"),
    [(56, 5, 24), (8, 33, 8), (16, 17, 16), (32, 9, 32), (96, 3, 32), (64, 5, 64), (256, 1, 0)],
)
def test_tiles_of_the_paper(patch, count, margin):
    assert tiles_and_margin(256, patch) == (count, margin)


@pytest.mark.parametrize("patch", [1, 65])
def test_impossible_patch_is_refused(patch):
    with pytest.raises(ValueError, match="patch size"):
        tiles_and_margin(64, patch)


def test_tiles_against_a_loop():
    window = torch.rand(3, 2, 12, 20)
    tiles = to_tiles(window, 4)
    expected = [
        window[b, :, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4]
        for b in range(3)
        for i in range(3)
        for j in range(5)
    ]
    assert torch.equal(tiles, torch.stack(expected))
    assert torch.equal(from_tiles(tiles, 12, 20), window)


def test_positions_span_the_canvas():
    p = positions(5, 9)
    assert p.shape == (2, 5, 9)
    assert p[0, 3].tolist() == torch.linspace(-1, 1, 9).tolist()  # columns
    assert p[1, :, 3].tolist() == torch.linspace(-1, 1, 5).tolist()  # rows


def test_a_marked_margin_holds_a_constant_and_the_image_its_coordinates():
    plain, told = positions(10, 14), told_positions("marked", 10, 14, (2, 3))
    inside = torch.zeros(10, 14, dtype=torch.bool)
    inside[2:8, 3:11] = True
    assert torch.equal(told[:, inside], plain[:, inside])
    assert (told[:, ~inside] == OUTSIDE).all()
    assert torch.equal(told_positions("coordinates", 10, 14, (2, 3)), plain)
    assert torch.equal(told_positions("marked", 10, 14, (0, 0)), plain)


class Echo(torch.nn.Module):
    """A "network" that returns its input and what it was told about the position."""

    params = NetworkParams()

    def __init__(self):
        super().__init__()
        self.register_parameter("unused", torch.nn.Parameter(torch.zeros(1)))
        self.calls, self.told = 0, []

    def forward(self, v, sigma, position, context=None):
        self.calls += len(v)
        self.told.append(position)
        return v + position.sum(dim=1, keepdim=True)


@pytest.mark.parametrize("shape", [(1, 24, 20), (3, 17, 31), (1, 16, 16), (1, 16, 24)])
@pytest.mark.parametrize("patch", [5, 8, 16])
def test_patch_prior_assembles_the_image(shape, patch):
    """With a network that adds the pixel's position, the result must be image + position."""
    prior = PatchPrior(Echo(), shape, patch).bind(ImageNoise([1, 2, 3, 4]))
    x = torch.rand(4, *prior.state_shape)
    d = prior.denoise(x, 1.0)
    where = positions(*prior.state_shape[1:]).sum(dim=0)
    torch.testing.assert_close(prior.crop(d), prior.crop(x + where))
    assert d.sum() == pytest.approx(float(prior.crop(d).sum()), rel=1e-4)  # zero in the margin


@pytest.mark.parametrize("assembly", ["random_grid", "fixed_grid", "average", "stitch"])
def test_a_prior_marks_the_margin_where_its_network_was_trained_so(assembly):
    """Tiles whose truth is 1 in the image and 0 around it say by it where the margin is."""

    class Marked(Echo):
        params = NetworkParams(margin="marked")

    network = Marked()
    prior = assemble(network, (1, 24, 20), assembly, 9, 2).bind(ImageNoise([1, 2]))
    ones = torch.ones(2, 1, 24, 20)
    images, seen = [], network.forward

    def forward(v, sigma, position, context=None):
        images.append(v)
        return seen(v, sigma, position, context)

    network.forward = forward
    prior.denoise(prior.pad(ones), 1.0)
    told, images = torch.cat(network.told), torch.cat(images)
    assert torch.equal(told == OUTSIDE, (images == 0).expand_as(told))
    margin = (images == 0).sum()
    assert (margin > 0) == (assembly not in ("average", "stitch"))


@pytest.mark.parametrize("shape", [(1, 24, 20), (3, 17, 31)])
def test_fixed_grid_against_a_loop(shape):
    """The simple patch prior: every tile is denoised by itself, the grid never moves."""

    class Mean(Echo):
        def forward(self, v, sigma, position, context=None):
            return v.mean(dim=(2, 3), keepdim=True).expand_as(v)

    patch = 7
    prior = PatchPrior(Mean(), shape, patch, "fixed_grid").bind(ImageNoise([1, 2]))
    x = torch.rand(2, *prior.state_shape)
    expected = torch.zeros_like(x)
    (top, left), (_, height, width) = prior.margin, shape
    for a in range(top // 2, top + height, patch):
        for b in range(left // 2, left + width, patch):
            tile = x[..., a : a + patch, b : b + patch]
            expected[..., a : a + patch, b : b + patch] = tile.mean(dim=(2, 3), keepdim=True)
    torch.testing.assert_close(prior.crop(prior.denoise(x, 1.0)), prior.crop(expected))
    torch.testing.assert_close(prior.denoise(x, 1.0), prior.denoise(x, 1.0))


@pytest.mark.parametrize("assembly", ["random_grid", "average"])
def test_every_patch_is_shown_the_reduced_image_that_it_is_of(assembly):
    class Seen(Echo):
        """Returns the reduced image, and so says which one each tile has seen."""

        params = NetworkParams(context=True)

        def forward(self, v, sigma, position, context=None):
            return context.mean(dim=(2, 3), keepdim=True).expand_as(v)

    shape, patch = (1, 24, 20), 8
    prior = (
        PatchPrior(Seen(), shape, patch)
        if assembly == "random_grid"
        else OverlapPrior(Seen(), shape, patch, 2, "average")
    )
    prior = prior.bind(ImageNoise([1, 2, 3]))
    x = torch.rand(3, *prior.state_shape)
    x[:, :, : prior.margin[0]] = 100  # what is outside the image is not shown
    d = prior.crop(prior.denoise(x, 1.0))
    expected = prior.crop(x).mean(dim=(2, 3), keepdim=True).expand_as(d)
    torch.testing.assert_close(d, expected, atol=0.02, rtol=0)  # bins overlap by a pixel
    assert len(set(d[:, 0, 0, 0].tolist())) == 3


def test_grid_offsets_are_uniform_and_per_image():
    draws = ImageNoise(list(range(200))).integers(8, 50)
    assert draws.min() == 0
    assert draws.max() == 7
    assert torch.bincount(draws.flatten()).min() > 0.8 * draws.numel() / 8
    assert torch.equal(draws[7:8], ImageNoise([7]).integers(8, 50))


def test_tiles_of_padding_are_skipped():
    """At offset 0 with M = P the first row and column of tiles hold padding only."""
    network = Echo()
    prior = PatchPrior(network, (1, 16, 16), 8)
    assert prior.margin == (8, 8)
    noise = ImageNoise([1])
    corners = iter([torch.zeros(1, 1, dtype=torch.long)] * 2)
    noise.integers = lambda high, count: next(corners)
    x = torch.rand(1, 1, 32, 32)
    d = prior.bind(noise).denoise(x, 1.0)
    assert network.calls == 4
    where = positions(32, 32).sum(dim=0)
    torch.testing.assert_close(prior.crop(d), prior.crop(x + where))


@pytest.mark.parametrize("shape", [(1, 16, 16), (1, 12, 16)])
def test_image_sized_input_is_padded_with_noise(shape):
    prior = PatchPrior(Echo(), shape, 12).bind(ImageNoise([1, 2]))
    x = torch.rand(2, *shape)
    d = prior.denoise(x, 0.5)
    assert d.shape == x.shape
    where = prior.crop(positions(*prior.state_shape[1:])).sum(dim=0)
    torch.testing.assert_close(d, x + where)


@pytest.mark.parametrize("kind", ["padis", "whole"])
def test_prior_is_differentiable_and_refuses_other_shapes(kind):
    prior = small_prior(kind, (1, 24, 20)).bind(ImageNoise([1]))
    x = torch.rand(1, *prior.state_shape, requires_grad=True)
    (gradient,) = torch.autograd.grad(prior.denoise(x, 0.3).sum(), x)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().sum() > 0
    with pytest.raises(ValueError, match="the prior expects"):
        prior.denoise(torch.rand(1, 1, 9, 9), 0.3)


@pytest.mark.parametrize("backbone", ["compact", "ddpm", "ncsn"])
@pytest.mark.parametrize("size", [(16, 16), (13, 18)])
def test_backbones_take_any_size(backbone, size):
    params = NetworkParams(backbone, width=32, multipliers=(1, 2), blocks=1)
    network = Denoiser(1, params)
    v = torch.randn(2, 1, *size)
    out = network(v, torch.tensor([0.1, 2.0]), torch.zeros(2, 2, *size))
    assert out.shape == v.shape


def test_attention_changes_nothing_before_it_is_trained():
    params = NetworkParams(width=16, multipliers=(1, 2), blocks=1)
    plain, v = perturbed(params), torch.rand(2, 1, 16, 12)
    told = torch.tensor([0.3, 2.0]), torch.zeros(2, 2, 16, 12)
    network = Denoiser(1, params._replace(attention=True))
    missing, unexpected = network.load_state_dict(plain.state_dict(), strict=False)
    assert all("attention" in name for name in missing)
    assert missing
    assert not unexpected
    torch.testing.assert_close(network(v, *told), plain(v, *told))
    attention = network.network.attention
    attention.leave.weight.data.normal_()
    assert (network(v, *told) != plain(v, *told)).any()


def test_attention_against_a_loop():
    torch.manual_seed(0)
    layer = Attention(16).requires_grad_(False)
    layer.leave.weight.copy_(torch.eye(16)[:, :, None, None])
    x = torch.randn(2, 16, 3, 5)
    query, key, value = layer.enter(layer.norm(x)).flatten(2).chunk(3, dim=1)
    weights = torch.softmax(query.transpose(1, 2) @ key / 4, dim=2)  # of pixel i for pixel j
    expected = x + torch.einsum("bij,bcj->bci", weights, value).reshape(x.shape)
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize("backbone", ["compact", "ddpm"])
@pytest.mark.parametrize("overlap", [None, 6])
def test_tiles_in_parts_give_the_same_image_and_gradient(backbone, overlap, monkeypatch):
    cls, options = (PatchPrior, ()) if overlap is None else (OverlapPrior, (overlap, "average"))
    network = perturbed(NetworkParams(backbone, width=32, multipliers=(1, 2), blocks=1))
    calls = []
    network.register_forward_pre_hook(lambda module, given: calls.append(len(given[0])))

    def found(jacobian):
        noise = ImageNoise([1, 2], "cpu")
        prior = cls(network, (1, 48, 40), 16, *options).bind(noise)
        x = noise.normal(prior.state_shape)
        with torch.set_grad_enabled(jacobian):
            d = prior.denoise(x.requires_grad_(jacobian), 0.3)
        return [d, *(torch.autograd.grad(d.square().sum(), x) if jacobian else ())]

    for jacobian in (False, True):
        expected, whole = found(jacobian), max(calls)
        monkeypatch.setattr("methods.priors.patches.AT_ONCE", 7 * 16**2)
        calls.clear()
        for a, b in zip(found(jacobian), expected, strict=True):
            # Convolutions of batches of different size round differently: up to 3e-6 was measured.
            assert (a - b).norm() <= 1e-5 * b.norm()
        assert max(calls) == 7 < whole
        monkeypatch.undo()


def perturbed(params):
    """A network none of whose layers is zero, in evaluation."""
    torch.manual_seed(0)
    network = Denoiser(1, params).eval().requires_grad_(False)
    for values in network.parameters():
        values += 0.1 * torch.randn_like(values)
    return network.to(memory_format=torch.channels_last)


def test_preconditioning_limits():
    """At sigma -> 0 the denoiser is the identity, at sigma -> infinity it ignores its input."""
    network = small_network()
    v, position = torch.rand(1, 1, 8, 8), torch.zeros(1, 2, 8, 8)
    torch.testing.assert_close(network(v, torch.tensor([1e-5]), position), v, atol=1e-3, rtol=0)
    a = network(v, torch.tensor([1e5]), position)
    b = network(v + 1, torch.tensor([1e5]), position)
    torch.testing.assert_close(a, b, atol=1e-3, rtol=0)


def test_unknown_backbone_is_refused():
    with pytest.raises(ValueError, match="compact"):
        Denoiser(1, NetworkParams("resnet"))


def test_cut_takes_one_window_per_image():
    canvas = torch.arange(2 * 25).reshape(2, 1, 5, 5)
    windows = cut(canvas, torch.tensor([[0, 1], [2, 3]]), 2, 2)
    assert windows[0, 0].tolist() == [[1, 2], [6, 7]]
    assert windows[1, 0].tolist() == [[38, 39], [43, 44]]


# ---- overlapping tiles ----------------------------------------------------------------------


def test_overlapping_grid_of_the_paper():
    assert starts(256, 24, 56, 8) == [24, 72, 120, 168, 216, 224]
    with pytest.raises(ValueError, match="overlap"):
        starts(256, 24, 56, 56)


@pytest.mark.parametrize("shape", [(1, 24, 20), (3, 17, 31), (1, 16, 24)])
@pytest.mark.parametrize(("patch", "overlap"), [(8, 2), (12, 5), (16, 0)])
@pytest.mark.parametrize("combine", ["average", "stitch"])
def test_overlapping_tiles_against_a_loop(shape, patch, overlap, combine):
    class Numbered(Echo):
        """Adds to every tile a number of its own, so that overlaps differ."""

        def forward(self, v, sigma, position, context=None):
            return super().forward(v, sigma, position) + torch.arange(len(v))[:, None, None, None]

    prior = OverlapPrior(Numbered(), shape, patch, overlap, combine)
    x = torch.rand(2, *prior.state_shape)
    d = prior.denoise(x, 1.0)
    where = positions(*prior.state_shape[1:]).sum(dim=0)
    corners = [
        (a, b)
        for a in starts(shape[1], prior.margin[0], patch, overlap)
        for b in starts(shape[2], prior.margin[1], patch, overlap)
    ]
    for image in range(2):
        for row in range(prior.margin[0], prior.margin[0] + shape[1]):
            for column in range(prior.margin[1], prior.margin[1] + shape[2], 3):
                numbers = [
                    2 * i + image
                    for i, (a, b) in enumerate(corners)
                    if a <= row < a + patch and b <= column < b + patch
                ]
                number = numbers[-1] if combine == "stitch" else sum(numbers) / len(numbers)
                expected = x[image, :, row, column] + where[row, column] + number
                torch.testing.assert_close(d[image, :, row, column], expected)
    assert prior.pad(prior.crop(d)).equal(d)  # zero in the margin


@pytest.mark.parametrize("kind", ["patch_averaging", "patch_stitching"])
def test_overlapping_priors_are_differentiable(kind):
    prior = small_prior(kind, (1, 24, 20)).bind(ImageNoise([1]))
    x = torch.rand(1, *prior.state_shape, requires_grad=True)
    (gradient,) = torch.autograd.grad(prior.denoise(x, 0.3).sum(), x)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().sum() > 0
