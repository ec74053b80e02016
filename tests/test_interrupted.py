"""Runs that are killed, alone or with their jobs, and runs that the lock refuses."""

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
    SETTINGS,
    copy_project,
    metrics,
    network_of,
    run,
    scores,
    start,
    unlock,
)

from workflow.store.arrays import file_hash


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


@pytest.mark.slow
def test_kills_and_the_number_of_cores_change_nothing(finished, tmp_path):
    """On one core, killed in a training and at another moment, against two cores unkilled."""
    folder, one_core = copy_project(tmp_path / "killed"), ("--cores", "1")
    process = start(folder, *one_core)
    networks = folder / "results/networks"
    wait_for(process, lambda: list(networks.glob("*/checkpoint.safetensors")))
    assert kill(process)
    checkpoint = next(networks.glob("*/checkpoint.safetensors"))
    assert not checkpoint.with_name("weights.safetensors").exists()
    checkpoint.with_name(".checkpoint.0.safetensors").touch()  # as a kill while writing leaves it
    code, output = run(folder, *one_core)
    assert code != 0
    assert "--unlock" in output  # nothing takes a lock away unasked
    unlock(folder)
    generator, hit = random.Random(0), False
    while not hit:
        process = start(folder, *one_core)
        wait_for(process, lambda: (folder / ".snakemake/locks").exists())
        logs = set((folder / "results").rglob("*.log"))
        wait_for(process, lambda seen=logs: set((folder / "results").rglob("*.log")) - seen)
        time.sleep(generator.uniform(0, 2))  # any moment of the job will do
        hit = kill(process)
        unlock(folder)
    code, output = run(folder, *one_core)
    assert code == 0, output[-3000:]
    name = checkpoint.parent.name
    assert "resumed at" in (folder / f"results/test/logs/train/{name}.log").read_text()
    for network in ("patch", "whole"):
        path = network_of(finished, network).relative_to(finished) / "weights.safetensors"
        assert file_hash(folder / path) == file_hash(finished / path)
    assert {"table1.csv", "table1.md", "table1.tex", "claims.md"} <= set(metrics(folder))
    assert metrics(folder) == metrics(finished)
    pd.testing.assert_frame_equal(scores(folder), scores(finished))
    left = [p for p in (folder / "results").rglob("*") if p.name.startswith(".")]
    assert left == []


@pytest.mark.slow
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
    assert "6/6 images" in log
    assert np.array_equal(*(np.load(folder / path)["x_hat"] for folder in (project, straight)))
    assert (straight / "batches").read_text() == "x" * 6
    assert batches.read_text() == "x" * 7  # the batch that was killed, twice


@pytest.mark.slow
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


@pytest.mark.slow
def test_killing_snakemake_alone_ends_its_jobs(tmp_path):
    folder = copy_project(tmp_path / "orphans")
    process = start(folder)
    networks = folder / "results/networks"
    wait_for(process, lambda: list(networks.glob("*/checkpoint.safetensors")))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()  # ends when the last job has closed its output
    unlock(folder)
    _, output = run(folder, "--dry-run")
    assert "train" in output
