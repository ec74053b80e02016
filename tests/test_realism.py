"""CT without the inverse crime: counted photons, and data of a finer grid."""

import math

import numpy as np
import pytest
import torch
from running import SETTINGS, copy_project, run
from scipy.special import erf

from problems.ct import CT
from problems.datasets.base import Images
from problems.deblurring import Deblurring
from problems.inpainting import Inpainting
from problems.noise import ImageNoise
from problems.physics.tomography import Tomography
from problems.superresolution import Superresolution
from workflow.config.check import check_params
from workflow.config.entry import ConfigError
from workflow.config.jobs import Jobs
from workflow.config.resolve import resolve
from workflow.plugins.contract import rule_of, suite
from workflow.run.measure import load_both
from workflow.store.arrays import StoreError, load_measurements
from workflow.store.images import save_images

SHAPE = (1, 32, 32)


def grid(size, width=40.0):
    """Distances (rows, columns) of the pixels of a square from its centre."""
    places = (torch.arange(size) - (size - 1) / 2) * width / size
    return torch.meshgrid(places, places, indexing="ij")


def disc(size, diameter, value, width=32.0):
    """(1, 1, H, W)."""
    return (value * (torch.hypot(*grid(size, width)) <= diameter / 2))[None, None].float()


def make(shape=SHAPE, **params):
    return CT(shape, CT.Params(**{"views": 6, **params}))


# ---- photons --------------------------------------------------------------------------------


def counts_of(problem, y, centimetres=32.0):
    """Photons, from the definition: a length unit is 1/40 of the width, 0.44 per cm."""
    return problem.params.photons * torch.exp(-y * problem.norm * 0.44 * centimetres / 40)


def test_water_attenuates_as_water():
    problem = make((1, 64, 64), photons=1e4)
    y = problem.physics.A(disc(64, 20.0, 1000 / 2200))
    thickest = counts_of(problem, y).amin(-1).flatten()
    wanted = torch.full((6,), 1e4 * math.exp(-0.2 * 20))
    torch.testing.assert_close(thickest, wanted, rtol=0.15, atol=0)  # one pixel more or less
    assert counts_of(problem, y).max() == 1e4


@pytest.mark.parametrize("width", [16.0, 32.0])
def test_counts_have_the_mean_and_the_variance_of_poisson(width):
    problem = make((1, 16, 16), photons=2e3, width=width)
    x = disc(16, 0.7 * width, 0.5, width)
    draws = 3000
    y = problem.measure(x.expand(draws, -1, -1, -1), ImageNoise(list(range(draws))))
    counts = counts_of(problem, y.double(), width)
    assert (counts - counts.round()).abs().max() < 0.02
    wanted = counts_of(problem, problem.physics.A(x).double(), width)[0]
    # Five standard deviations of a mean and of a variance over the draws, of 192 bins.
    assert ((counts.mean(0) - wanted).abs() < 5 * (wanted / draws).sqrt()).all()
    assert ((counts.var(0) / wanted - 1).abs() < 5 * math.sqrt(2 / draws)).all()
    assert wanted.min() < 0.7 * wanted.max()


def test_noise_level_is_that_of_a_disc_of_water():
    problem = make((1, 48, 48), photons=1e4)
    x = disc(48, 20.0, 1000 / 2200).expand(60, -1, -1, -1)
    errors = problem.measure(x, ImageNoise(list(range(60)))) - problem.physics.A(x)
    assert problem.noise_level == pytest.approx(float(errors.square().mean().sqrt()), rel=0.03)
    fewer = make((1, 48, 48), photons=1e2)
    assert fewer.noise_level == pytest.approx(10 * problem.noise_level, rel=1e-4)


def test_the_noise_of_an_image_is_its_own():
    problem, x = make(photons=1e3), torch.rand(3, *SHAPE)
    together = problem.measure(x, ImageNoise([5, 6, 7]))
    alone = problem.measure(x[1:2], ImageNoise([6]))  # a batch of another size
    torch.testing.assert_close(together[1:2], alone, rtol=1e-5, atol=1e-5)
    other = problem.measure(x[1:2], ImageNoise([5]))
    assert (together[1:2] - other).abs().max() > 0.01
    state = torch.get_rng_state()
    problem.measure(x, ImageNoise([1, 2, 3]))
    assert torch.equal(state, torch.get_rng_state())
    noise = ImageNoise([1, 2, 3])
    assert not torch.equal(problem.measure(x, noise), problem.measure(x, noise))


