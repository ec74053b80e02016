"""Trained networks that are exported from one run and imported into another."""

import json
import shutil
import zipfile

import pytest
import yaml
from running import SETTINGS, copy_project, metrics, run, spec_of, workflow

from methods.priors.training import TrainingParams
from workflow.config import jobs
from workflow.config.difference import differences
from workflow.config.resolve import resolve
from workflow.plugins.contract.methods import small_network
from workflow.run.exchange import contents, export, import_, needed
from workflow.store.arrays import StoreError, load_record
from workflow.store.bundle import MANIFEST
from workflow.store.made import folder_of, load_made, take
from workflow.store.weights import save_weights

DATA = "a" * 64


@pytest.fixture(scope="module")
def config():
    return resolve({"preset": "smoke"})


@pytest.fixture
def cached(config, tmp_path):
    """The configuration with a cache of its own."""
    return {**config, "cache": str(tmp_path / "cache")}


@pytest.fixture
def bundle(config, tmp_path):
    """An exported file with one small network that claims to be ct/patch of the preset smoke."""
    run = tmp_path / "results/smoke"
    job, folder = jobs.train(config, "ct", "patch"), run / "networks/ct/patch"
    card = {
        "network": small_network().params._asdict(),
        "training": TrainingParams(patch=8, sizes=(8,))._asdict(),
        "shape": [1, 32, 32],
        "seconds": 7.0,
        "parameters": 1000,
        "data_sha256": DATA,
        "spec": job.record,
        "device": "cpu",
        "made_with": {"torch": {"gpu": None}, "machine": {"processor": "Abacus 3"}},
    }
    save_weights(folder / "weights.safetensors", small_network(), card)
    for name in ("loss.csv", "validation.csv"):
        (folder / name).write_text("examples\n")
    export(run, tmp_path / "networks.zip")
    return tmp_path / "networks.zip"


def test_an_imported_network_is_taken_for_the_same_training(bundle, cached, tmp_path):
    assert contents(bundle) == ["ct/patch: 0.00 million parameters, 7 s on Abacus 3"]
    job = jobs.train(cached, "ct", "patch")
    out = tmp_path / "run/ct/patch/weights.safetensors"
    assert not take(job.hash, DATA, out, tmp_path / "cache")
    lines = import_(bundle, cached)
    assert f"{len(needed(cached)) - 1} others will be trained" in lines[-1]
    assert not take("0" * 16, DATA, out, tmp_path / "cache")
    assert not take(job.hash, "b" * 64, out, tmp_path / "cache")  # it has seen other images
    assert not out.exists()
    assert take(job.hash, DATA, out, tmp_path / "cache")
    card = load_made(out.parent)
    assert card["imported"]["file"] == "networks.zip"
    assert card["imported"]["run"] == "smoke"
    assert card["made_with"]["machine"]["processor"] == "Abacus 3"
    assert card["seconds"] == 7.0
    import_(bundle, cached)  # again changes nothing
    export(tmp_path / "results/smoke", tmp_path / "again.zip")
    assert len(list((tmp_path / "cache/networks").iterdir())) == 1


def test_another_training_is_refused_by_name_or_trained(bundle, cached, tmp_path):
    training = {**cached["networks"]["patch"]["training"], "learning_rate": 0.5}
    patch = {**cached["networks"]["patch"], "training": training}
    other = {**cached, "networks": {**cached["networks"], "patch": patch}}
    with pytest.raises(StoreError, match=r"networks\.patch\.training\.learning_rate .*here 0\.5"):
        import_(bundle, other)
    assert not (tmp_path / "cache").exists()
    lines = import_(bundle, other, force=True)
    assert "will be trained" in lines[0]
    assert not folder_of(tmp_path / "cache", jobs.train(other, "ct", "patch").hash).exists()
    without = {k: v for k, v in cached["networks"].items() if k != "patch"}
    assert "not in this" in import_(bundle, {**cached, "networks": without, "tables": {}})[0]


def test_what_differs_is_named_as_in_a_configuration(config):
    here = json.loads(json.dumps(jobs.train(config, "ct", "patch").record))
    images = json.loads(json.dumps(jobs.prepare(config, "ct", "train").record))
    assert differences(here, here, (images, images)) == []
    there = {**here, "code": "0", "seed": 7, "inputs": {"images": "0"}}
    code, seed, size = differences(there, here, ({**images, "size": [64, 64]}, images))
    assert code.startswith("the code")
    assert seed == f"seed (there 7, here {here['seed']})"
    assert size.startswith("datasets.ct.size (there [64, 64], here")
    assert differences(there, here, (None, images))[-1] == "the images of datasets.ct"


