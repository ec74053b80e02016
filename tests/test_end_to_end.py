"""The whole DAG for real on a small configuration: finished, repeated, killed, broken."""

import json
import os
import random
import shutil
import signal
import subprocess
import time

import numpy as np
import pandas as pd
import pytest
import yaml
from running import (
    CONTROLS,
    ROWS,
    SETTINGS,
    copy_project,
    jobs,
    run,
    scores,
    spec_of,
    start,
    unlock,
    workflow,
)

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


def test_a_second_run_does_nothing(finished):
    code, output = run(finished)
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
    }


def test_nothing_is_left_behind(finished):
    left = [p for p in (finished / "results").rglob("*") if p.name.startswith(".")]
    assert left == []
    assert not list((finished / "results").rglob("checkpoint*"))


def kill(process):
    """Kill a Snakemake and its jobs; say whether a job was running."""
    group = subprocess.run(
        ["pgrep", "-g", str(process.pid), "-f", "python -m workflow"], capture_output=True
    )
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return group.returncode == 0


def wait_for(process, done):
    """Wait until ``done`` says so, however slow the machine is."""
    while not done():
        assert process.poll() is None, process.communicate()[0][-3000:]
        time.sleep(0.02)


# A method that does not go on after its first batch until a file says so.
WAITING = """
import time
from dataclasses import dataclass
from pathlib import Path

from methods.base import Method


class Waiting(Method):
    label, reference = "Waiting", "nobody"
    label = "Waiting"
    reference = "nobody"

    def reconstruct(self, y, problem, prior, noise, progress):
        with open("batches", "a") as file:
            file.write("x")
        while Path("batches").stat().st_size == 2 and not Path("go").exists():
            time.sleep(0.02)
        progress(1, 1)
        x = problem.baseline(y)
        return x + 0.1 * noise.normal(x.shape[1:])
"""


def test_a_killed_training_goes_on_to_the_same_weights(finished, tmp_path):
    folder = copy_project(tmp_path / "killed")
    process = start(folder)
    networks = folder / "results/test/networks/ct"
    wait_for(process, lambda: list(networks.glob("*/checkpoint.safetensors")))
    assert kill(process)
    checkpoint = next(networks.glob("*/checkpoint.safetensors"))
    assert not checkpoint.with_name("weights.safetensors").exists()
    code, output = run(folder)
    assert code != 0
    assert "--unlock" in output  # nothing takes a lock away unasked
    unlock(folder)
    code, output = run(folder)
    assert code == 0, output[-3000:]
    name = checkpoint.parent.name
    assert "resumed at" in (folder / f"results/test/logs/train/ct/{name}.log").read_text()
    for network in ("patch", "whole"):
        path = f"results/test/networks/ct/{network}/weights.safetensors"
        assert file_hash(folder / path) == file_hash(finished / path)
    assert metrics(folder) == metrics(finished)
    pd.testing.assert_frame_equal(scores(folder), scores(finished))


def test_a_killed_row_goes_on_at_the_next_batch(project, tmp_path):
    (project / "methods/waiting.py").write_text(WAITING)
    (project / "my.yaml").write_text(
        yaml.safe_dump({**SETTINGS, "rows": {**SETTINGS["rows"], "waiting": {"method": "waiting"}}})
    )
    straight = shutil.copytree(project, tmp_path / "straight")
    (straight / "go").touch()
    path = "results/test/reconstructions/ct20/waiting.npz"
    assert run(straight, "--", path)[0] == 0
    process = start(project, "--", path)
    batches = project / "batches"
    wait_for(process, lambda: batches.exists() and batches.stat().st_size == 2)
    assert kill(process)
    assert not (project / path).exists()
    (project / "go").touch()
    unlock(project)
    code, output = run(project, "--", path)
    assert code == 0, output[-3000:]
    log = (project / "results/test/logs/reconstruct/ct20/waiting.log").read_text()
    assert "waiting on ct20: resumed at 1 of 3 images" in log
    assert "waiting on ct20: 6/6 images" in log
    assert np.array_equal(*(np.load(folder / path)["x_hat"] for folder in (project, straight)))
    assert (straight / "batches").read_text() == "x" * 6
    assert batches.read_text() == "x" * 7  # the batch that was killed, twice