def test_where_no_photon_arrives_one_is_counted():
    problem = make(photons=20.0)
    y = problem.measure(torch.ones(1, *SHAPE), ImageNoise([1]))
    assert torch.isfinite(y).all()
    assert float(counts_of(problem, y).min()) == pytest.approx(1, rel=1e-3)


def test_two_kinds_of_noise_are_refused_and_errors_of_the_model_add_up():
    with pytest.raises(ValueError, match="photons and noise_level"):
        make(photons=1e4, noise_level=0.1)
    alone, error = make(photons=1e4), 0.06
    both = make(photons=1e4, model_error=error)
    wanted = math.hypot(alone.noise_level, error / alone.norm)
    assert both.noise_level == pytest.approx(wanted)
    x = torch.rand(1, *SHAPE)
    assert torch.equal(both.measure(x, ImageNoise([1])), alone.measure(x, ImageNoise([1])))
    told = make(noise_level=0.03, model_error=0.04)
    assert told.noise_level == pytest.approx(0.05 / told.norm)
    quiet = make(noise_level=0.03).measure(x, ImageNoise([1]))
    assert torch.equal(told.measure(x, ImageNoise([1])), quiet)


@pytest.mark.parametrize("check", suite("problem")[1], ids=lambda c: rule_of(c)[:40].rstrip("."))
def test_counting_keeps_the_contract(check):
    check(suite("problem")[0]("ct", {"photons": 1e4, "model_error": 0.06}))


@pytest.mark.parametrize(
    ("cls", "params"),
    [
        (CT, {}),
        (CT, {"noise_level": 0.1}),
        (CT, {"beam": "fan"}),
        (Deblurring, {}),
        (Superresolution, {}),
        (Inpainting, {}),
    ],
)
def test_other_problems_measure_what_they_did(cls, params):
    """To the last bit, y = A x + sigma_y n."""
    problem, x = cls(SHAPE, cls.Params(**params)), torch.rand(2, *SHAPE)
    y = problem.physics.A(x)
    if problem.noise_level:
        y = y + problem.noise_level * ImageNoise([3, 4]).normal_like(y)
    y = problem.physics.A(y) if cls is Inpainting else y
    assert torch.equal(problem.measure(x, ImageNoise([3, 4])), y)


# ---- a finer grid ---------------------------------------------------------------------------


def blob(size, spread=4.0, at=(3.0, -2.0)):
    """exp(-r^2 / (2 spread^2)) about a point, (1, 1, H, W), at the centres of pixels."""
    rows, columns = grid(size)
    return torch.exp(-((rows - at[0]) ** 2 + (columns - at[1]) ** 2) / (2 * spread**2))[None, None]


def exact(views, bins, spread=4.0, at=(3.0, -2.0)):
    """Means of the line integrals of ``blob`` over every bin of a parallel beam, (views, bins)."""
    angles = (np.arange(views) + 0.5) * np.pi / views
    x, y = at  # ODL's first axis is the rows
    centres = x * np.cos(angles) + y * np.sin(angles)
    edges = np.linspace(-40, 40, bins + 1)
    below = erf((edges - centres[:, None]) / (np.sqrt(2) * spread))
    return np.pi * spread**2 * np.diff(below) / np.diff(edges)


@pytest.mark.parametrize("factor", [2, 4])
def test_finer_rays_find_the_line_integrals_of_a_known_object(factor):
    problem = make(views=7)
    wanted = exact(7, 64)
    fine, coarse = (
        (problem.noiseless(blob(n)) * problem.norm)[0, 0].numpy() for n in (32 * factor, 32)
    )
    assert fine.shape == coarse.shape == wanted.shape
    assert np.abs(fine - wanted).max() < 2e-3 * wanted.max()
    assert np.abs(coarse - wanted).max() < 4e-2 * wanted.max()
    assert np.abs(fine - wanted).max() < 0.5 * np.abs(coarse - wanted).max()


