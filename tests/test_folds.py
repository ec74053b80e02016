"""Folds: every patient is a test patient, each of a network that has not seen them."""

import json

import numpy as np
import pandas as pd
import pytest
from running import copy_project, run

from problems.datasets.base import DataError
from problems.datasets.chest_ct import FOLDS, PATIENTS
from problems.datasets.orl_faces import ORLFaces
from problems.datasets.phantom import Phantom
from workflow.config.check import check_params
from workflow.config.entry import ConfigError
from workflow.config.machine import Machine
from workflow.config.resolve import resolve
from workflow.config.spec import Prepare
from workflow.config.views import networks_for
from workflow.plugins.params import PluginError
from workflow.run.prepare import prepare
from workflow.run.tune import spread

SETTINGS = {
    "preset": "smoke",
    "name": "folds",
    "device": "cpu",
    "batch": 2,
    "datasets": {"ct": {"folds": 2, "test": 3, "validation": 3}},
    "experiments": ["table1"],
    "more": [],
    "tables": {
        "table1": {"problems": ["ct20"], "rows": ["baseline", "padis"], "controls": ["mean_image"]},
    },
    "generation": None,
}  # fmt: skip


def test_every_chest_patient_is_tested_once_and_never_on_slices_that_chose_parameters():
    assert sorted(fold[0] for fold in FOLDS) == sorted(PATIENTS)
    for fold in FOLDS:
        assert sorted(fold) == sorted(PATIENTS)
    for test, _, _ in FOLDS:
        tested = set(range(*PATIENTS[test].test))
        for fold in FOLDS:
            if fold[1] == test:
                slab = set(range(*PATIENTS[test].validation))
                assert slab
                assert not {k for k in tested if not PATIENTS[test].near_validation(k)} & slab


@pytest.mark.parametrize(("people", "folds"), [(4, 10), (6, 6), (8, 5)])
def test_people_are_in_one_split_and_tested_in_one_fold(people, folds):
    seen = []
    for fold in range(1, folds + 1):
        dataset = ORLFaces(ORLFaces.Params(people=people, fold=fold))
        splits = [dataset.subjects(split) for split in ("train", "validation", "test")]
        assert sorted(sum(splits, [])) == list(range(1, 41))  # noqa: RUF017
        assert [len(split) for split in splits[1:]] == [4, people]
        seen += splits[2]
    assert len(set(seen)) == people * folds
    with pytest.raises(DataError, match=f"use at most {40 // people} folds"):
        ORLFaces(ORLFaces.Params(people=people, fold=folds + 1)).subjects("test")


def test_the_first_fold_of_the_faces_is_the_split_without_folds():
    dataset = ORLFaces(ORLFaces.Params())
    assert dataset.subjects("test") == [37, 38, 39, 40]
    assert dataset.subjects("validation") == [33, 34, 35, 36]


def test_a_patient_in_the_test_split_of_two_folds_is_refused(tmp_path, monkeypatch):
    class Same(Phantom):
        def images(self, split):
            yield from Phantom(Phantom.Params(slices=2, resolution=32)).images(split)

    monkeypatch.setattr("workflow.run.prepare.load", lambda kind, name: Same)
    job = Prepare(
        dataset="ct", split="test", folds=2, source="phantom", params={}, size=[16, 16],
        count=None, files="",
    )  # fmt: skip
    with pytest.raises(DataError, match="test0 is a test patient of two folds"):
        prepare(job, tmp_path / "test.npy", machine=Machine())


def test_images_of_other_datasets_have_the_networks_of_the_first_fold():
    config = resolve({"preset": "smoke", "datasets": {"ct": {"folds": 2}}})
    assert networks_for(config, "ct20", "padis") == ["ct/1/patch", "ct/2/patch"]
    assert networks_for(config, "ct20_faces", "padis") == ["ct/1/patch"]
    with pytest.raises(ConfigError, match="has one split only"):
        check_params(resolve({"preset": "small", "datasets": {"head_abdomen": {"folds": 2}}}))
    with pytest.raises(PluginError, match="not 4"):
        check_params(resolve({"preset": "small", "datasets": {"ct": {"folds": 4}}}))
    config = resolve({"preset": "smoke", "datasets": {"faces": {"folds": 2}}})
    assert networks_for(config, "ct20_faces", "padis") == ["ct/patch"] * 2


def test_images_of_ones_own_have_no_folds_of_the_preset(tmp_path):
    own = {"source": "folder", "size": [64, 64], "params": {"path": str(tmp_path)}}
    assert resolve({"datasets": {"ct": own}})["datasets"]["ct"]["folds"] == 1
    assert resolve({})["datasets"]["ct"]["folds"] == 3


def test_searches_take_images_of_every_fold():
    assert spread([1, 1, 1, 2, 2, 2, 3, 3, 3], 3) == [0, 4, 8]
    assert spread([1] * 5 + [2] * 5, 3) == [0, 4, 8]
    assert spread([1] * 5 + [2] * 5, 1) == [1]
    assert spread([1] * 5, 3) == [0, 2, 4]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = copy_project(tmp_path_factory.mktemp("folds"), SETTINGS)
    status, output = run(folder)
    assert status == 0, output
    return folder / "results/folds"


def test_a_run_pools_the_test_images_of_all_folds(finished):
    images = pd.read_csv(finished / "images.csv")
    for row, lines in images.groupby("method"):
        assert lines["fold"].tolist() == [1, 1, 1, 2, 2, 2], row
        assert lines.groupby("fold")["cluster"].unique().str[0].tolist() == ["test0", "test1"]
    table = pd.read_csv(finished / "tables/table1.csv").set_index("method")
    assert table.loc["padis", ["images", "clusters"]].tolist() == [6, 2]
    assert "3 of 1" not in (finished / "tables/table1.md").read_text()


def test_each_fold_has_a_network_and_its_images_are_made_with_it(finished):
    stored = sorted((finished.parent / "networks").glob("ct-*-patch-*/card.json"))
    cards = [json.loads(path.read_text()) for path in stored]
    assert [(c["dataset"], c["name"]) for c in cards] == [("ct/1", "patch"), ("ct/2", "patch")]
    assert cards[0]["weights_sha256"] != cards[1]["weights_sha256"]
    record = json.loads((finished / "reconstructions/ct20/padis.json").read_text())
    assert record["spec"]["prior"]["networks"] == [path.parent.name for path in stored]
    assert len(record["made_with"]["inputs"]) == 3
    mean = np.load(finished / "reconstructions/ct20/mean_image.npz")["x_hat"]
    assert np.array_equal(mean[0], mean[2])


def test_the_main_table_has_a_page_before_the_rest_is_made(finished):
    page = (finished / "report/main_table.html").read_text()
    assert "PaDIS" in page
    assert "The run goes on" in page
    whole = (finished / "report/index.html").read_text()
    assert "The run goes on" not in whole
    assert (finished / "report/main_table.html").stat().st_mtime < (
        finished / "report/index.html"
    ).stat().st_mtime
