"""Images of one's own with the networks that are there: a folder of test images only."""

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from running import SETTINGS, jobs, run, workflow
from writers import GREY, folder, refused, splits, write_picture

from problems.datasets.base import SPLITS
from workflow.config.check import check_params
from workflow.config.entry import ConfigError
from workflow.config.jobs import Jobs
from workflow.config.machine import Machine
from workflow.config.resolve import resolve
from workflow.config.shown import page
from workflow.run.prepare import prepare
from workflow.store.images import load_images


def pictures(path, count=2, size=(40, 48)):
    """Pictures of stripes; each is a patient."""
    path.mkdir(parents=True)
    for k in range(count):
        rows = np.add.outer(np.arange(size[0]), np.arange(size[1]) * (k + 1))
        write_picture(path / f"p{k}.png", (rows % 29 * 8).astype(np.uint8))
    return path


def settings(path, rows=("baseline", "padis"), problem=None, **more):
    """A configuration whose table ``mine`` is about the images of a folder."""
    mine = {**(problem or {"from": "ct20"}), "dataset": "mine", "label": "Mine"}
    return {
        "preset": "smoke",
        "datasets": {"mine": {"source": "folder", "size": [32, 32], "params": {"path": str(path)}}},
        "problems": {"ct20_mine": mine},
        "tables": {"mine": {"problems": ["ct20_mine"], "rows": list(rows), "caption": "", **more}},
    }


def is_test_set(overrides):
    return resolve(overrides)["datasets"]["mine"]["params"].get("test_only", False)


# ---- the folder -------------------------------------------------------------------------------


def test_a_flat_folder_and_a_sub_folder_test_are_test_sets(tmp_path):
    pictures(tmp_path / "flat")
    pictures(tmp_path / "deep" / "test")
    for name, wanted in (("flat", ["p0", "p1"]), ("deep", ["test_p0", "test_p1"])):
        dataset = folder(tmp_path / name, test_only=True)
        assert [i.id for i in dataset.images("test")] == wanted
        assert {i.cluster for i in dataset.images("test")} == {"p0", "p1"}
        assert dataset.splits == ("test",)
        refused(["test_only", "`trained_on: ct`"], lambda d=dataset: list(d.images("train")))


def test_a_test_set_leaves_other_splits_alone(tmp_path):
    splits(tmp_path)
    for file in (tmp_path / "train" / "p", tmp_path / "validation" / "q" / "a.png"):
        file.unlink() if file.is_file() else file.rmdir()
    (tmp_path / "val").mkdir()
    write_picture(tmp_path / "test" / "b.png", GREY)
    assert [i.id for i in folder(tmp_path, test_only=True).images("test")] == ["test_b", "test_r_a"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["testing"], ["rename testing to test; or"]),
        (["train", "validation"], ["no sub-folder test", "add it"]),
    ],
)
def test_a_test_set_of_another_name_is_refused(tmp_path, names, words):
    for name in names:
        pictures(tmp_path / name, 1)
    refused(words, lambda: list(folder(tmp_path, test_only=True).images("test")))


def test_training_on_a_test_set_names_both_ways_out(tmp_path):
    pictures(tmp_path / "deep" / "test")
    pictures(tmp_path / "flat")
    ways = ["`trained_on: ct`", "`from: ct20`"]
    for name, split in (("deep", "train"), ("deep", "test"), ("flat", "train")):
        dataset = folder(tmp_path / name)
        own = ["add train and validation" if name == "deep" else "train, validation and test"]
        refused([*own, *ways], lambda d=dataset, s=split: list(d.images(s)))


# ---- the configuration ------------------------------------------------------------------------


def test_a_folder_is_a_test_set_where_nothing_needs_its_other_splits(tmp_path):
    own = {"family": "ct"}
    assert is_test_set(settings(tmp_path))
    assert is_test_set(settings(tmp_path, controls=["mean_image", "oracle"]))
    assert is_test_set(settings(tmp_path, ["baseline", "admm_tv"], own))  # no network at all
    assert not is_test_set(settings(tmp_path, problem=own))
    assert not is_test_set(settings(tmp_path, ["baseline"], own, controls=["mean_image"]))
    assert not is_test_set({**settings(tmp_path), "tuning": {"problems": ["ct20_mine"]}})
    assert not is_test_set({**settings(tmp_path), "generation": {"dataset": "mine"}})
    chosen = settings(tmp_path)
    chosen["datasets"]["mine"]["params"]["test_only"] = False
    assert not is_test_set(chosen)


def test_other_images_have_no_hounsfield_units_unless_they_say_so(tmp_path):
    own = {"source": "folder", "params": {"path": str(tmp_path), "window": [0, 4096]}}
    found = resolve({"preset": "small", "datasets": {"ct": own}})["datasets"]
    assert "hu" not in found["ct"]
    assert found["phantom"]["hu"] == [-1000, 1200]
    own |= {"hu": [0, 4096], "params": {**own["params"], "color": True}}
    with pytest.raises(ConfigError, match="hu is for grey images"):
        check_params(resolve({"preset": "small", "datasets": {"ct": own}}))


