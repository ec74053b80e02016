"""The whole DAG for real on a small configuration: finished, repeated, killed, broken."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
import yaml
from conftest import ROOT

from workflow.store import file_hash

ROWS = ["baseline", "admm_tv", "whole_image_diffusion", "padis"]
SETTINGS = {
    "preset": "smoke",
    "name": "test",
    "device": "cpu",
    "batch": 1,
    "checkpoint_seconds": 0,
    "tables": {
        "table1": {
            "problems": ["ct20"],
            "rows": ROWS,
            "controls": ["mean_image", "oracle"],
        },
        "samplers": None,
        "patch_size": None,
        "shift": None,
    },
    "generation": None,
    "rows": {
        "admm_tv": {"search": {"weight": [0.03, 3.0], "rho": [0.003, 0.03]}},
        "whole_image_diffusion": {"search": None},
        "padis": {"search": None},
    },
    "tuning": {"problems": ["ct20"], "images": 2},
}
CONTROLS = {"mean_image", "oracle"}
TIMING = ["seconds", "peak_memory_mb"]


def copy_project(folder, settings=SETTINGS):
    for name in ("problems", "methods", "workflow", "results/published"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "environment.yml"):
        shutil.copy2(ROOT / name, folder / name)
    (folder / "my.yaml").write_text(yaml.safe_dump(settings))
    return folder


def start(folder, *arguments):
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "my.yaml"]
    return subprocess.Popen(
        [*command, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def run(folder, *arguments):
    process = start(folder, *arguments)
    output, _ = process.communicate(timeout=600)
    return process.returncode, output


def scores(folder):
    return pd.read_csv(folder / "results/test/images.csv").drop(columns=TIMING)


def jobs(output):
    """Names of the jobs that a dry run lists, with their wildcards."""
    found, rule = [], None
    for line in output.splitlines():
        if line.startswith(("rule ", "localrule ")):
            rule = line.split()[1].rstrip(":")
        elif line.strip().startswith("wildcards:"):
            found.append(f"{rule} {line.split(':', 1)[1].strip()}")
    return sorted(set(found))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project folder in which everything has run once; not to be changed."""
    folder = copy_project(tmp_path_factory.mktemp("finished"))
    code, output = run(folder)
    assert code == 0, output[-3000:]
    return folder


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished folder, to be changed."""
    return shutil.copytree(finished, tmp_path / "project")


def test_everything_is_made(finished):
    results = finished / "results/test"
    for name in ("table1.csv", "table1.md", "table1.tex", "training.csv", "training.md"):
        assert (results / "tables" / name).stat().st_size > 100
    for name in ("table1/ct20.png", "training.png"):
        assert (results / "figures" / name).read_bytes().startswith(b"\x89PNG")
    frame = scores(finished)
    assert set(frame["method"]) == set(ROWS) | CONTROLS
    assert (frame["status"] == "ok").all()
    assert len(frame) == 6 * 3
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


def test_nothing_is_left_behind(finished):
    left = [p for p in (finished / "results").rglob("*") if p.name.startswith(".")]
    assert left == []
    assert not list((finished / "results").rglob("checkpoint*"))


def wait_for(process, folder, pattern):
    for _ in range(3000):
        if list(folder.glob(pattern)):
            return
        assert process.poll() is None, process.communicate()[0][-3000:]
        time.sleep(0.02)
    raise AssertionError(f"{pattern} did not appear")


def test_a_killed_run_goes_on_to_the_same_numbers(finished, tmp_path):
    folder = copy_project(tmp_path / "killed")
    for pattern in (
        "results/test/networks/ct/*/checkpoint.safetensors",
        "results/test/reconstructions/ct20/.padis.*/0000[12].npz",
    ):
        process = start(folder)
        wait_for(process, folder, pattern)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    code, output = run(folder)
    assert code == 0, output[-3000:]
    log = (folder / "results/test/logs/reconstruct/ct20/padis.log").read_text()
    assert "batch 1 of 3" not in log
    for network in ("patch", "whole"):
        path = f"results/test/networks/ct/{network}/weights.safetensors"
        assert file_hash(folder / path) == file_hash(finished / path)
    pd.testing.assert_frame_equal(scores(folder), scores(finished))


def test_editing_code_reruns_its_rows_and_editing_words_nothing(project):
    method = project / "methods/padis.py"
    text = method.read_text()
    method.write_text("# A comment.\n" + text.replace("PaDIS: posterior", "The posterior"))
    _, output = run(project, "--dry-run")
    assert "Nothing to be done" in output
    method.write_text(text.replace("jacobian = True", "jacobian = bool(1)"))
    _, output = run(project, "--dry-run")
    reruns = [job for job in jobs(output) if job.startswith(("reconstruct ", "train"))]
    assert reruns == ["reconstruct problem=ct20, row=padis"]

    method.write_text(text)
    tiling = project / "methods/priors/patch.py"
    tiling.write_text(tiling.read_text().replace("= patch, grid", "= int(patch), grid"))
    _, output = run(project, "--dry-run")
    reruns = [job for job in jobs(output) if job.startswith(("reconstruct ", "train"))]
    assert reruns == ["reconstruct problem=ct20, row=padis"]


def test_a_failing_method_leaves_the_table_whole(project):
    text = (project / "methods/baseline.py").read_text()
    broken = text.replace("return problem.baseline(y)", "raise RuntimeError('it broke')")
    (project / "methods/broken.py").write_text(broken.replace("Baseline", "Broken"))
    table = {**SETTINGS["tables"]["table1"], "rows": [*ROWS, "broken"]}
    rows = {**SETTINGS["rows"], "broken": {"method": "broken", "label": "Broken"}}
    settings = {**SETTINGS, "rows": rows, "tables": {**SETTINGS["tables"], "table1": table}}
    (project / "my.yaml").write_text(yaml.safe_dump(settings))
    code, output = run(project)
    assert code == 0, output[-3000:]
    table = (project / "results/test/tables/table1.md").read_text()
    assert "RuntimeError: it broke" in table
    frame = scores(project)
    assert frame[frame["method"] == "broken"]["status"].tolist() == ["failed"]
    ours = frame[frame["method"] != "broken"]
    assert len(ours) == 18


def test_tuning_logs_every_trial_and_writes_a_configuration(project):
    code, output = run(project, "--", "tune")
    assert code == 0, output[-3000:]
    trials = pd.read_csv(project / "results/test/tuning/ct20/admm_tv.csv")
    assert sorted(trials["trial"]) == [1, 2, 3]
    assert trials["psnr"].is_monotonic_decreasing
    best = trials[["weight", "rho"]].iloc[0].to_dict()
    assert best["weight"] == 0.03
    written = yaml.safe_load((project / "results/test/tuning/tuned.yaml").read_text())
    assert written == {"rows": {"admm_tv": {"params_for": {"ct20": best}}}}
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
    wait_for(process, folder, "results/test/networks/ct/*/checkpoint.safetensors")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(3)
    group = subprocess.run(["pgrep", "-g", str(process.pid)], capture_output=True, text=True)
    assert group.stdout == ""
    _, output = run(folder, "--dry-run")
    assert "train" in output


def test_harmless_changes_rerun_nothing_else(project):
    def dry(**changes):
        (project / "my.yaml").write_text(yaml.safe_dump({**SETTINGS, **changes}))
        return {job.split()[0] for job in jobs(run(project, "--dry-run")[1])}

    assert dry() == set()
    problems = {"ct20": {"label": "Twenty views"}}
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
