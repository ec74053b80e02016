"""Jobs on a machine with several GPUs, which are names here."""

import os
import subprocess
import sys
import time

import pytest
from conftest import ROOT

from workflow.config.machine import gpus

HOLDS = """
import sys, time
from pathlib import Path
from workflow.config.machine import claim
print(*claim(["0", "1", "2"], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[1])), flush=True)
time.sleep(600)
"""


def job(folder, count, sharing):
    """A process that takes so many of three GPUs, says which, and holds them until it is killed."""
    command = [sys.executable, "-c", HOLDS, str(folder), str(count), str(sharing)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_jobs_that_may_share_gpus_spread_over_them(tmp_path):
    started = []
    try:
        for count, expected in ((1, "0"), (2, "1 2"), (1, "0"), (2, "1 2")):
            started.append(job(tmp_path, count, sharing=2))
            assert started[-1].stdout.readline().strip() == expected
        started.append(job(tmp_path, 1, sharing=2))
        time.sleep(1)
        started[0].kill()
        assert started[-1].stdout.readline().strip() == "0"
    finally:
        for process in started:
            process.kill()
            process.communicate()


def test_each_job_has_gpus_of_its_own_and_the_next_waits_for_one(tmp_path):
    started = [job(tmp_path, 1, 1), job(tmp_path, 2, 1)]
    try:
        names = [process.stdout.readline().split() for process in started]
        assert sorted(name for own in names for name in own) == ["0", "1", "2"]
        started.append(job(tmp_path, 1, 1))
        time.sleep(1)
        started[0].kill()  # a job that is killed gives its GPU back
        assert started[2].stdout.readline().split() == names[0]
    finally:
        for process in started:
            process.kill()
            process.communicate()


@pytest.mark.parametrize(
    ("named", "found"), [("0,2", ["0", "2"]), ("GPU-5f", ["GPU-5f"]), ("", []), ("-1", [])]
)
def test_only_gpus_that_are_visible_are_used(named, found, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert gpus() == found


def two_gpus(folder):
    """Put what lists two GPUs into ``folder``."""
    tool = folder / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 0\necho 1\n")
    tool.chmod(0o755)


def test_without_a_choice_all_gpus_are_used(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus() == []
    two_gpus(tmp_path)
    assert gpus() == ["0", "1"]


@pytest.mark.slow
def test_cores_are_shared_by_the_jobs_that_run_at_a_time(tmp_path, monkeypatch):
    two_gpus(tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "16", "table1"]
    for settings, threads in (([], 8), (["jobs_per_gpu=4"], 2)):
        settings = ["--config", "preset=smoke", *settings]
        done = subprocess.run([*command, *settings], cwd=ROOT, capture_output=True, text=True)
        training = done.stdout.split("rule train:")[1].split("rule ")[0]
        assert f"threads: {threads}\n" in training, done.stdout
        assert "gpu=1" in training, done.stdout