def metrics(folder):
    """Everything in the tables but time and memory."""
    tables = sorted((folder / "results/test/tables").glob("*"))
    return {
        path.name: path.read_bytes()
        for path in tables
        if path.suffix in (".csv", ".md", ".tex") and not path.stem.endswith(("_cost", "training"))
    }


def test_one_core_gives_the_same_bytes_as_two(finished, tmp_path):
    folder = copy_project(tmp_path / "single")
    code, output = run(folder, "--cores", "1")
    assert code == 0, output[-3000:]
    assert {"table1.csv", "table1.md", "table1.tex", "claims.md"} <= set(metrics(folder))
    assert metrics(folder) == metrics(finished)
    pd.testing.assert_frame_equal(scores(folder), scores(finished))


def test_kills_at_any_time_lose_nothing(finished, tmp_path):
    folder, generator = copy_project(tmp_path / "killed"), random.Random(0)
    hits = 0
    while hits < 6:
        process = start(folder)
        wait_for(process, lambda: (folder / ".snakemake/locks").exists())
        logs = set((folder / "results").rglob("*.log"))
        wait_for(process, lambda seen=logs: set((folder / "results").rglob("*.log")) - seen)
        time.sleep(generator.uniform(0, 3))  # any moment of the job will do
        hits += kill(process)
        unlock(folder)
    code, output = run(folder)
    assert code == 0, output[-3000:]
    assert metrics(folder) == metrics(finished)
    left = [p for p in (folder / "results").rglob("*") if p.name.startswith(".")]
    assert left == []


def test_reading_the_snakefile_writes_nothing_and_a_refused_run_changes_nothing(project):
    def files():
        return {p: p.read_bytes() for p in (project / "results").rglob("*") if p.is_file()}

    (project / "my.yaml").write_text(yaml.safe_dump({**SETTINGS, "seed": 7}))
    before = files()
    for arguments in (["--dry-run"], ["--list"], ["--summary"], ["--lint"]):
        run(project, *arguments)
        assert files() == before, arguments
    (project / "methods/waiting.py").write_text(WAITING)
    (project / "batches").write_text("x")
    rows = {**SETTINGS["rows"], "waiting": {"method": "waiting"}}
    (project / "my.yaml").write_text(yaml.safe_dump({**SETTINGS, "rows": rows}))
    path = "results/test/reconstructions/ct20/waiting.npz"
    first = start(project, "--", path)
    wait_for(first, lambda: (project / "batches").read_text() == "xx")
    (project / "my.yaml").write_text(yaml.safe_dump({**SETTINGS, "rows": rows, "seed": 7}))
    before = files()
    code, output = run(project, "--", path)
    assert code != 0
    assert "cannot be locked" in output
    assert files() == before
    (project / "go").touch()
    output, _ = first.communicate()
    assert first.returncode == 0, output[-3000:]
    record = json.loads((project / path).with_suffix(".json").read_text())
    assert record["spec"]["seed"] == 0  # the first run's


def test_editing_code_reruns_its_rows_and_editing_words_nothing(project):
    method = project / "methods/padis.py"
    text = method.read_text()
    method.write_text("# A comment.\n" + text.replace("PaDIS: diffusion", "Diffusion"))
    _, output = run(project, "--dry-run")
    assert "Nothing to be done" in output
    method.write_text(text.replace('prior = "padis"', 'prior = "padis"\n    other = 1'))
    _, output = run(project, "--dry-run")
    reruns = [job for job in jobs(output) if job.startswith(("reconstruct ", "train"))]
    assert reruns == ["reconstruct problem=ct20, row=padis"]

    method.write_text(text)
    tiling = project / "methods/priors/patch.py"
    tiling.write_text(tiling.read_text().replace("= patch, grid", "= int(patch), grid"))
    _, output = run(project, "--dry-run")
    reruns = [job for job in jobs(output) if job.startswith(("reconstruct ", "train"))]
    assert reruns == ["reconstruct problem=ct20, row=padis"]


EDITS = {  # file: text, what takes its place, jobs that run again because of that alone
    "workflow/run/harness.py": ("if reason:", "if bool(reason):", {"reconstruct"}),
    "methods/priors/training.py": ("import torch\n", "import torch\n\nA = 1\n", {"train"}),
    "problems/datasets/base.py": (
        "import numpy",
        "import math as m\nimport numpy",
        {"prepare"},
    ),
    "workflow/score/metrics.py": ("import torch\n", "import torch\n\nA = 1\n", {"score"}),
    "workflow/show/templates/base.html.j2": ("</main>", " </main>", {"report"}),
    "workflow/run/progress.py": ("import time\n", "import time\n\nA = 1\n", set()),
    "workflow/config/resolve.py": ("import copy\n", "import copy\n\nA = 1\n", set()),
    "methods/admm_tv.py": (
        'label = "',
        'label = "Our ',
        {"table", "metrics", "reconstruction_figure"},
    ),
}  # fmt: skip


