"""Training of networks: recipes, losses, resuming, where patches are cut."""

import pytest
import torch
from torch.nn import functional as F

from methods.priors import training
from methods.priors.networks import Denoiser, NetworkParams, build_network
from methods.priors.patch import PatchPrior
from methods.priors.positions import OUTSIDE
from methods.priors.training import Trainer, TrainingParams
from problems.noise import ImageNoise, seed_of
from workflow.plugins.contract.methods import small_network

PATCHES = TrainingParams(
    patch=8, sizes=(4, 8), probabilities=(0.5, 0.5), batch=(8, 4), examples=160, learning_rate=3e-3
)
WHOLE = TrainingParams(batch=(4,), examples=160, learning_rate=3e-3)


def images(n=6, height=16, width=12):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(n, 1, 1, 1, generator=generator).expand(n, 1, height, width).contiguous()


@pytest.mark.slow
@pytest.mark.parametrize("params", [PATCHES, WHOLE], ids=["patches", "whole"])
def test_training_lowers_the_loss(params):
    params = params._replace(examples=1600)
    trainer = Trainer(small_network().requires_grad_(True), images(), params, seed_of("t"))
    losses = []
    while not trainer.finished:
        losses.append(float(trainer.step()))
    assert trainer.examples >= params.examples
    assert sum(losses[-50:]) < 0.7 * sum(losses[:50])


@pytest.mark.slow
def test_a_gaussian_denoiser_learns_to_denoise():
    """A few steps on constant images: the noise of a pixel must fall well below what came in."""
    params = NetworkParams("drunet", width=8, multipliers=(1, 1, 1, 1), blocks=1, position=False)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(1, params)
    recipe = TrainingParams(
        batch=(8,), examples=2400, learning_rate=3e-3, noise="uniform", sigma_min=0.0, sigma_max=0.2
    )
    trainer = Trainer(network, images(), recipe, seed_of("g"))
    sigmas = trainer._noise_levels(1000, torch.Generator().manual_seed(0))
    assert sigmas.min() >= 0
    assert sigmas.max() <= 0.2
    assert float(sigmas.mean()) == pytest.approx(0.1, abs=0.01)
    while not trainer.finished:
        trainer.step()
    clean = images()
    noisy = clean + 0.1 * ImageNoise(list(range(6))).normal_like(clean)
    out = network.eval()(noisy, torch.full((6,), 0.1))
    assert (out - clean).std() < 0.5 * (noisy - clean).std()


@pytest.mark.parametrize("change", [{"position": True}, {"multipliers": (1, 2)}])
def test_drunet_refuses_what_it_cannot_do(change):
    settings = {"backbone": "drunet", "multipliers": (1, 1, 1, 1), "position": False, **change}
    with pytest.raises(ValueError, match="four multipliers"):
        build_network(1, NetworkParams(**settings))


@pytest.mark.parametrize("params", [PATCHES, WHOLE], ids=["patches", "whole"])
def test_training_resumes_exactly(params):
    def trainer():
        return Trainer(small_network().requires_grad_(True), images(), params, seed_of("t"))

    straight = trainer()
    for _ in range(6):
        straight.step()
    first = trainer()
    for _ in range(3):
        first.step()
    state = {k: v.clone() for k, v in first.state().items()}
    second = trainer()
    second.restore(state)
    torch.manual_seed(99)  # nothing may depend on the global generator
    for _ in range(3):
        second.step()
    for a, b in zip(straight.average.parameters(), second.average.parameters(), strict=True):
        assert torch.equal(a, b)


def test_patches_are_cut_where_their_position_says():
    """The image holds its own coordinates: a patch and its position channels must agree."""
    height, width = 16, 12
    trainer = Trainer(small_network(), torch.zeros(1, 1, height, width), PATCHES, 0)
    (above, beside), whole = trainer.canvas.margin, trainer.position[0]
    trainer.canvas.images = whole[None, None, above : above + height, beside : beside + width]
    canvas = F.pad(trainer.canvas.images, (beside, beside, above, above))[0, 0]
    which, rows, columns = trainer.canvas.places(200, 8, 8, torch.Generator().manual_seed(0))
    clean = trainer.canvas.cut(which, rows, columns)
    position = trainer.position[:, rows, columns].permute(1, 0, 2, 3)
    inside = canvas[rows, columns] != 0
    assert torch.equal(clean[:, 0], canvas[rows, columns])
    assert torch.equal(clean[:, 0][inside], position[:, 0][inside])
    assert (rows == 0).any()  # windows reach the edge of the padded canvas
    assert (columns == 0).any()


