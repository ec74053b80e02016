"""The contract of every plugin: a new file is tested without a new test."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from conftest import small_prior

from problems.noise import ImageNoise
from workflow.config import resolve
from workflow.params import PluginError, make_params
from workflow.plugins import discover, load

CONFIG = resolve({"preset": "smoke"})
SHORT = {"levels": 3, "updates": 2, "iterations": 4}
SHAPES = [(1, 24, 20), (3, 16, 16)]


def ignore(done, total):
    pass


# ---- problems -------------------------------------------------------------------------------


def problem_cases():
    """Every problem of the config, and every family with its defaults."""
    named = [
        pytest.param(settings["family"], settings["params"], id=name)
        for name, settings in CONFIG["problems"].items()
    ]
    return named + [pytest.param(f, {}, id=f"{f}-defaults") for f in discover("problem")]


def build(family, params, shape=(1, 32, 28)):
    cls = load("problem", family)
    return cls(shape, make_params(cls.Params, params, family))


@pytest.mark.parametrize(("family", "params"), problem_cases())
class TestProblem:
    def test_adjoint_is_the_transpose(self, family, params):
        physics = build(family, params).physics
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(4, 1, 32, 28, generator=generator)
        ax = physics.A(x)
        v = torch.randn(ax.shape, generator=generator)
        left, right = (ax * v).sum(), (x * physics.A_adjoint(v)).sum()
        assert abs(left - right) <= 1e-5 * ax.norm() * v.norm()

    def test_gradient_is_the_adjoint(self, family, params):
        physics = build(family, params).physics
        x = torch.rand(2, 1, 32, 28, requires_grad=True)
        y = physics.A(x)
        v = torch.rand_like(y)
        (gradient,) = torch.autograd.grad(y, x, v)
        torch.testing.assert_close(gradient, physics.A_adjoint(v), rtol=1e-4, atol=1e-5)

    def test_spectral_norm_is_one(self, family, params):
        physics = build(family, params).physics
        x = torch.rand(1, 1, 32, 28)
        for _ in range(100):
            x = physics.A_adjoint(physics.A(x / x.norm()))
        assert float(x.norm().sqrt()) == pytest.approx(1, abs=2e-3)

    def test_measuring_is_deterministic_and_per_image(self, family, params):
        problem = build(family, params)
        x = torch.rand(2, 1, 32, 28)
        both = problem.measure(x, ImageNoise([1, 2]))
        torch.testing.assert_close(both, problem.measure(x, ImageNoise([1, 2])), rtol=0, atol=0)
        second = problem.measure(x[1:], ImageNoise([2]))
        torch.testing.assert_close(both[1:], second, rtol=1e-5, atol=1e-6)

    def test_baseline_is_an_image(self, family, params):
        for shape in ((1, 32, 28), (3, 24, 20)):
            problem = build(family, params, shape)
            x = torch.rand(2, *shape)
            baseline = problem.baseline(problem.measure(x, ImageNoise([1, 2])))
            assert baseline.shape == x.shape
            assert baseline.min() >= 0
            assert baseline.max() <= 1

    def test_unknown_parameter_is_refused(self, family, params):
        with pytest.raises(PluginError, match="no parameter"):
            build(family, {**params, "no_such_parameter": 1})

    def test_wrong_image_size_is_refused(self, family, params):
        with pytest.raises(ValueError, match="32"):
            build(family, params).physics.A(torch.zeros(1, 1, 30, 28))


# ---- methods --------------------------------------------------------------------------------


def short(method):
    """Parameters of a method with few iterations."""
    params = method.Params()
    names = {f.name for f in fields(params)}
    return replace(params, **{k: v for k, v in SHORT.items() if k in names})


def run(name, shape, seeds=(1, 2), y=None):
    method = load("method", name)
    problem = build("ct", {"views": 6}, shape)
    truth = torch.rand(2, *shape, generator=torch.Generator().manual_seed(5))
    y = problem.physics.A(truth) if y is None else y
    noise = ImageNoise(list(seeds))
    prior = small_prior(method.prior, shape)
    prior = prior.bind(noise) if prior else None
    with torch.inference_mode(not method.jacobian), torch.set_grad_enabled(False):
        return method(short(method)).reconstruct(y, problem, prior, noise, ignore), y


@pytest.mark.parametrize("name", discover("method"))
class TestMethod:
    @pytest.mark.parametrize("shape", SHAPES, ids=["rectangle", "color"])
    def test_result_is_an_image_batch(self, name, shape):
        x, _ = run(name, shape)
        assert x.shape == (2, *shape)
        assert x.dtype == torch.float32
        assert torch.isfinite(x).all()
        assert not x.requires_grad

    def test_same_seed_same_result(self, name):
        first, y = run(name, SHAPES[0])
        assert torch.equal(first, run(name, SHAPES[0], y=y)[0])

    def test_the_result_depends_on_the_seed_if_numbers_are_drawn(self, name, monkeypatch):
        first, y = run(name, SHAPES[0])
        draws = []
        normal = ImageNoise.normal
        monkeypatch.setattr(ImageNoise, "normal", lambda *a: draws.append(1) or normal(*a))
        other, _ = run(name, SHAPES[0], seeds=(3, 4), y=y)
        assert torch.equal(first, other) != bool(draws)

    def test_batch_of_two_is_two_singles(self, name):
        both, y = run(name, SHAPES[0])
        singles = [
            run(name, SHAPES[0], seeds=(s,), y=y[i : i + 1])[0] for i, s in enumerate((1, 2))
        ]
        torch.testing.assert_close(both, torch.cat(singles), rtol=1e-3, atol=1e-3)

    def test_input_is_left_alone(self, name):
        problem = build("ct", {"views": 6}, SHAPES[0])
        y = problem.physics.A(torch.rand(2, *SHAPES[0]))
        before = y.clone()
        run(name, SHAPES[0], y=y)
        assert torch.equal(y, before)

    def test_global_random_state_is_neither_read_nor_changed(self, name):
        _, y = run(name, SHAPES[0])
        torch.manual_seed(11)
        np.random.seed(11)  # noqa: NPY002
        torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
        first, _ = run(name, SHAPES[0], y=y)
        assert torch.equal(torch.get_rng_state(), torch_state)
        assert (np.random.get_state()[1] == numpy_state).all()  # noqa: NPY002
        torch.manual_seed(12)
        assert torch.equal(first, run(name, SHAPES[0], y=y)[0])

    def test_unknown_parameter_is_refused(self, name):
        with pytest.raises(PluginError, match="no parameter"):
            make_params(load("method", name).Params, {"no_such_parameter": 1}, name)

    def test_metadata(self, name):
        plugin = discover("method")[name]
        assert plugin.attributes["label"]
        assert plugin.attributes["reference"]
        text = plugin.path.read_text()
        assert "Reference:" in text
        assert "Deviations:" in text
        assert len(text.splitlines()) <= 250

    def test_documents_itself(self, name):
        method = load("method", name)
        assert method.Params.__doc__


# ---- datasets -------------------------------------------------------------------------------


@pytest.fixture
def dataset(request, tmp_path):
    """The dataset called ``request.param``, with small parameters."""
    cls = load("dataset", request.param)
    values, names = {}, {f.name for f in fields(cls.Params)}
    if "path" in names:
        from skimage.io import imsave

        for i in range(6):
            pixels = np.random.default_rng(i).integers(0, 255, (40, 36), dtype=np.uint8)
            imsave(tmp_path / f"patient{i}.png", pixels, check_contrast=False)
        values["path"] = str(tmp_path)
    if "resolution" in names:
        values |= {"resolution": 48, "slices": 3}
    folder = request.getfixturevalue("downloads") if cls.downloads else None
    return cls(make_params(cls.Params, values, request.param), folder)


@pytest.mark.parametrize("dataset", discover("dataset"), indirect=True)
def test_dataset(dataset):
    splits = {s: dataset.load(s, (32, 28)) for s in dataset.splits}
    for images in splits.values():
        n = len(images.ids)
        assert n == len(set(images.ids)) == len(images.clusters) == len(images.pixels) > 0
        assert images.pixels.dtype == np.float32
        assert images.pixels.shape[2:] == (32, 28)
        assert images.pixels.min() >= 0
        assert images.pixels.max() <= 1
        assert images.pixels.std() > 0.01
    if "train" in splits:
        assert not set(splits["train"].clusters) & set(splits["test"].clusters)
        assert not set(splits["train"].ids) & set(splits["validation"].ids)
    again = dataset.load("test", (32, 28))
    assert np.array_equal(again.pixels, splits["test"].pixels)
    assert len(dataset.load("test", (32, 28), limit=1).ids) == 1
    assert dataset.label
    assert dataset.reference
    assert dataset.licence
