"""What is committed under results/reference is whole, and the README shows it."""

import json
from dataclasses import replace

import pandas as pd
import pytest
import yaml
from conftest import ROOT

from workflow.config import shown
from workflow.config.resolve import PRESETS, resolve
from workflow.run.tuned import tuned
from workflow.show import reference
from workflow.store.arrays import file_hash

RUNS = ROOT / "results" / "reference"
QUICK = RUNS / "quick"


@pytest.mark.parametrize("run", ["quick", "standard"])
def test_readme_shows_the_reference(run, tmp_path):
    copy = tmp_path / "README.md"
    copy.write_text(reference.README.read_text())
    reference.update_readme(RUNS / run, copy)
    assert copy.read_text() == reference.README.read_text()
    block = copy.read_text().split(f"{run}/tables/table1.md -->")[1].split("<!-- end -->")[0]
    assert block.count("\n| ") > 12
    assert " minus " not in block


@pytest.mark.parametrize("run", ["quick", "standard"])
def test_files_are_those_of_the_run_card(run):
    card = json.loads((RUNS / run / "run.json").read_text())
    kept = {name: RUNS / name.removeprefix("results/") for name in card["results"]}
    assert {name: file_hash(path) for name, path in kept.items()} == card["results"]
    assert card["made_with"]["commit"]


def test_tables_are_of_the_scores():
    scores = pd.read_csv(QUICK / "images.csv", dtype={"image": str})
    table = pd.read_csv(QUICK / "tables/table1.csv").set_index(["problem", "method"])
    for row in ("padis", "admm_tv"):
        of_row = scores[(scores["problem"] == "ct20") & (scores["method"] == row)]
        assert table.loc[("ct20", row), "psnr"] == pytest.approx(of_row["psnr"].mean())


def test_tuned_values_are_the_best_trials(tmp_path):
    config = resolve({"preset": "quick"})
    job = shown.tuned(config)
    trials = {
        QUICK / "tuning" / s["problem"] / f"{s['row']}.csv": s for s in job.settings["searches"]
    }
    made = [path for path in trials if path.exists()]  # some rows take what was found for another
    job = replace(job, settings={**job.settings, "searches": [trials[path] for path in made]})
    tuned(job, tmp_path / "tuned.yaml", *made)
    found = yaml.safe_load((tmp_path / "tuned.yaml").read_text())
    assert found == yaml.safe_load((PRESETS / "tuned" / "quick.yaml").read_text())


def test_keeping_a_run_replaces_the_older_one(tmp_path):
    run, kept = tmp_path / "results" / "mine", tmp_path / "reference"
    for name in ("run.json", "images.csv", "tables/table1.md", "figures/a/b.png"):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text(name)
    for name in ("ct-1-patch-0a", "ct-1-whole-0b"):
        stored = tmp_path / "results/networks" / name
        stored.mkdir(parents=True)
        (stored / "card.json").write_text("{}")
        (stored / "weights.safetensors").write_text("large")
    record = {"spec": {"prior": {"networks": ["ct-1-patch-0a"]}}}
    (run / "reconstructions/ct20").mkdir(parents=True)
    (run / "reconstructions/ct20/padis.json").write_text(json.dumps(record))
    for old in ("tables/old.md", "tuning/ct20/padis.csv"):
        (kept / "mine" / old).parent.mkdir(parents=True)
        (kept / "mine" / old).write_text("old")
    reference.keep(run, kept)
    found = sorted(str(p.relative_to(kept / "mine")) for p in kept.rglob("*") if p.is_file())
    assert found == [
        "figures/a/b.png",
        "images.csv",
        "networks/ct-1-patch-0a.json",
        "run.json",
        "tables/table1.md",
        "tuning/ct20/padis.csv",
    ]


def test_a_readme_without_marks_is_refused(tmp_path):
    (tmp_path / "README.md").write_text("nothing")
    with pytest.raises(ValueError, match="has no lines"):
        reference.update_readme(QUICK, tmp_path / "README.md")
