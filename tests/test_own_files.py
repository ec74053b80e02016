"""Files and lists of one's own: angles of CT and masks of inpainting."""

import json

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from running import workflow

from problems.ct import CT, views_of
from problems.inpainting import Inpainting
from problems.noise import ImageNoise
from workflow.config.check import check_params
from workflow.config.entry import ConfigError
from workflow.config.jobs import Jobs, changed
from workflow.config.resolve import read, resolve
from workflow.config.spec import parse
from workflow.plugins.contract import rule_of, suite
from workflow.plugins.params import PluginError

GREY = (1, 32, 28)  # shape of the images of the contract
KNOWN = np.add.outer(np.arange(32), np.arange(28)) % 3 > 0


def ct(shape=(1, 24, 20), **params):
    return CT(shape, CT.Params(**params))


def views(*angles, **params):
    return views_of(CT.Params(angles=tuple(angles), **params))


def picture(path, array=KNOWN, scale=200):
    Image.fromarray((array * scale).astype(np.uint8)).save(path)
    return str(path)


def refused(words, problem, **params):
    """A configuration with these parameters ends in one line before anything runs."""
    with pytest.raises((ConfigError, PluginError)) as caught:
        check_params(resolve({"preset": "smoke", "problems": {problem: {"params": params}}}))
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"problems.{problem}")
    for word in words:
        assert word in message


# ---- angles -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("beam", "arc"), [("parallel", 180), ("parallel", 120), ("fan", 180)])
def test_angles_at_the_centres_of_equal_intervals_are_those_views(beam, arc):
    centres = tuple((k + 0.5) * arc / 12 for k in range(12))
    views, listed = ct(beam=beam, views=12, arc=arc), ct(beam=beam, angles=centres)
    x = torch.rand(2, 1, 24, 20)
    y = views.physics.A(x)
    torch.testing.assert_close(listed.physics.A(x), y)
    torch.testing.assert_close(listed.baseline(y), views.baseline(y))
    assert listed.norm == pytest.approx(views.norm)


def test_views_are_measured_in_ascending_order_each_from_its_own_direction():
    problem, x = ct(angles=(100, -20, 45)), torch.rand(1, 1, 24, 20)
    assert views(100, -20, 45) == (45, 100, 160)
    found = problem.physics.A(x) * problem.norm
    for k, angle in enumerate((45, 100, 160)):
        alone = ct(angles=(angle,))
        torch.testing.assert_close(found[:, :, k : k + 1], alone.physics.A(x) * alone.norm)
    opposite = ct(angles=(280, 340, 225))
    torch.testing.assert_close(opposite.physics.A(x) * opposite.norm, found)
    assert views(280, 340, 225, beam="fan") == (225, 280, 340)


def test_the_baseline_weights_views_by_what_they_stand_for():
    x = torch.zeros(1, 1, 24, 20)
    x[..., 6:18, 5:15] = 0.6
    crowded = [*np.arange(1, 60, 1), *np.arange(63, 180, 6)]
    equal = ct(angles=tuple(np.arange(1.5, 180, 3)))
    uneven = ct(angles=tuple(map(float, crowded)))
    errors = [float((p.baseline(p.physics.A(x)) - x).norm()) for p in (equal, uneven)]
    assert errors[1] < 1.5 * errors[0]


@pytest.mark.parametrize("check", suite("problem")[1], ids=lambda c: rule_of(c)[:40].rstrip("."))
def test_listed_angles_keep_the_contract(check):
    check(suite("problem")[0]("ct", {"angles": [0, 10.5, 33, 90, 91, 170], "beam": "fan"}))


def test_angles_are_read_from_a_file(tmp_path):
    file = tmp_path / "angles.txt"
    file.write_text("# degrees\n0\n\n4.5  # the second\n1e2\n")
    assert views_of(CT.Params(angles=str(file))) == (0, 4.5, 100)


@pytest.mark.parametrize(
    ("angles", "words"),
    [
        ([], ["at least one"]),
        ([0, "a"], ["angles must be", "'a'"]),
        ([0, float("nan")], ["angles"]),
        ([0, 90, 180], ["0 and 180 degrees are the same view of a parallel beam", "remove one"]),
        ([10, 370], ["10 and 370"]),
        ([0, 0.5, 1, 3.1], ["all 4", "write degrees"]),
        ("angles", ["'angles'", "list of degrees", "angles.txt"]),
        ("nowhere.txt", ["params.angles", "no file nowhere.txt"]),
        (45, ["angles must be"]),
    ],
    ids=str,
)
def test_angles_that_cannot_be_meant_are_refused(angles, words):
    refused(words, "ct20", angles=angles)


def test_few_small_angles_and_opposite_views_of_a_fan_are_angles():
    assert views(0, 1, 3) == (0, 1, 3)
    assert views(0, 90, 180, beam="fan") == (0, 90, 180)


