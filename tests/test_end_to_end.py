"""The whole DAG for real on a small configuration: finished, repeated, broken."""

import json

import pandas as pd
import pytest
import yaml
from running import (
    CONTROLS,
    ROWS,
    SETTINGS,
    copy_project,
    network_of,
    run,
    scores,
    spec_of,
    workflow,
)

from workflow.config.layers import read_tuned
from workflow.store.arrays import file_hash


def test_everything_is_made(finished):
    results = finished / "results/test"
    for name in ("table1.csv", "table1.md", "table1.tex", "training.csv", "training.md"):
        assert (results / "tables" / name).stat().st_size > 100
    for name in ("table1/ct20.png", "training.png"):
        assert (results / "figures" / name).read_bytes().startswith(b"\x89PNG")
    frame = scores(finished)
    assert set(frame["method"]) == set(ROWS) | CONTROLS
    assert (frame["status"] == "ok").all()
    assert len(frame) == 6 * 3 + 2 * 3  # whole-image diffusion and PaDIS twice
    assert frame["psnr"].between(5, 60).all()
    means = frame.groupby("method")["psnr"].mean()
    assert means["admm_tv"] > means["baseline"]
    table = pd.read_csv(results / "tables/table1.csv")
    assert set(table["psnr_published"].dropna()) == {24.93, 26.82, 32.84, 33.57}
    assert means["oracle"] > means["mean_image"]


def test_a_second_run_does_nothing(project):
    code, output = run(project)
    assert code == 0
    assert "Nothing to be done" in output


def test_nothing_is_written_elsewhere(finished, tmp_path):
    def files(folder):
        found = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
        return {name for name in found if "__pycache__" not in name}

    new = files(finished) - files(copy_project(tmp_path / "fresh"))
    assert {"/".join(name.split("/")[:2]) for name in new if not name.startswith(".snakemake")} == {
        "results/test",
        "results/cache",
        "results/networks",
    }


def test_nothing_is_left_behind(finished):
    left = [p for p in (finished / "results").rglob("*") if p.name.startswith(".")]
    assert left == []
    assert not list((finished / "results").rglob("checkpoint*"))


FAILING = {
    "broken": ("raise RuntimeError('it broke')", "RuntimeError: it broke"),
    "not_a_number": (
        "return problem.baseline(y) * float('nan')",
        "ValueError: the result holds NaN",
    ),
    "endless": ("import time; time.sleep(1000)", "TimeoutError: no result within 1 minutes"),
    "greedy": ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL, often for lack of memory"),
}


RETRIED = "5 failed; the next run of snakemake tries again\n"


def test_failing_methods_are_rows_and_everything_else_is_made(project):
    text = (project / "methods/baseline.py").read_text()
    for name, (act, _) in FAILING.items():
        method = text.replace("return problem.baseline(y)", act).replace("Baseline", name.title())
        (project / f"methods/{name}.py").write_text(method)
    (project / "methods/no_import.py").write_text("import torsch\n" + text)
    (project / "no_python.py").write_text("import os\nos._exit(0)\n")  # the reader survives
    failing = [*FAILING, "no_import", "no_python"]
    table = {**SETTINGS["tables"]["table1"], "rows": [*ROWS, *failing]}
    rows = {**SETTINGS["rows"], **{name: {"method": name} for name in failing}}
    settings = {**SETTINGS, "rows": rows, "tables": {**SETTINGS["tables"], "table1": table}}
    settings["plugins"] = ["no_python.py"]
    settings["time_limit_minutes"] = 1  # a loaded machine takes half of it to start a job
    (project / "my.yaml").write_text(yaml.safe_dump(settings))
    code, output = run(project)
    assert code == 1
    last = output.rstrip().splitlines()[-7:]
    assert last[-1].startswith("6 failed. To try again: python -m workflow retry results/test")
    assert all(line.startswith("failed: ") for line in last[:-1])
    text = (project / "results/test/tables/table1.md").read_text()
    for name, (_, reason) in FAILING.items():
        assert any(f"failed: {name} on ct20: {reason}" in line for line in last)
        assert reason in text.replace("\\", "")
    assert any("failed: no_import on ct20: " in line and "torsch" in line for line in last)
    assert any("failed: no_python on ct20: it ended Python with status 0" in line for line in last)
    frame = scores(project).set_index("method")
    assert frame.loc[failing, "status"].tolist() == ["failed"] * 6
    assert len(frame.drop(failing)) == 24
    before = (project / "results/test/tables/table1.csv").read_bytes()
    broken = project / "methods/broken.py"
    broken.write_text(
        broken.read_text().replace(FAILING["broken"][0], "return problem.baseline(y)")
    )
    table["rows"].remove("endless")
    del rows["endless"]
    (project / "my.yaml").write_text(yaml.safe_dump(settings))
    code, output = run(project, "--", "table1")
    assert code == 1
    assert output.rstrip().splitlines()[-1].startswith("4 failed")
    _, output = run(project, "--dry-run", "table1")
    assert "Nothing to be done" in output  # nothing has changed, nothing is tried again unasked
    method = (project / "methods/baseline.py").read_text().replace("Baseline", "Imported")
    (project / "methods/no_import.py").write_text(f"import torch\n{method}")
    assert workflow(project, "retry", "results/test") == (0, RETRIED)
    code, output = run(project, "--", "table1")
    assert code == 1
    assert output.rstrip().splitlines()[-1].startswith("3 failed")
    assert (project / "results/test/tables/table1.csv").read_bytes() != before


