"""Jobs on a machine with several GPUs, which are names here."""

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
print(*claim(["0", "1", "2"], int(sys.argv[2]), Path(sys.argv[1])), flush=True)
time.sleep(600)
"""


def test_each_job_has_gpus_of_its_own_and_the_next_waits_for_one(tmp_path):
    def job(count):
        command = [sys.executable, "-c", HOLDS, str(tmp_path), str(count)]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    started = [job(1), job(2)]
    try:
        names = [process.stdout.readline().split() for process in started]
        assert sorted(name for own in names for name in own) == ["0", "1", "2"]
        started.append(job(1))
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


def test_without_a_choice_all_gpus_are_used(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus() == []
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 0\necho 1\n")
    tool.chmod(0o755)
    assert gpus() == ["0", "1"]