def test_a_line_that_is_no_angle_is_named(tmp_path):
    (tmp_path / "angles.txt").write_text("0\n1, 2\n")
    refused(["angles.txt, line 2", "'1, 2'"], "ct20", angles=str(tmp_path / "angles.txt"))
    (tmp_path / "angles.txt").write_text("")
    refused(["at least one"], "ct20", angles=str(tmp_path / "angles.txt"))


# ---- masks ------------------------------------------------------------------------------------


def test_pixels_of_a_mask_that_are_not_zero_are_known(tmp_path):
    np.save(tmp_path / "mask.npy", KNOWN * 0.1)
    colour = picture(tmp_path / "colour.png", np.stack([KNOWN, KNOWN * 0, KNOWN * 0], -1), 1)
    paths = [picture(tmp_path / "mask.png"), str(tmp_path / "mask.npy"), colour]
    for path in paths:
        problem = Inpainting(GREY, Inpainting.Params(mask=path, noise_level=0.0))
        y = problem.measure(torch.ones(1, *GREY), ImageNoise([1]))
        assert torch.equal(y[0, 0], torch.from_numpy(KNOWN).float())
        assert torch.equal(problem.baseline(y), torch.ones(1, *GREY))


@pytest.mark.parametrize("check", suite("problem")[1], ids=lambda c: rule_of(c)[:40].rstrip("."))
def test_a_mask_keeps_the_contract(check, tmp_path):
    case, path = suite("problem")[0], tmp_path / "mask.png"
    if rule_of(check).startswith("The baseline"):  # builds images of another size, too
        pytest.skip("a mask has one size")
    check(case("inpainting", {"mask": picture(path)}))


def test_masks_that_do_not_fit_are_refused(tmp_path):
    path = picture(tmp_path / "mask.png")
    refused([path, "32 x 28", "32 x 32", "one size"], "inpainting", mask=path)
    for value, word in ((0, "known"), (1, "missing")):
        path = picture(tmp_path / "even.png", np.full((32, 32), value))
        refused([path, f"no pixel is {word}"], "inpainting", mask=path)
    np.save(tmp_path / "stack.npy", np.ones((2, 32, 32)))
    refused(["2 x 32 x 32"], "inpainting", mask=str(tmp_path / "stack.npy"))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    refused(["broken.png", "repair"], "inpainting", mask=str(tmp_path / "broken.png"))
    refused(["no file", "nowhere.png"], "inpainting", mask="nowhere.png")
    refused(["'pixels', 'box'", "'boxes'"], "inpainting", mask="boxes")
    (tmp_path / "mask.jpg").write_bytes(b"")
    refused(["mask.jpg", ".png"], "inpainting", mask=str(tmp_path / "mask.jpg"))


# ---- configuration ----------------------------------------------------------------------------


def settings(folder, path="files/mask.png"):
    (folder / "files").mkdir(exist_ok=True)
    picture(folder / "files/mask.png", np.eye(32))
    problems = {"mine": {"from": "inpainting", "label": "Mine", "params": {"mask": path}}}
    (folder / "my.yaml").write_text(yaml.safe_dump({"preset": "smoke", "problems": problems}))
    return folder / "my.yaml"


def test_a_job_depends_on_what_a_file_holds_and_not_on_where_it_lies(tmp_path):
    config = resolve(read(settings(tmp_path)))
    check_params(config)
    assert config["problems"]["mine"]["params"]["mask"] == str(tmp_path / "files/mask.png")
    jobs, other = Jobs(config), tmp_path / "other"
    made = {name: getattr(jobs, name)("mine") for name in ("measure", "controls")}
    made["reconstruct"] = jobs.reconstruct("mine", "padis")
    other.mkdir()
    moved = Jobs(resolve(read(settings(other))))
    assert moved.reconstruct("mine", "padis").hash == made["reconstruct"].hash
    assert moved.measure("mine").hash == made["measure"].hash
    assert any("problem_params.mask: " in line for line in made["measure"].lines(40))
    stored = parse(json.loads(json.dumps(made["measure"].record)))
    assert stored.hash == made["measure"].hash
    assert not changed(stored)
    picture(tmp_path / "files/mask.png", 1 - np.eye(32))
    edited = Jobs(config)
    assert edited.measure("mine").hash != made["measure"].hash
    assert edited.controls("mine").hash != made["controls"].hash
    assert edited.reconstruct("mine", "padis").hash != made["reconstruct"].hash
    assert changed(stored) == [str(tmp_path / "files/mask.png")]


def test_jobs_without_files_keep_their_keys():
    keyed = Jobs(resolve({"preset": "smoke"})).measure("ct20").keyed
    assert "contents" not in keyed
    assert keyed["problem_params"] == {"views": 20}


def test_a_command_reads_paths_relative_to_the_file(tmp_path):
    code, output = workflow(tmp_path, "show", "baseline", "mine", str(settings(tmp_path)))
    assert code == 0, output
    assert f"mask         {tmp_path}/files/mask.png" in output
    code, output = workflow(tmp_path, "show", "padis", "mine", str(settings(tmp_path, "no.png")))
    assert (code, output.count("\n")) == (1, 1)
    assert f"there is no file {tmp_path}/no.png" in output