def test_controls_take_the_mean_of_the_images_that_networks_were_trained_on(tmp_path):
    pictures(tmp_path / "flat")
    config = resolve(settings(tmp_path / "flat", controls=["mean_image"]))
    check_params(config)
    made, found = Jobs(config), Jobs(config).controls("ct20_mine").inputs
    assert found["test"] == made.prepare("mine", "test").hash
    assert found["train"] == made.prepare("ct", "train").hash
    data = page(config, ["mine"]).settings["data"]
    assert data == {"ct": ["train", "validation"], "mine": ["test"]}


def test_a_test_set_is_prepared(tmp_path):
    pictures(tmp_path / "flat", 1)
    config = resolve(settings(tmp_path / "flat"))
    prepare(
        Jobs(config).prepare("mine", "test"), tmp_path / "test.npy", machine=Machine(cache=tmp_path)
    )
    assert load_images(tmp_path / "test.npy").ids == ["p0"]


def test_the_words_of_a_preset_are_not_said_of_other_images(tmp_path):
    found = resolve(settings(tmp_path))
    assert found["differs"] == "images of your choice (mine), settings of the preset smoke"
    assert "phantom" in resolve({"preset": "smoke"})["differs"]
    assert resolve({**settings(tmp_path), "differs": "mine"})["differs"] == "mine"


def test_a_dataset_that_no_problem_uses_is_named(tmp_path):
    config = {k: v for k, v in settings(tmp_path).items() if k in ("preset", "datasets")}
    with pytest.raises(ConfigError, match="no problem uses it; add one") as caught:
        resolve(config)
    assert str(caught.value).startswith("datasets.mine: ")
    assert "\n" not in str(caught.value)


def test_the_command_data_describes_what_the_file_names(tmp_path):
    pictures(tmp_path / "flat", size=(150, 140))
    chosen = {**settings(tmp_path / "flat"), "preset": "quick", "cache": str(tmp_path / "none")}
    chosen["datasets"]["mine"]["size"] = [128, 128]
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(chosen))
    code, output = workflow(tmp_path, "data", "my.yaml")
    assert code == 0, output
    assert output.startswith("mine (folder)\n  test: images 2, patients or subjects 2\n")
    assert "every file counts as a patient of its own\n" in output
    assert "up to 7% of an image is cut off to give it the shape of 128 x 128" in output
    assert not set(SPLITS[:2]) & set(output.replace(":", " ").split())
    assert "ct " not in output
    chosen["datasets"]["ct"] = {"test": 2}
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(chosen))
    code, output = workflow(tmp_path, "data", "my.yaml")
    assert code == 0, output
    assert "ct (chest_ct, 3 folds)\n  not downloaded yet: a run does that" in output


# ---- a run ------------------------------------------------------------------------------------


def test_test_images_angles_and_a_mask_of_ones_own_are_in_a_table(project, tmp_path):
    pictures(tmp_path / "scans")
    Image.fromarray((np.eye(32) * 255).astype(np.uint8)).save(project / "mask.png")
    (project / "angles.txt").write_text("3\n50\n61\n120\n")
    chosen = settings(
        tmp_path / "scans",
        problem={"from": "ct20", "params": {"angles": "angles.txt"}},
        controls=["mean_image"],
    )
    mask = {"family": "inpainting", "dataset": "mine", "trained_on": "ct", "label": "Mask"}
    chosen["problems"]["mask"] = {**mask, "params": {"mask": "mask.png"}}
    chosen["tables"]["mine"]["problems"].append("mask")
    chosen = {**SETTINGS, **chosen, "tables": chosen["tables"], "experiments": ["mine"]}
    chosen["problems"] = {**SETTINGS["problems"], **chosen["problems"]}
    chosen["tuning"] = {"problems": []}
    (project / "my.yaml").write_text(yaml.safe_dump(chosen))
    code, output = run(project)
    assert code == 0, output[-3000:]
    assert "started: train " not in output  # the networks are there
    table = pd.read_csv(project / "results/test/tables/mine.csv")
    assert set(table["status"]) == {"ok"}
    assert set(table["problem"]) == {"ct20_mine", "mask"}
    assert "mean_image" in set(table["method"])
    assert (project / "results/test/report/index.html").exists()
    _, output = run(project, "--dry-run")
    assert "Nothing to be done" in output
    (project / "angles.txt").write_text("3\n50\n61\n121\n")
    _, output = run(project, "--dry-run", "--", "mine")
    again = [job for job in jobs(output) if job.startswith(("measure", "reconstruct", "train"))]
    assert again == [
        "measure problem=ct20_mine",
        "reconstruct problem=ct20_mine, row=baseline",
        "reconstruct problem=ct20_mine, row=padis",
    ]