@pytest.mark.parametrize("margin", ["coordinates", "marked"])
def test_training_tells_what_the_prior_tells(margin):
    """On images of ones a patch says where the margin is."""
    params = NetworkParams(width=8, multipliers=(1, 2), blocks=1, margin=margin)
    network = Denoiser(1, params)
    trainer = Trainer(network, torch.ones(1, 1, 16, 12), PATCHES, 0)
    prior = PatchPrior(network, (1, 16, 12), PATCHES.patch)
    assert torch.equal(trainer.position, prior._position[0])
    mine = slice(0, 50)
    clean, _, _, told, _ = trainer._examples(8, 8, 50, mine, torch.Generator().manual_seed(0))
    outside = (clean == 0).expand_as(told)
    assert outside.any()
    assert torch.equal(told == OUTSIDE, outside) == (margin == "marked")


def test_a_network_with_attention_trains_and_resumes():
    params = NetworkParams(width=8, multipliers=(1, 2), blocks=1, attention=True)

    def trainer():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return Trainer(build_network(1, params), images(), WHOLE, seed_of("t"))

    straight = trainer()
    for _ in range(6):
        straight.step()
    assert straight.network.network.attention.leave.weight.abs().sum() > 0
    second = trainer()
    second.restore(straight.state())
    assert float(second.step()) == float(straight.step())


def test_images_in_8_bits_and_a_choice_of_them_train_the_same():
    eight = torch.randint(256, (6, 1, 16, 12), dtype=torch.uint8)
    images = eight.float() / 255
    losses = []
    for stored, chosen in ((images[[0, 2, 5]], None), (eight, [0, 2, 5])):
        trainer = Trainer(
            small_network().requires_grad_(True), stored, PATCHES, seed_of("t"), chosen
        )
        losses.append([float(trainer.step()) for _ in range(5)])
    assert losses[0] == losses[1]


def test_a_step_in_parts_is_the_step_of_the_batch(monkeypatch):
    losses = []
    for pixels in (100_000, 130):  # two patches of 8 x 8 at a time
        monkeypatch.setattr(training, "AT_ONCE", pixels)
        network = small_network().requires_grad_(True)
        trainer = Trainer(network, images(), PATCHES, seed_of("t"))
        losses.append([float(trainer.step()) for _ in range(8)])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_recipe_must_fit_together():
    network = small_network().requires_grad_(True)
    with pytest.raises(ValueError, match="largest"):
        Trainer(network, images(), PATCHES._replace(patch=6), 0)
    with pytest.raises(ValueError, match="same number"):
        Trainer(network, images(), PATCHES._replace(batch=(8,)), 0)
    with pytest.raises(ValueError, match="patch size"):
        Trainer(network, images(4, 6, 6), PATCHES, 0)


@pytest.mark.parametrize(("name", "millions"), [("patch", 60.5), ("whole", 114.6)])
def test_networks_of_the_paper_have_its_number_of_parameters(name, millions):
    from workflow.config.resolve import resolve
    from workflow.plugins.params import make_params

    settings = resolve({"preset": "paper"})["networks"][name]["network"]
    with torch.device("meta"):
        network = Denoiser(1, make_params(NetworkParams, settings, name))
    count = sum(p.numel() for p in network.parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.1)


def test_training_with_context_cuts_patches_from_the_noisy_image_that_is_reduced():
    class Recorder(Denoiser):
        def forward(self, v, sigma, position, context=None):
            self.seen = v.detach(), sigma, position, context.detach()
            return super().forward(v, sigma, position, context)

    params = NetworkParams(width=8, multipliers=(1, 2), blocks=1, context=True)
    images = torch.rand(5, 1, 16, 16)
    recipe = TrainingParams(patch=16, sizes=(16,), probabilities=(1.0,), batch=(3,))
    trainer = Trainer(Recorder(1, params), images, recipe, 0)
    trainer.step()
    v, _, _, context = trainer.network.seen
    assert torch.equal(v, context)  # the patch is the image, which is not reduced then
    smaller = recipe._replace(patch=8, sizes=(8,))
    trainer = Trainer(Recorder(1, params), torch.ones(5, 1, 16, 16), smaller, 0)
    trainer.step()
    v, sigma, _, context = trainer.network.seen
    assert context.shape == v.shape == (3, 1, 8, 8)
    for noise, level in zip(context - 1, sigma, strict=True):  # the mean of four pixels
        assert 0.3 * level < noise.std() < 0.7 * level
    for wrong in (
        recipe._replace(patch=0),
        smaller._replace(sizes=(4, 8), probabilities=(0.5, 0.5), batch=(2, 2)),
    ):
        with pytest.raises(ValueError, match="context"):
            Trainer(Denoiser(1, params), images, wrong, 0)
