"""deepinv's algorithms as methods, and our priors as its denoisers."""

import deepinv
import pytest
import torch
from conftest import ROOT

from methods.admm_tv import ADMMTV
from methods.deepinv_adapter import AsDenoiser, with_noise_level
from problems.ct import CT
from problems.inpainting import Inpainting
from problems.noise import ImageNoise
from workflow.plugins import discovery as plugins
from workflow.plugins.contract import suite
from workflow.plugins.contract.methods import small_prior
from workflow.plugins.discovery import load
from workflow.run import harness

SHAPE = (1, 24, 20)


@pytest.fixture(scope="module")
def ct_20():
    """CT of rectangles from 12 views: the problem, the truth and its measurement."""
    problem = CT(SHAPE, CT.Params(views=12))
    truth = torch.zeros(2, *SHAPE)
    truth[0, :, 6:15, 5:12], truth[1, :, 3:20, 8:16] = 0.8, 0.5
    return problem, truth, problem.physics.A(truth)


def run(name, problem, y, **params):
    """Reconstruct in the harness; return x_hat and the counts per image."""
    cls = load("method", name)
    counter = harness.Counter()
    noise = ImageNoise([1, 2])
    prior = small_prior(cls.prior, SHAPE)
    bound = counter.watch_prior(prior.bind(noise)) if prior else None
    done = []
    with torch.inference_mode(not cls.jacobian), torch.set_grad_enabled(False):
        method = cls(cls.Params(**params))
        x = method.reconstruct(y, problem, bound, noise, lambda *a: done.append(a))
    return x, {k: v / len(y) for k, v in counter.counts.items()}, done


@pytest.mark.parametrize(
    ("name", "params", "calls", "products"),
    [
        ("deepinv_dps", {"steps": 8}, 7, 7),
        ("deepinv_diffpir", {"steps": 6}, 6, 0),
        ("deepinv_ddrm", {"steps": 5}, 5, 0),
    ],
)
def test_the_budget_is_what_the_parameters_say(name, params, calls, products):
    problem = Inpainting(SHAPE, Inpainting.Params())
    y = problem.measure(torch.rand(2, *SHAPE), ImageNoise([1, 2]))
    _, counts, done = run(name, problem, y, **params)
    assert counts["denoiser_calls"] == calls
    assert counts["jacobian_calls"] == products
    assert done[-1] == (2 * calls, 2 * calls)


@pytest.mark.parametrize("kind", ["whole", "padis", "patch_averaging"])
def test_a_prior_is_a_denoiser(kind):
    x = torch.rand(2, *SHAPE)
    prior = small_prior(kind, SHAPE)
    for sigma in (0.1, torch.tensor(0.1), torch.tensor([0.1, 0.1])):
        denoiser = AsDenoiser(prior.bind(ImageNoise([1, 2])))
        assert isinstance(denoiser, deepinv.models.Denoiser)
        wanted = prior.bind(ImageNoise([1, 2])).denoise(x, 0.1)
        torch.testing.assert_close(denoiser(x, sigma), wanted)
        assert denoiser(x.double(), sigma).dtype == torch.float64
    with pytest.raises(ValueError, match="several levels"):
        denoiser(x, torch.tensor([0.1, 0.2]))
    assert not list(denoiser.parameters())


def test_the_noise_level_is_set_on_a_view(ct_20):
    physics = ct_20[0].physics
    before = physics.noise_model
    view = with_noise_level(physics, 0.25)
    assert float(view.noise_model.sigma) == 0.25
    assert physics.noise_model is before
    x = torch.rand(1, *SHAPE)
    assert torch.equal(view.A(x), physics.A(x))


@pytest.mark.slow
def test_total_variation_is_minimised_as_by_ours(ct_20):
    problem, _, y = ct_20
    weight = 0.01
    theirs, _, _ = run("deepinv_tv", problem, y, weight=weight, iterations=200, inner=100)
    unscaled = weight * problem.norm**2
    ours = ADMMTV(ADMMTV.Params(weight=unscaled, rho=0.01, iterations=600, cg_iterations=10))
    ours = ours.reconstruct(y, problem, None, None, lambda done, total: None)
    variation = deepinv.optim.prior.TVPrior()

    def objective(x):
        misfit = (problem.physics.A(x) - y).square().flatten(1).sum(1) / 2
        return misfit + weight * variation.fn(x)

    torch.testing.assert_close(objective(theirs), objective(ours), rtol=2e-3, atol=0)
    assert (theirs - ours).abs().max() < 0.02


def test_ddrm_says_where_it_does_not_apply(ct_20):
    cls = load("method", "deepinv_ddrm")
    assert "singular value" in cls(cls.Params()).skip(ct_20[0])


PROBLEM = """
from dataclasses import dataclass
import torch
from deepinv import physics
from problems.base import Problem
from problems.physics.unit_norm import UnitNorm

class Theirs(Problem):
    label = "Theirs"
    reference = "deepinv"

    @dataclass(frozen=True)
    class Params:
        noise_level: float = 0.01

    def build(self, cache):
        found = UnitNorm(physics.{}, self.shape)
        return found, found.norm
"""


@pytest.mark.parametrize(
    "physics",
    [
        "BlurFFT(self.shape, filter=torch.ones(1, 1, 3, 3) / 9)",
        "CompressedSensing(200, self.shape, rng=torch.Generator().manual_seed(0))",
        "Downsampling(img_size=self.shape, factor=2, filter='gaussian', padding='circular')",
    ],
    ids=lambda text: text.split("(")[0],
)
def test_any_linear_operator_is_a_problem(physics, tmp_path):
    (tmp_path / "theirs.py").write_text(PROBLEM.format(physics))
    keeps_the_contract(tmp_path / "theirs.py")


def keeps_the_contract(file, **params):
    plugins.use([file])
    try:
        make, checks = suite("problem")
        case = make(file.stem, params)
        for check in checks:
            check(case)
    finally:
        plugins.use([])
    return case


def test_the_example_of_mri_measures_complex_numbers_as_two_channels():
    case = keeps_the_contract(ROOT / "docs" / "mri.py", center=0, acceleration=4)
    x = case.image()
    y = case.physics.A(x) * case.problem.norm
    kept = torch.fft.fft2(x, norm="ortho")[..., ::4]
    torch.testing.assert_close(torch.complex(*y.split(1, dim=1)), kept, atol=1e-5, rtol=0)


def test_one_image_draws_what_it_draws_in_a_batch():
    both, alone = ImageNoise([1, 2]), ImageNoise([2])
    one = both.of(1)
    assert len(one) == 1
    assert torch.equal(one.normal((3,)), alone.normal((3,)))
    assert torch.equal(both.normal((3,))[1:], alone.normal((3,)))