def test_damaged_imports_are_named_when_they_are_taken(bundle, cached, tmp_path):
    import_(bundle, cached)
    job = jobs.train(cached, "ct", "patch")
    weights = folder_of(tmp_path / "cache", job.hash) / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])
    with pytest.raises(StoreError, match="does not match its card: delete"):
        take(job.hash, DATA, tmp_path / "out/weights.safetensors", tmp_path / "cache")


def edit(path, changes=(), drop=()):
    """Write the bundle again with other contents of some of its files."""
    with zipfile.ZipFile(path) as archive:
        files = {n: archive.read(n) for n in archive.namelist() if n not in drop} | dict(changes)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def edit_manifest(path, **changes):
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read(MANIFEST))
    manifest["networks"][0] |= changes
    edit(path, {MANIFEST: json.dumps(manifest)})


def flip(path):
    data = bytearray(path.read_bytes())
    data[data.index(b"examples\n")] ^= 1
    path.write_bytes(data)


def other_weights(path):
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("ct/patch/weights.safetensors").file_size
    edit(path, {"ct/patch/weights.safetensors": bytes(size)})


FAULTS = {
    "missing": (lambda p: p.unlink(), "there is no file"),
    "no zip": (lambda p: p.write_text("hello"), "no whole ZIP file"),
    "cut off": (lambda p: p.write_bytes(p.read_bytes()[:-500]), "no whole ZIP file"),
    "flipped bit": (flip, "damaged"),
    "other weights": (other_weights, "wrong hash"),
    "no manifest": (lambda p: edit(p, drop=[MANIFEST]), "holds no manifest"),
    "bad manifest": (lambda p: edit(p, {MANIFEST: "[1]"}), "damaged manifest"),
    "lacks a file": (lambda p: edit(p, drop=["ct/patch/loss.csv"]), "lacks a whole"),
    "leads out": (lambda p: edit(p, {"../../evil/x": "1"}), "do not trust"),
    "absolute": (lambda p: edit(p, {"/etc/x/y": "1"}), "do not trust"),
    "other name": (lambda p: edit_manifest(p, name="../ct/patch"), "does not match its record"),
    "other hash": (lambda p: edit_manifest(p, hash="../../../../abcd"), "does not match"),
    "says nothing": (lambda p: edit_manifest(p, trained={}), "damaged manifest"),
    "other data": (lambda p: edit_manifest(p, data_sha256="0"), "another training"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_files_are_refused_in_one_line(bundle, cached, tmp_path, fault):
    break_it, message = FAULTS[fault]
    break_it(bundle)
    with pytest.raises(StoreError, match=message) as error:
        import_(bundle, cached)
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "cache").rglob("*.*"))


def test_a_file_is_not_replaced_and_a_run_without_networks_is_named(bundle, tmp_path):
    with pytest.raises(StoreError, match="exists"):
        export(tmp_path / "results/smoke", bundle)
    with pytest.raises(StoreError, match="no trained networks"):
        export(tmp_path / "results/nothing", tmp_path / "new.zip")
    card = tmp_path / "results/smoke/networks/ct/patch/card.json"
    card.write_text(json.dumps({**load_record(card), "spec": None}))
    with pytest.raises(StoreError, match="no record of its training"):
        export(tmp_path / "results/smoke", tmp_path / "new.zip")
    assert not (tmp_path / "new.zip").exists()


def test_networks_from_another_clone_give_the_same_tables_untrained_end_to_end(finished, tmp_path):
    zipped = str(tmp_path / "test.zip")
    code, output = workflow(finished, "weights", "export", "results/test", "--out", zipped)
    assert code == 0, output
    clone = copy_project(tmp_path / "clone")
    shutil.copytree(finished / "results/cache", clone / "results/cache", dirs_exist_ok=True)
    options = ("weights", "import", zipped, "--configfile", "my.yaml")
    (clone / "my.yaml").write_text(yaml.safe_dump({**SETTINGS, "seed": 7}))
    code, output = workflow(clone, *options)
    assert code == 1
    assert output.count("\n") == 1
    assert "seed (there 0, here 7)" in output
    (clone / "my.yaml").write_text(yaml.safe_dump(SETTINGS))
    code, output = workflow(clone, *options)
    assert code == 0, output
    code, output = run(clone)
    assert code == 0, output[-3000:]
    for network in ("patch", "whole"):
        log = (clone / f"results/test/logs/train/ct/{network}.log").read_text()
        assert log.startswith("taken from test.zip")
        assert log.count("\n") == 1  # and no progress of a training
        cards = [load_made(f / f"results/test/networks/ct/{network}") for f in (finished, clone)]
        assert cards[1].pop("imported")["file"] == "test.zip"
        assert cards[0] == cards[1]
    assert metrics(clone) == metrics(finished)
    _, output = run(clone, "--dry-run")
    assert "Nothing to be done" in output
    assert spec_of(clone, "Train", name="patch") == spec_of(finished, "Train", name="patch")
