"""Priors in closed form: denoisers, scores, samples and posteriors against brute force."""

from itertools import product

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal

from methods.priors.exact.lattice import LatticePrior
from methods.priors.exact.mixture import MixturePrior
from methods.priors.exact.patches import ExactTiles, in_patches
from methods.priors.positions import positions
from problems.noise import ImageNoise
from workflow.run.exact_priors import fit

NUMBERS = torch.Generator()


@pytest.fixture(autouse=True)
def numbers():
    """The same for each test, in whatever order they run."""
    NUMBERS.manual_seed(4)


WEIGHTS = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)


def mixture(size, spread=0.5):
    """Three correlated components whose least variance most axes share."""
    half = torch.randn(3, size, 1, generator=NUMBERS, dtype=torch.float64)
    covariances = spread**2 * half @ half.mT + 0.04 * torch.eye(size, dtype=torch.float64)
    means = torch.randn(3, size, generator=NUMBERS, dtype=torch.float64)
    return MixturePrior((1, 1, size), WEIGHTS, means, covariances)


def lattice(cells=3, side=6, coupling=0.4, texture=0.3):
    contrast = torch.linspace(0.2, 0.5, cells**2, dtype=torch.float64).reshape(cells, cells)
    mean = torch.linspace(0.3, 0.6, side**2, dtype=torch.float64)
    return LatticePrior((1, side, side), mean, contrast, coupling, texture)


def log_density(prior, x, noise=0.0):
    """Of a mixture with noise, written with other code: (n,)."""
    eye = noise**2 * torch.eye(prior.size, dtype=torch.float64)
    parts = [
        w.log() + MultivariateNormal(m, c + eye).log_prob(x)
        for w, m, c in zip(prior.weights, prior.means, prior.covariances, strict=True)
    ]
    return torch.stack(parts).logsumexp(dim=0)


def plane():
    """Points of a fine grid of two pixels, (n, 2)."""
    axis = torch.linspace(-7, 7, 701, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis)


