"""Samples of a prior with a known distribution, and the numbers that compare samples."""

import numpy as np
import pytest
import torch

from methods.sampling import GenerationParams, generate
from problems.noise import ImageNoise
from workflow.score import generation
from workflow.show.cells import markdown
from workflow.show.figures import WIDTH
from workflow.show.generation import sample_figure, sample_table

MEAN, TAU = 0.5, 0.3


class GaussianPrior:
    """The exact denoiser of N(m, tau^2 I)."""

    state_shape = (1, 8, 8)

    def denoise(self, x, sigma):
        return MEAN + TAU**2 / (TAU**2 + sigma**2) * (x - MEAN)

    def crop(self, x):
        return x


@pytest.mark.parametrize("epsilon", [0.2, 1.0])
def test_generation_samples_the_prior(epsilon):
    """At slowly falling noise the samples have the prior's mean and spread."""
    params = GenerationParams(
        epsilon=epsilon, sigma_max=2.0, sigma_min=0.01, levels=200, updates=10
    )
    calls = []
    noise = ImageNoise(list(range(60)))
    x = generate(GaussianPrior(), noise, lambda done, total: calls.append((done, total)), params)
    assert x.shape == (60, 1, 8, 8)
    assert float(x.mean()) == pytest.approx(MEAN, abs=0.02)
    assert float(x.std()) == pytest.approx(TAU, rel=0.03)
    assert calls[-1] == (2000, 2000)


def test_a_sample_depends_on_its_own_seed_only():
    params = GenerationParams(levels=3)
    both, one = (
        generate(GaussianPrior(), ImageNoise(seeds), lambda *_: None, params)
        for seeds in ([1, 2], [2])
    )
    torch.testing.assert_close(both[1:], one, rtol=0, atol=0)


@pytest.fixture
def smooth():
    images = torch.rand((6, 1, 20, 24), generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.avg_pool2d(images, 5, stride=1, padding=2).numpy().astype(float)


def test_distances_of_images_to_themselves_are_zero(smooth):
    assert generation.patch_distance(smooth, smooth) == pytest.approx(0, abs=1e-4)
    assert generation.spectrum_distance(smooth, smooth) == 0


def test_distances_have_their_known_values(smooth):
    assert generation.patch_distance(smooth + 0.1, smooth) == pytest.approx(0.1, rel=1e-3)
    assert generation.spectrum_distance(2 * smooth, smooth) == pytest.approx(6.02, abs=0.01)
    # Twice the contrast: |m| and the standard deviations in all directions double.
    patches = np.lib.stride_tricks.sliding_window_view(smooth, (8, 8), axis=(2, 3)).reshape(-1, 64)
    expected = np.sqrt((patches.mean(0) ** 2 + patches.var(0, ddof=1)).mean())
    assert generation.patch_distance(2 * smooth, smooth) == pytest.approx(expected, rel=1e-3)
    nearest = generation.nearest(smooth[:2] + 0.01, smooth)
    assert nearest == pytest.approx(40, abs=1e-6)


def test_seams_are_found_where_the_fixed_grid_has_its_borders(monkeypatch):
    from methods.priors.patch import PatchPrior
    from workflow.plugins.contract.methods import small_network

    patch, shape = 6, (1, 20, 15)
    prior = PatchPrior(small_network(), shape, patch, "fixed_grid")
    number = torch.arange(prior._k * prior._l).float()

    # Every tile gets a value of its own, as if the network had denoised it so.
    monkeypatch.setattr(
        "methods.priors.patch.denoise_tiles",
        lambda network, tiles, *told: tiles * 0 + number[: len(tiles), None, None, None],
    )
    prior._needed = lambda corners: torch.arange(prior._k * prior._l)
    tiled = prior.crop(prior._denoise(torch.zeros(1, *prior.state_shape), 1.0)).numpy()
    noise = np.random.default_rng(0).normal(size=(200, *shape))
    assert generation.seam_energy(tiled + 1e-9 * noise[:1], patch) > 1e12
    assert generation.seam_energy(noise, patch) == pytest.approx(1, abs=0.02)


def test_comparison_and_figure(smooth):
    table = generation.compare({"A": smooth, "B": smooth[:3]}, smooth, 8)
    text = markdown(sample_table(table, 8))
    assert text.splitlines()[-2].startswith("| A | 6 | 0.0000 | 0.00 |")
    assert "patch size 8" in text
    figure = sample_figure({"A": smooth, "A longer label": smooth[:3]})
    assert sum(len(axes.images) for axes in figure.axes) == 9
    assert figure.get_size_inches()[0] <= WIDTH + 0.1