def test_a_full_disk_stops_with_one_line_and_keeps_what_was_there(project):
    run_folder = project / "results/test"
    prepare = spec_of(project, "Prepare", dataset="ct", split="train")
    row = spec_of(project, "Reconstruct", row="admm_tv")
    commands = {
        "data/ct/train.npy": ("prepare", prepare, []),
        "reconstructions/ct20/admm_tv.npz": (
            "reconstruct", row, ["results/test/measurements/ct20.npz"],
        ),
    }  # fmt: skip
    before = {p: p.read_bytes() for p in run_folder.rglob("*") if p.is_file()}
    for name, (job, spec, inputs) in commands.items():
        out = f"results/test/{name}"
        code, output = workflow(project, job, spec, out, *inputs, file_size=5000)
        assert code == 1
        assert "Traceback" not in output
        assert output.rstrip().splitlines()[-1].startswith("error: ")
        left = {p: p.read_bytes() for p in run_folder.rglob("*") if p.is_file()}
        assert left == before


def test_a_table_can_be_verified(project):
    table = project / "results/test/tables/table1.csv"
    code, output = workflow(project, "verify", str(table), "--images", "4")
    assert code == 0, output
    assert output.count("the same to the last bit") == 4
    card = json.loads((project / "results/test/run.json").read_text())
    assert card["results"]["results/test/tables/table1.csv"] == file_hash(table)
    record = project / "results/test/reconstructions/ct20/padis.json"
    made_with = json.loads(record.read_text())["made_with"]
    weights = network_of(project, "patch") / "weights.safetensors"
    assert made_with["inputs"][str(weights.relative_to(project))] == file_hash(weights)
    assert made_with["code"]["methods/padis.py"]
    assert made_with["versions"]["torch"] == card["made_with"]["versions"]["torch"]

    text = record.read_text()
    record.write_text(json.dumps({**json.loads(text), "device": "cuda"}))
    code, output = workflow(project, "verify", str(table), "--images", "99")
    assert (code, output.count("\n")) == (1, 1)
    assert "was made on cuda in " in output
    record.write_text(text)

    frame = pd.read_csv(table)
    frame.assign(psnr=frame["psnr"] + 0.001).to_csv(table, index=False)
    code, output = workflow(project, "verify", str(table))
    assert (code, output.count("\n")) == (1, 1)
    assert "the means of psnr are not those of the scores" in output
    scores = project / "results/test/scores/ct20/padis.csv"
    pd.read_csv(scores).assign(psnr=lambda f: f["psnr"] + 0.1).to_csv(scores, index=False)
    padis = 0.1 * (frame["method"] == "padis")
    frame.assign(psnr=frame["psnr"] + padis).to_csv(table, index=False)
    code, output = workflow(project, "verify", str(table), "--images", "99")
    assert (code, output.count("\n")) == (1, 1)
    assert "dB, the scores say" in output
    assert workflow(project, "verify", "results/test/tables/claims.csv")[0] == 1
    code, output = workflow(project, "verify", "results/test/tables/tabel1.csv")
    assert (code, "did you mean 'table1.csv'?" in output) == (1, True)