@pytest.mark.parametrize("sigma", [0.15, 0.6, 2.0])
def test_the_denoiser_of_a_mixture_is_the_integral(sigma):
    prior, x = mixture(2), plane()
    z = torch.tensor([[0.4, -0.3], [1.5, 0.8]], dtype=torch.float64)
    logits = log_density(prior, x) - (z[:, None] - x).square().sum(dim=-1) / 2 / sigma**2
    expected = logits.softmax(dim=1) @ x
    torch.testing.assert_close(prior.expected(z, sigma), expected, atol=1e-6, rtol=1e-6)
    images = z.float().reshape(2, 1, 1, 2)  # single precision, as methods call it
    found = prior.denoise(images, sigma)
    torch.testing.assert_close(found.flatten(1), expected.float(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("sigma", [0.1, 1.0])
def test_denoiser_and_score_of_a_mixture_obey_tweedie(sigma):
    prior = mixture(8)
    assert prior.values.shape[1] == 1  # all but one axis share the least variance
    z = torch.randn(5, 8, generator=NUMBERS, dtype=torch.float64).requires_grad_()
    (gradient,) = torch.autograd.grad(log_density(prior, z, sigma).sum(), z)
    torch.testing.assert_close(prior.expected(z, sigma), z + sigma**2 * gradient)
    (gradient,) = torch.autograd.grad(log_density(prior, z).sum(), z)
    torch.testing.assert_close(prior.score(z), gradient)


def square(side):
    """A mixture of square images."""
    flat = mixture(side**2)
    return MixturePrior((1, side, side), flat.weights, flat.means, flat.covariances)


def test_one_tile_as_large_as_the_image_is_the_whole_prior():
    prior = square(6)
    x = 0.5 + torch.randn(4, 1, 6, 6, generator=NUMBERS)
    expected = prior.denoise(x.double(), 0.4)
    found = in_patches(prior, 6).bind(ImageNoise([1, 2, 3, 4])).denoise(x, 0.4)
    torch.testing.assert_close(found.double(), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("row", "column"), [(3, 4), (2, 7), (8, 1)])
def test_a_tile_has_the_marginal_of_its_pixels(row, column):
    """On a canvas of 12 x 12 with a margin of 3; two of the tiles reach over its border."""
    prior, patch, sigma = square(6), 3, 0.3
    tiles = ExactTiles(prior, patch)
    assert tiles.canvas == [12, 12]
    y, x = torch.meshgrid(*(torch.arange(3) + k - 3 for k in (row, column)), indexing="ij")
    inside = (y >= 0) & (y < 6) & (x >= 0) & (x < 6)
    own = (6 * y + x)[inside]
    covariances = prior.covariances[:, own[:, None], own[None]]
    marginal = MixturePrior((1, 1, len(own)), prior.weights, prior.means[:, own], covariances)
    z = torch.randn(5, 1, 3, 3, generator=NUMBERS)
    place = positions(12, 12)[:, row : row + 3, column : column + 3].expand(5, -1, -1, -1)
    found = tiles(z, torch.full((5,), sigma), place)
    expected = marginal.expected(z[:, 0, inside].double(), sigma)
    torch.testing.assert_close(found[:, 0, inside].double(), expected, atol=1e-4, rtol=0)
    assert (found[:, 0, ~inside].abs() < 1e-5).all()


def test_the_jacobian_of_a_gaussian_is_its_filter():
    covariance = mixture(8).covariances[:1]
    prior = MixturePrior((1, 2, 4), torch.ones(1), torch.zeros(1, 8), covariance)
    z = torch.randn(1, 1, 2, 4, generator=NUMBERS, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda x: prior.denoise(x, 0.3), z)
    noisy = covariance[0] + 0.09 * torch.eye(8, dtype=torch.float64)
    torch.testing.assert_close(jacobian.reshape(8, 8), covariance[0] @ noisy.inverse())


def test_spins_are_those_of_all_states_summed_one_by_one():
    prior = lattice()
    fields = torch.randn(2, 9, generator=NUMBERS, dtype=torch.float64)
    near = [(a, b) for a, b in product(range(9), repeat=2) if b - a == 3 or (b - a == 1 and b % 3)]
    total, expected = torch.zeros(2, dtype=torch.float64), torch.zeros(2, 9, dtype=torch.float64)
    for state in product((-1.0, 1.0), repeat=9):
        s = torch.tensor(state, dtype=torch.float64)
        weight = (prior.coupling * sum(s[a] * s[b] for a, b in near) + fields @ s).exp()
        total, expected = total + weight, expected + weight[:, None] * s
    torch.testing.assert_close(prior.spins(fields), expected / total[:, None])
    strong = 1e4 * fields.float()  # of single precision at a small noise level
    assert torch.equal(prior.spins(strong), strong.sign())


@pytest.mark.parametrize("sigma", [0.2, 1.0])
def test_the_denoiser_of_a_lattice_is_that_of_its_samples(sigma):
    """E[x | z] by weighting exact samples, and the score by Tweedie at a higher texture."""
    prior = lattice(cells=2, side=2)
    x = prior.sample(400_000, torch.Generator().manual_seed(1))
    z = x[:3] + sigma * torch.randn(3, 4, generator=NUMBERS, dtype=torch.float64)
    logits = -(z[:, None] - x).square().sum(dim=-1) / 2 / sigma**2
    expected = logits.softmax(dim=1) @ x
    torch.testing.assert_close(prior.expected(z, sigma), expected, atol=0.01, rtol=0)
    noisy = LatticePrior(
        prior.shape, prior.mean, prior.basis.max(dim=1).values.reshape(2, 2),
        prior.coupling, (prior.texture**2 + sigma**2) ** 0.5,
    )  # fmt: skip
    torch.testing.assert_close(noisy.score(z), (prior.expected(z, sigma) - z) / sigma**2)


def test_the_posterior_of_a_mixture_is_the_integral():
    prior, x, noise = mixture(2), plane(), 0.4
    a, y = torch.tensor([[1.0, 0.5]], dtype=torch.float64), torch.tensor([0.2])
    log_likelihood = -(y - x @ a.T).square().sum(dim=1) / 2 / noise**2
    weights = (log_density(prior, x) + log_likelihood).softmax(dim=0)
    mean = weights @ x
    covariance = (weights[:, None] * x).T @ x - torch.outer(mean, mean)
    found = prior.posterior(a, y, noise)
    torch.testing.assert_close(found.mean, mean, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.covariance, covariance, atol=1e-6, rtol=0)


POSTERIORS = {"mixture": lambda: mixture(4), "lattice": lambda: lattice(cells=2, side=2)}


@pytest.mark.parametrize("name", POSTERIORS)
def test_posterior_samples_moments_and_score_agree(name):
    """With each other and with samples of the prior that are weighted by the likelihood."""
    prior, noise = POSTERIORS[name](), 0.5
    a = torch.randn(2, 4, generator=NUMBERS, dtype=torch.float64)
    x = prior.sample(400_000, torch.Generator().manual_seed(2))
    y = a @ x[0]
    weights = (-(y - x @ a.T).square().sum(dim=1) / 2 / noise**2).softmax(dim=0)
    assert 1 / weights.square().sum() > 10_000  # samples that these are worth
    exact = prior.posterior(a, y, noise)
    drawn = exact.draw(100_000, torch.Generator().manual_seed(3))
    for mean, covariance in ((weights @ x, _covariance(x, weights)), _moments(drawn)):
        torch.testing.assert_close(exact.mean, mean, atol=0.03, rtol=0)
        torch.testing.assert_close(exact.covariance, covariance, atol=0.03, rtol=0)
    # Integration by parts: E[score] = 0 and E[score x^T] = -I, for exact samples and score only.
    score = exact.score(drawn)
    torch.testing.assert_close(
        score.mean(dim=0), torch.zeros_like(y.new_zeros(4)), atol=0.1, rtol=0
    )
    product_ = score.T @ (drawn - exact.mean) / len(drawn)
    torch.testing.assert_close(product_, -torch.eye(4, dtype=torch.float64), atol=0.1, rtol=0)


def _covariance(x, weights):
    mean = weights @ x
    return (weights[:, None] * x).T @ x - torch.outer(mean, mean)


def _moments(x):
    return x.mean(dim=0), torch.cov(x.T)


def test_fits_find_what_the_images_were_drawn_from():
    true = lattice(coupling=0.3, texture=0.05)  # signs of cells are seen as they are
    images = true.sample(3000, torch.Generator().manual_seed(5)).reshape(-1, *true.shape)
    found = fit("lattice", {"cells": 3}, images.numpy(), 0)
    assert found.coupling == pytest.approx(0.3, rel=0.1)
    contrast = true.basis.max(dim=1).values
    torch.testing.assert_close(found.basis.max(dim=1).values, contrast, rtol=0.05, atol=0)
    assert found.texture == pytest.approx(0.05, rel=0.2)
    gaussian = fit("gaussian", {}, images.numpy(), 0)
    sample = np.cov(images.flatten(1).numpy().T)
    assert np.abs(gaussian.covariances[0].numpy() - sample).max() < 0.02 * sample.max()
    # Fewer images than pixels: the shrinkage keeps every direction open.
    few = fit("gaussian", {}, images[:10].numpy(), 0)
    assert few.least > 0.05 * sample.diagonal().mean()
    clusters = torch.cat([images, images + 5.0]).numpy()
    two = fit("mixture", {"components": 2}, clusters, 0)
    gap = (two.means[0] - two.means[1]).abs()
    torch.testing.assert_close(gap, torch.full_like(gap, 5.0), atol=0.05, rtol=0)
    assert two.weights.tolist() == [0.5, 0.5]


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="do not divide"):
        LatticePrior((1, 6, 7), torch.zeros(42), torch.ones(3, 3), 0.1, 0.1)
    with pytest.raises(ValueError, match="positive definite"):
        MixturePrior((1, 1, 2), torch.ones(1), torch.zeros(1, 2), torch.zeros(1, 2, 2))