@pytest.mark.parametrize("beam", ["parallel", "fan"])
def test_a_finer_grid_differs_by_the_discretisation_only(beam):
    problem = make((1, 32, 24), views=9, beam=beam)
    x = torch.rand(2, 1, 8, 6, generator=torch.Generator().manual_seed(0))
    x = torch.nn.functional.interpolate(x, (128, 96), mode="bicubic").clamp(0, 1)
    fine, coarse = problem.noiseless(x), problem.physics.A(torch.nn.functional.avg_pool2d(x, 4))
    difference = float((fine - coarse).norm() / coarse.norm())
    assert 1e-4 < difference < 0.05
    total = fine.sum(-1) / coarse.sum(-1) - 1
    assert float(total.abs().max()) < 0.02


def test_the_operator_stays_that_of_the_reconstruction():
    problem, x = make(), torch.rand(1, *SHAPE)
    before = problem.physics.A(x)
    problem.measure(torch.rand(1, 1, 64, 64), ImageNoise([1]))
    assert torch.equal(problem.physics.A(x), before)
    assert torch.equal(before, Tomography(problem.geometry, 32, 32).A(x))


@pytest.mark.parametrize("size", [(48, 48), (64, 96), (16, 16), (64, 32)])
def test_other_grids_are_refused(size):
    with pytest.raises(ValueError, match=r"operator expects \(32, 32\)"):
        make().measure(torch.rand(1, 1, *size), ImageNoise([1]))


# ---- in the workflow ------------------------------------------------------------------------


def test_images_must_be_the_means_of_those_that_are_measured(tmp_path):
    fine = np.random.default_rng(0).random((2, 1, 8, 8), dtype=np.float32)
    coarse = fine.reshape(2, 1, 4, 2, 4, 2).mean((3, 5))

    def found(pixels, ids=("a", "b")):
        for name, images, names in (("x", coarse, ("a", "b")), ("fine", pixels, ids)):
            save_images(tmp_path / f"{name}.npy", Images(images, list(names), ["p", "p"], [1, 1]))
        return load_both(tmp_path / "x.npy", tmp_path / "fine.npy")

    truth, seen = found(fine)
    assert np.array_equal(truth.pixels, coarse)
    assert np.array_equal(seen.pixels, fine)
    assert np.array_equal(found(coarse)[1].pixels, coarse)
    for pixels, ids in ((fine[::-1].copy(), ("a", "b")), (fine, ("a", "c"))):
        with pytest.raises(StoreError, match="not the means"):
            found(pixels, ids)


def test_jobs_read_the_finer_images():
    config = resolve({"preset": "small"})
    for job in (lambda c, p: Jobs(c).measure(p), lambda c, p: Jobs(c).tune(p, "admm_tv")):
        images, measured = job(config, "ct20").inputs.values()
        finer_images, finer_measured = job(config, "ct20_realistic").inputs.values()
        assert images == measured == finer_images != finer_measured
    assert Jobs(config).prepare("ct", "test", 4).size == [256, 256]
    problem = {"deblurring": {"grid": 2}}
    with pytest.raises(ConfigError, match=r"problems\.deblurring: .* no finer grid"):
        check_params(resolve({"preset": "smoke", "problems": problem}))


@pytest.mark.slow
def test_a_finer_grid_is_prepared_measured_and_tuned(tmp_path):
    settings = {**SETTINGS, "problems": {"ct20": {"grid": 2, "params": {"photons": 1e4}}}}
    folder, results = copy_project(tmp_path, settings), tmp_path / "results/test"
    wanted = ["measurements/ct20.npz", "tuning/ct20/admm_tv.csv"]
    code, output = run(folder, "--", *(f"results/test/{name}" for name in wanted))
    assert code == 0, output[-3000:]
    truth, seen = load_both(results / "data/ct/test.npy", results / "data/ct/test.x2.npy")
    assert seen.pixels.shape[-2:] == (64, 64)
    found = load_measurements(results / "measurements/ct20.npz")
    assert found["shape"].tolist() == [1, 32, 32]
    problem = CT((1, 32, 32), CT.Params(views=20, photons=1e4))
    finer, coarse = (problem.noiseless(torch.from_numpy(i.pixels)) for i in (seen, truth))
    errors = [float((torch.from_numpy(found["y"]) - y).square().mean()) for y in (finer, coarse)]
    assert errors[0] < errors[1]
    assert (results / "tuning/ct20/admm_tv.csv").exists()
