"""A training that several processes share: the same curve as by one, killed and resumed."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from running import network_of, spec_of, workflow

IMAGES = [f"results/test/data/ct/{split}.npy" for split in ("train", "validation")]


def begin(folder, name, out, devices):
    spec = spec_of(folder, "Train", name=name)
    command = [sys.executable, "-m", "workflow", "train", spec, out, *IMAGES, "--threads", "2"]
    said = {"BENCHMARK_DEVICES": str(devices), "BENCHMARK_CHECKPOINT_SECONDS": "0"}
    return subprocess.Popen(
        command, cwd=folder, env={**os.environ, **said}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ["patch", "whole"])
def test_two_processes_train_as_one(project, name):
    made = network_of(project, name)
    out = f"results/test/two/{name}/weights.safetensors"
    process = begin(project, name, out, devices=2)
    checkpoint = (project / out).with_name("checkpoint.safetensors")
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.05)
    assert process.poll() is None, process.stdout.read()
    os.killpg(process.pid, signal.SIGKILL)  # both processes, in the middle
    process.wait()
    process = begin(project, name, out, devices=2)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    one, two = (pd.read_csv(f / "loss.csv") for f in (made, (project / out).parent))
    assert one["examples"].tolist() == two["examples"].tolist()
    # Sums of gradients are rounded in another order, which grows from step to step.
    np.testing.assert_allclose(two["loss"][:5], one["loss"][:5], rtol=2e-4)
    np.testing.assert_allclose(two["loss"][:40], one["loss"][:40], rtol=1e-2)
    assert two["loss"][100:].mean() == pytest.approx(one["loss"][100:].mean(), rel=0.02)
    assert not checkpoint.exists()


@pytest.mark.slow
def test_more_processes_than_examples_are_refused(project):
    process = begin(project, "whole", "results/test/five/weights.safetensors", devices=5)
    output, _ = process.communicate(timeout=600)
    assert process.returncode != 0
    assert "5 processes cannot share batches" in output
    assert "Traceback" not in output
    code, output = workflow(project, "train", "--help")
    assert code == 0, output
