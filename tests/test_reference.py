"""What is committed under results/reference is whole, and the README shows it."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml
from conftest import ROOT

from workflow.config import shown
from workflow.config.layers import PRESETS, read_tuned
from workflow.config.resolve import resolve
from workflow.config.views import rows_of
from workflow.run.tuned import tuned
from workflow.score.scores import read_scores
from workflow.show import method_card, reference
from workflow.show.contents import score_files
from workflow.show.method_card import scores_of
from workflow.show.reference import run_card
from workflow.store.arrays import file_hash

RUNS = ROOT / "results" / "reference"
SMALL = RUNS / "small"


@pytest.mark.parametrize("run", ["standard"])
def test_readme_shows_the_reference(run, tmp_path):
    copy = tmp_path / "README.md"
    copy.write_text(reference.README.read_text())
    reference.update_readme(RUNS / run, copy)
    assert copy.read_text() == reference.README.read_text()
    block = copy.read_text().split(f"{run}/tables/table1.md -->")[1].split("<!-- end -->")[0]
    assert block.count("\n| ") > 12
    table = pd.read_csv(RUNS / run / "tables/table1.csv").set_index(["problem", "method"])
    for problem in ("ct20", "ct8"):
        padis = table.loc[(problem, "padis")]
        assert f"| {padis['psnr']:.2f} ± {padis['psnr_ci95']:.2f} |" in block
    assert " minus " not in block


def hashes_of(folder):
    files = {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file()}
    return {name: file_hash(path) for name, path in files.items() if name != "run.json"}


@pytest.mark.parametrize("run", ["small", "quick", "standard"])
def test_files_are_those_of_the_run_card(run):
    """An older card, without ``files``, has the hashes of some files only."""
    card = json.loads((RUNS / run / "run.json").read_text())
    found = hashes_of(RUNS / run)
    if "files" in card:
        assert found == card["files"]
    else:
        older = {n.split("/", 2)[2]: value for n, value in card["results"].items()}
        assert older.items() <= found.items()
    assert card["made_with"]["commit"]


def test_tables_are_of_the_scores():
    scores = pd.read_csv(SMALL / "images.csv", dtype={"image": str})
    table = pd.read_csv(SMALL / "tables/table1.csv").set_index(["problem", "method"])
    for row in ("padis", "admm_tv"):
        of_row = scores[(scores["problem"] == "ct20") & (scores["method"] == row)]
        assert table.loc[("ct20", row), "psnr"] == pytest.approx(of_row["psnr"].mean())


@pytest.mark.parametrize(("run", "searches"), [("small", 200), ("quick", 26), ("standard", 50)])
def test_tuned_values_are_the_best_trials(run, searches, tmp_path):
    job = shown.tuned(resolve({"preset": run}))
    trials = {
        RUNS / run / "tuning" / s["problem"] / f"{s['row']}.csv": s
        for s in job.settings["searches"]
    }
    made = [path for path in trials if path.exists()]  # some rows take what was found for another
    job = replace(job, settings={**job.settings, "searches": [trials[path] for path in made]})
    tuned(job, tmp_path / "tuned.csv", *made)
    committed = read_tuned(PRESETS.parent / "tuned" / f"{run}.csv")
    found = read_tuned(tmp_path / "tuned.csv")
    assert len(found) >= searches
    for place, best in found.items():
        assert best.values.items() <= committed[place].values.items(), place


def test_a_reference_is_not_kept_from_itself(tmp_path):
    kept = tmp_path / "reference"
    for run in (kept / "mine", tmp_path / "results" / "mine"):
        write(run, {"run.json": "{}", "tables/table1.md": "x"})
    link = tmp_path / "link"
    link.symlink_to(kept)
    for run in (kept / "mine", link / "mine", kept / "mine" / ".." / "mine"):
        with pytest.raises(ValueError, match="is a reference, not a run"):
            reference.keep(run, kept)
        assert (kept / "mine/tables/table1.md").read_text() == "x"
    reference.keep(tmp_path / "results" / "mine", kept)


def test_scores_of_every_table_are_kept(tmp_path):
    """``all`` collects those of its own tables; samples have other columns."""
    head = "problem,method,seed,image,cluster,status,reason,psnr"
    run = tmp_path / "results" / "mine"
    write(run, {
        "run.json": "{}",
        "images.csv": f"{head}\nct20,padis,0,a,1,ok,,30\n",
        "scores/ct20/padis.csv": f"{head}\nct20,padis,0,a,1,ok,,30\n",
        "scores/ct20/extra.csv": f"{head}\nct20,extra,0,a,1,ok,,31\n",
        "scores/ct20/gone.csv": f"{head}\nct20,gone,0,a,1,ok,,32\n",
        "scores/ct20_posterior/padis.csv": f"{head},samples\nct20_posterior,padis,0,a,1,ok,,,15\n",
        "tables/table1.csv": "problem,method\nct20,padis\nct20,padis - extra\n",
        "tables/patches.csv": "problem,method\nct20,extra\n",
        "tables/posterior.csv": "problem,method\nct20_posterior,padis\n",
    })  # fmt: skip
    kept = reference.keep(run, tmp_path / "reference")
    assert list(pd.read_csv(kept / "images.csv")["method"]) == ["extra", "padis"]
    assert list(pd.read_csv(kept / "samples.csv")["samples"]) == [15]
    assert json.loads((kept / "run.json").read_text())["files"] == hashes_of(kept)


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_the_card_of_a_run_has_the_hash_of_every_file_that_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = ("images.csv", "tables/table1.csv", "tables/table1.tex", "tables/extra_cost.md",
             "figures/a/b.png", "figures/c.png", "tuning/ct20/padis.csv")  # fmt: skip
    write(Path("results/mine"), {name: name for name in files})
    run_card(Path("results/mine"), {}, {})
    card = json.loads(Path("results/mine/run.json").read_text())
    assert set(card["results"]) == {f"results/mine/{name}" for name in files}


def test_keeping_a_run_replaces_the_older_one(tmp_path):
    run, kept = tmp_path / "results" / "mine", tmp_path / "reference"
    for name in ("images.csv", "tables/table1.md", "figures/a/b.png"):
        write(run, {name: name})
    write(run, {"run.json": json.dumps({"results": {}, "made_with": {"commit": "x"}})})
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


def test_a_readme_without_the_marks_of_a_run_is_left_as_it_is(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("nothing here\n")
    reference.update_readme(SMALL, readme)
    assert readme.read_text() == "nothing here\n"
    readme.write_text("<!-- results/reference/small/tables/table1.md -->\n")
    with pytest.raises(ValueError, match="has no line"):
        reference.update_readme(SMALL, readme)


def test_a_quick_card_has_a_problem_of_every_dataset(tmp_path, monkeypatch):
    done = SimpleNamespace(returncode=0)
    monkeypatch.setattr(method_card.subprocess, "run", lambda *given, **more: done)
    for quick, problems in ((True, ["ct20", "deblurring"]), (False, None)):
        method_card.card(ROOT / "methods/padis.py", tmp_path / "quick", {}, 1, None, quick)
        asked = yaml.safe_load((tmp_path / "quick/cards/padis_again.yaml").read_text())
        found = asked["tables"]["padis_again"]["problems"]
        assert found == (problems or ["ct20", "ct8", "deblurring", "superresolution"])


def test_a_card_takes_rows_that_were_not_run_from_the_reference(tmp_path):
    config = resolve({"rows": {"mine": {"method": "baseline", "label": "Mine"}}})
    run = tmp_path / "results/quick"
    committed = read_scores(RUNS / "quick/images.csv")
    own = committed[(committed["problem"] == "ct20") & (committed["method"] == "baseline")]
    for problem in config["tables"]["table1"]["problems"]:
        (run / "scores" / problem).mkdir(parents=True)
        own.assign(method="mine", problem=problem).to_csv(run / f"scores/{problem}/mine.csv")
    found = scores_of(score_files(config, run, ["table1"]), RUNS / "quick")
    assert set(found["method"]) == set(rows_of(config, "table1"))
    padis = found[(found["problem"] == "ct8") & (found["method"] == "padis")]
    kept = committed[(committed["problem"] == "ct8") & (committed["method"] == "padis")]
    assert padis["psnr"].tolist() == kept["psnr"].tolist()
    assert len(padis) == 3
