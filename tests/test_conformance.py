"""The contract of every plugin: a new file is tested without a new test."""

import numpy as np
import pytest

from workflow.config.resolve import resolve
from workflow.plugins.contract import ContractError, rule_of, suite
from workflow.plugins.contract.methods import samples
from workflow.plugins.discovery import discover
from workflow.plugins.params import kinds

CONFIG = resolve({"preset": "smoke"})


def checks(kind):
    return pytest.mark.parametrize(
        "check", suite(kind)[1], ids=lambda check: rule_of(check)[:60].rstrip(".")
    )


def problems():
    """Every problem of the config, and every family with its defaults."""
    named = [
        pytest.param(settings["family"], settings["params"], id=name)
        for name, settings in CONFIG["problems"].items()
    ]
    return named + [pytest.param(f, {}, id=f"{f}-defaults") for f in discover("problem")]


@checks("problem")
@pytest.mark.parametrize(("family", "params"), problems())
def test_problem(family, params, check):
    check(suite("problem")[0](family, params))


@checks("method")
@pytest.mark.parametrize("name", discover("method"))
def test_method(name, check):
    check(suite("method")[0](name, {}))


@pytest.mark.parametrize("name", discover("method"))
def test_method_documents_itself(name):
    plugin = discover("method")[name]
    text = plugin.path.read_text()
    assert "Reference:" in text
    assert "Deviations:" in text
    assert len(text.splitlines()) <= 250
    assert suite("method")[0](name, {}).cls.Params.__doc__


LIARS = {  # samplers that are none: what they draw, and what is said
    "draws nothing": (lambda x, noise: x, "draws nothing"),
    "ignores noise": (lambda x, noise: x + 0 * noise.normal_like(x), "change nothing"),
    "shares": (lambda x, noise: x + noise.normal_like(x).mean(dim=0), "run of its own"),
}


@pytest.mark.parametrize("liar", LIARS)
def test_what_does_not_sample_is_found(liar, monkeypatch):
    draw, said = LIARS[liar]
    case = suite("method")[0]("langevin", {})
    monkeypatch.setattr(
        case.cls, "reconstruct", lambda self, y, problem, prior, noise, progress: draw(
            problem.baseline(y), noise
        )
    )  # fmt: skip
    with pytest.raises(ContractError, match=said):
        samples(case)


@pytest.mark.parametrize("name", discover("dataset"))
def test_dataset(name, tmp_path, request):
    make, all_checks = suite("dataset")
    cls, values, folder = discover("dataset")[name].cls, {}, None
    known = kinds(cls.Params)
    if "path" in known:
        from skimage.io import imsave

        for i in range(6):
            pixels = np.random.default_rng(i).integers(0, 255, (40, 36), dtype=np.uint8)
            imsave(tmp_path / f"patient{i}.png", pixels, check_contrast=False)
        values["path"] = str(tmp_path)
    if "resolution" in known:
        values |= {"resolution": 48, "slices": 3}
    if cls.downloads:
        folder = request.getfixturevalue("downloads")
    case = make(name, values, folder)
    for check in all_checks:
        check(case)