def changed(output):
    """Rules of a dry run whose code, parameters or sources have changed themselves."""
    found, rule = set(), ""
    for line in output.splitlines():
        if line.startswith(("rule ", "localrule ")):
            rule = line.split()[1].rstrip(":")
        own = ("Params have changed", "Code has changed", "Updated input files: workflow")
        if line.strip().startswith("reason:") and any(cause in line for cause in own):
            found.add("score" if rule.startswith("score_") else rule)
    return found


@pytest.mark.parametrize("path", EDITS)
def test_an_edit_reruns_what_reads_it_and_nothing_else(project, path):
    old, new, wanted = EDITS[path]
    file = project / path
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    assert changed(run(project, "--dry-run")[1]) == wanted


FAILING = {
    "broken": ("raise RuntimeError('it broke')", "RuntimeError: it broke"),
    "not_a_number": ("return problem.baseline(y) * float('nan')", "ValueError: result holds NaN"),
    "endless": ("import time; time.sleep(1000)", "TimeoutError: no result within 0.5 minutes"),
    "greedy": ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL, often for lack of memory"),
}


RETRIED = "4 failed; the next run of snakemake tries again\n"


def test_failing_methods_are_rows_and_everything_else_is_made(project):
    text = (project / "methods/baseline.py").read_text()
    for name, (act, _) in FAILING.items():
        method = text.replace("return problem.baseline(y)", act).replace("Baseline", name.title())
        (project / f"methods/{name}.py").write_text(method)
    (project / "methods/no_import.py").write_text("import torsch\n" + text)
    failing = [*FAILING, "no_import"]
    table = {**SETTINGS["tables"]["table1"], "rows": [*ROWS, *failing]}
    rows = {**SETTINGS["rows"], **{name: {"method": name} for name in failing}}
    settings = {**SETTINGS, "rows": rows, "tables": {**SETTINGS["tables"], "table1": table}}
    settings["time_limit_minutes"] = 0.5
    (project / "my.yaml").write_text(yaml.safe_dump(settings))
    code, output = run(project)
    assert code == 1
    last = output.rstrip().splitlines()[-6:]
    assert last[-1].startswith("5 failed. To try again: python -m workflow retry results/test")
    assert all(line.startswith("failed: ") for line in last[:-1])
    text = (project / "results/test/tables/table1.md").read_text()
    for name, (_, reason) in FAILING.items():
        assert any(f"failed: {name} on ct20: {reason}" in line for line in last)
        assert reason in text.replace("\\", "")
    assert any("failed: no_import on ct20: " in line and "torsch" in line for line in last)
    frame = scores(project).set_index("method")
    assert frame.loc[failing, "status"].tolist() == ["failed"] * 5
    assert len(frame.drop(failing)) == 24
    before = (project / "results/test/tables/table1.csv").read_bytes()
    broken = project / "methods/broken.py"
    broken.write_text(
        broken.read_text().replace(FAILING["broken"][0], "return problem.baseline(y)")
    )
    table["rows"].remove("endless")
    (project / "my.yaml").write_text(yaml.safe_dump(settings))
    code, output = run(project)
    assert code == 1
    assert output.rstrip().splitlines()[-1].startswith("3 failed")
    code, output = run(project)
    assert code == 0  # nothing has changed, nothing is tried again unasked
    assert "Nothing to be done" in output
    method = (project / "methods/baseline.py").read_text()
    (project / "methods/no_import.py").write_text(f"import torch\n{method}")
    assert workflow(project, "retry", "results/test") == (0, RETRIED)
    code, output = run(project)
    assert code == 1
    assert output.rstrip().splitlines()[-1].startswith("2 failed")
    assert (project / "results/test/tables/table1.csv").read_bytes() != before


