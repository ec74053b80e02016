"""Priors that are fitted: exact posterior means, expectation maximisation, a fit that goes on."""

import pytest
import torch
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from methods.priors.assembly import assemble
from methods.priors.networks import NetworkParams, build_network
from methods.priors.training import TrainingParams, trainer_of
from problems.noise import ImageNoise


def fitted(backbone, images, steps=1, count=500, width=3):
    params = NetworkParams(backbone=backbone, width=width)
    recipe = TrainingParams(
        patch=4, sizes=(4,), probabilities=(1.0,), batch=(count,), examples=steps * count
    )
    network = build_network(images.shape[1], params, 4, count)
    return trainer_of(network, images, recipe, seed=3)


def run(trainer):
    losses = []
    while not trainer.finished:
        losses.append(float(trainer.step()))
    return losses


@pytest.fixture(scope="module")
def images():
    """Smooth random images: (6, 1, 24, 20) in [0, 1]."""
    noise = torch.rand(6, 1, 28, 24, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.avg_pool2d(noise, 5, stride=1)


def test_a_data_set_of_patches_has_the_mean_of_its_posterior(images):
    trainer = fitted("patches", images, count=40)
    run(trainer)
    patches, sigma = trainer.network.patches, 0.07
    v = patches[:3] + sigma * torch.randn(3, 16, generator=torch.Generator().manual_seed(1))
    weights = [[(-(a - p).square().sum() / (2 * sigma**2)).exp() for p in patches] for a in v]
    weights = torch.tensor(weights)
    expected = (weights / weights.sum(1, keepdim=True)) @ patches
    found = trainer.network(v.reshape(3, 1, 4, 4), torch.full((3,), sigma))
    assert torch.allclose(found.flatten(1), expected, atol=1e-5)


def test_a_mixture_has_the_mean_of_its_posterior(images):
    """By Tweedie's formula: v + sigma^2 grad log p(v), with p by PyTorch's own distributions."""
    trainer = fitted("mixture", images, steps=4)
    run(trainer)
    network, sigma = trainer.network, 0.05
    covariances = network.axes @ network.variances.diag_embed() @ network.axes.mT
    noisy = MultivariateNormal(network.means, covariances + sigma**2 * torch.eye(16))
    density = MixtureSameFamily(Categorical(network.weights), noisy)
    v = images[:2, :, 3:7, 5:9].flatten(1).clone().requires_grad_()
    (score,) = torch.autograd.grad(density.log_prob(v).sum(), v)
    found = network(v.detach().reshape(2, 1, 4, 4), torch.full((2,), sigma))
    assert torch.allclose(found.flatten(1), v.detach() + sigma**2 * score, atol=1e-4)


def test_expectation_maximisation_raises_the_likelihood_and_finds_the_parts():
    dark = torch.rand(4, 1, 12, 12, generator=torch.Generator().manual_seed(2)) * 0.1
    trainer = fitted("mixture", torch.cat([dark, 0.9 + dark]), steps=8, width=2)
    losses = run(trainer)
    assert losses == sorted(losses, reverse=True)
    assert sorted(trainer.network.means.mean(1).tolist()) == pytest.approx([0.05, 0.95], abs=0.01)
    assert trainer.network.weights.tolist() == pytest.approx([0.5, 0.5], abs=0.1)


def test_a_mixture_denoises_images_with_a_gradient(images):
    trainer = fitted("mixture", images, steps=8)
    run(trainer)
    prior = assemble(trainer.average, (1, 24, 20), "average", 4, 2)
    noise = ImageNoise([1], torch.device("cpu"))
    noisy = (images[:1] + 0.05 * noise.normal((1, 24, 20))).requires_grad_()
    denoised = prior.bind(noise).denoise(noisy, 0.05)
    assert (denoised - images[:1]).square().mean() < 0.5 * 0.05**2
    (gradient,) = torch.autograd.grad(denoised.sum(), noisy)
    assert gradient.abs().min() > 0


def test_an_interrupted_fit_goes_on_as_if_nothing_had_happened(images):
    straight, stopped = (fitted("mixture", images, steps=5) for _ in range(2))
    run(straight)
    stopped.step()
    stopped.step()
    again = fitted("mixture", images, steps=5)
    again.restore(stopped.state())
    run(again)
    assert (again.steps, again.examples, again.pixels) == (5, 2500, 40000)
    assert torch.allclose(again.network.axes.abs(), straight.network.axes.abs(), atol=1e-5)


def test_patches_of_several_sizes_are_refused(images):
    network = build_network(1, NetworkParams(backbone="patches"), 4, 10)
    recipe = TrainingParams(patch=4, sizes=(2, 4), probabilities=(0.5, 0.5), batch=(5, 5))
    with pytest.raises(ValueError, match="one size"):
        trainer_of(network, images, recipe, seed=0)