def test_tuning_logs_every_trial_and_writes_a_configuration(project):
    code, output = run(project, "--", "tune")
    assert code == 0, output[-3000:]
    trials = pd.read_csv(project / "results/test/tuning/ct20/admm_tv.csv")
    assert sorted(trials["trial"]) == [1, 2, 3]
    complete = trials[trials["images"] == 2]
    assert complete["psnr"].is_monotonic_decreasing
    assert list(trials.index[: len(complete)]) == list(complete.index)  # the others below
    best = trials[["weight", "rho"]].iloc[0].to_dict()
    written = read_tuned(project / "results/test/tuning/tuned.csv")
    assert written["admm_tv", "ct20"][0] == pytest.approx(best)
    _, output = run(project, "--dry-run", "tune")
    assert "Nothing to be done" in output


def test_variants_and_samples_are_made_without_new_rules(project):
    settings = {**SETTINGS, "experiments": ["table1", "patch_size", "shift"]}
    del settings["generation"]
    (project / "my.yaml").write_text(yaml.safe_dump(settings))
    code, output = run(project, "--", "ablations", "generation", "all")
    assert code == 0, output[-3000:]
    results = project / "results/test"
    for name in ("patch_size.csv", "shift.md", "generation.csv", "generation.md"):
        assert (results / "tables" / name).stat().st_size > 100
    for name in ("patch_size.png", "shift/ct20_faces.png", "generation.png"):
        assert (results / "figures" / name).read_bytes().startswith(b"\x89PNG")
    frame = scores(project)
    assert (frame["status"] == "ok").all()
    rows = frame.groupby("problem")["method"].agg(lambda column: sorted(set(column)))
    assert rows["ct20"] == sorted([*ROWS, "mean_image", "oracle", "padis_p8"])
    assert rows["ct20_faces"] == ["padis", "whole_image_diffusion"]
    table = pd.read_csv(results / "tables/patch_size.csv").set_index("method")
    assert table.loc["padis", "psnr_published"] == 33.36
    difference = table.loc["padis", "psnr"] - table.loc["padis_p8", "psnr"]
    assert table.loc["padis - padis_p8", "psnr"] == pytest.approx(difference, abs=1e-5)
    trainings = pd.read_csv(results / "tables/training.csv").set_index("network")
    assert trainings.loc["p8", ["patch", "images"]].tolist() == [8, 12]
    assert (trainings["sigma_0.2"] > 14).all()  # noise of 0.2 alone is 14 dB
    assert not list((project / "results/networks").glob("faces-*"))


FAULTS = {
    "../networks/ct-1-patch-*/weights.safetensors": "does not match its card",
    "measurements/ct20.npz": "is damaged",
    "data/ct/train.npy": "is damaged",
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_damaged_file_stops_with_one_line(project, name):
    before = (project / "results/test/tables/table1.md").read_text()
    folder, _, last = f"results/test/{name}".replace("test/../", "").rpartition("/")
    (path,) = (found / last for found in project.glob(folder))
    path.write_bytes(path.read_bytes()[:-50])
    code, output = run(project)
    assert code != 0
    lines = [line for line in output.splitlines() if line.startswith("error: ")]
    assert lines
    assert all(FAULTS[name] in line and "delete" in line for line in lines)
    assert "Traceback" not in output
    assert "completed successfully" not in output  # the exit status of the job counts
    assert (project / "results/test/tables/table1.md").read_text() == before


@pytest.mark.slow
def test_a_missing_folder_stops_with_one_line(tmp_path):
    source = {"source": "folder", "size": [32, 32], "params": {"path": "no/such/folder"}}
    folder = copy_project(tmp_path / "missing", {**SETTINGS, "datasets": {"ct": source}})
    code, output = run(folder)
    assert code != 0
    (line,) = {line for line in output.splitlines() if line.startswith("error: ")}
    assert "no/such/folder" in line
    assert not list((folder / "results/test").rglob("*.npz"))