def test_a_full_disk_stops_with_one_line_and_keeps_what_was_there(project):
    run_folder = project / "results/test"
    images = [f"results/test/data/ct/{split}.npz" for split in ("train", "validation")]
    prepare = spec_of(project, "Prepare", dataset="ct", split="train")
    train = spec_of(project, "Train", name="whole")
    row = spec_of(project, "Reconstruct", row="admm_tv")
    commands = {
        "data/ct/train.npz": ("prepare", prepare, []),
        "networks/ct/whole/weights.safetensors": ("train", train, images),
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
    weights = "results/test/networks/ct/patch/weights.safetensors"
    assert made_with["inputs"][weights] == file_hash(project / weights)
    assert made_with["versions"]["torch"] == card["made_with"]["versions"]["torch"]

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


def test_tuning_logs_every_trial_and_writes_a_configuration(project):
    code, output = run(project, "--", "tune")
    assert code == 0, output[-3000:]
    trials = pd.read_csv(project / "results/test/tuning/ct20/admm_tv.csv")
    assert sorted(trials["trial"]) == [1, 2, 3]
    complete = trials[trials["images"] == 2]
    assert complete["psnr"].is_monotonic_decreasing
    assert list(trials.index[: len(complete)]) == list(complete.index)  # the others below
    best = trials[["weight", "rho"]].iloc[0].to_dict()
    assert best["weight"] == 0.03
    written = yaml.safe_load((project / "results/test/tuning/tuned.yaml").read_text())
    assert written["rows"]["admm_tv"]["params_for"] == {"ct20": best}
    found = {**SETTINGS["rows"]["admm_tv"], **written["rows"]["admm_tv"]}
    rows = {**SETTINGS["rows"], "admm_tv": found}
    (project / "my.yaml").write_text(yaml.safe_dump({**SETTINGS, "rows": rows}))
    _, output = run(project, "--dry-run", "tune")
    assert "Nothing to be done" in output  # what a search finds does not change the search


def test_variants_and_samples_are_made_without_new_rules(project):
    tables = {k: v for k, v in SETTINGS["tables"].items() if k not in ("patch_size", "shift")}
    settings = {**SETTINGS, "tables": tables}
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
    assert not (results / "networks/faces").exists()


FAULTS = {
    "networks/ct/patch/weights.safetensors": "does not match its card",
    "measurements/ct20.npz": "is damaged",
    "data/ct/train.npz": "is damaged",
}


def test_killing_snakemake_alone_ends_its_jobs(tmp_path):
    folder = copy_project(tmp_path / "orphans")
    process = start(folder)
    networks = folder / "results/test/networks/ct"
    wait_for(process, lambda: list(networks.glob("*/checkpoint.safetensors")))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()  # ends when the last job has closed its output
    unlock(folder)
    _, output = run(folder, "--dry-run")
    assert "train" in output


def test_harmless_changes_rerun_nothing_else(project):
    def dry(**changes):
        (project / "my.yaml").write_text(yaml.safe_dump({**SETTINGS, **changes}))
        return {job.split()[0] for job in jobs(run(project, "--dry-run")[1])}

    assert dry() == set()
    problems = {"ct20": {"label": "Twenty views", "repeats": 2}}
    assert dry(problems=problems) == {"table"}
    fewer = dry(datasets={"ct": {"test": 2}})
    assert "measure" in fewer
    assert "train" not in fewer
    assert "train" in dry(seed=1)


@pytest.mark.parametrize("name", FAULTS)
def test_a_damaged_file_stops_with_one_line(project, name):
    before = (project / "results/test/tables/table1.md").read_text()
    path = project / "results/test" / name
    path.write_bytes(path.read_bytes()[:-50])
    code, output = run(project)
    assert code != 0
    lines = [line for line in output.splitlines() if line.startswith("error: ")]
    assert lines
    assert all(FAULTS[name] in line and "delete" in line for line in lines)
    assert "Traceback" not in output
    assert "completed successfully" not in output  # the exit status of the job counts
    assert (project / "results/test/tables/table1.md").read_text() == before


def test_a_missing_folder_stops_with_one_line(tmp_path):
    source = {"source": "folder", "size": [32, 32], "params": {"path": "no/such/folder"}}
    folder = copy_project(tmp_path / "missing", {**SETTINGS, "datasets": {"ct": source}})
    code, output = run(folder)
    assert code != 0
    (line,) = {line for line in output.splitlines() if line.startswith("error: ")}
    assert "no/such/folder" in line
    assert not list((folder / "results/test").rglob("*.npz"))
