"""A run on a real Slurm of one node, which the test starts and ends."""

import os
import shutil
import socket
import subprocess
import time

import pandas as pd
import pytest
import yaml
from running import SETTINGS, TIMING, copy_project, jobs, run, start
from test_interrupted import WAITING, wait_for

CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
ReturnToService=2
MinJobAge=3600
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmdSpoolDir={folder}/node
StateSaveLocation={folder}/state
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=16000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=1-0 State=UP
"""
NEEDED = ("munged", "slurmctld", "slurmd", "sbatch")
PROFILE = ("--workflow-profile", "workflow/profiles/slurm")
QUICK = ("--slurm-init-seconds-before-status-checks", "2")

pytestmark = pytest.mark.skipif(
    os.getuid() != 0 or not all(map(shutil.which, NEEDED)),
    reason="needs root, slurm-wlm and munge",
)


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return found


def queue(states="all"):
    """Comment (the rule and its wildcards) to number of every job in one of the states."""
    command = ["squeue", "--noheader", f"--states={states}", "--format=%k|%i"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return dict(line.split("|") for line in lines.splitlines())


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Slurm with one node of two cores, for commands that see the environment of this process."""
    folder = tmp_path / "slurm"
    for name in ("node", "state"):
        (folder / name).mkdir(parents=True)
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o400)
    host = socket.gethostname().split(".")[0]
    settings = {"host": host, "ports": free_ports(2), "folder": folder}
    (folder / "slurm.conf").write_text(CONFIGURATION.format(**settings))
    (folder / "cgroup.conf").touch()  # slurmd 22.05 ends without one
    monkeypatch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
    # The plugin takes SLURM_CONF from the environment of srun.
    (folder / "srun").write_text(
        f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n'
    )
    (folder / "srun").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    own = [f"--{name}={folder}/munge.{name.split('-')[0]}"
           for name in ("socket", "key-file", "pid-file", "log-file", "seed-file")]  # fmt: skip
    started = []
    try:
        for name, *arguments in (
            ["munged", "--foreground", "--force", *own],
            ["slurmctld", "-D"],
            ["slurmd", "-D"],
        ):
            with open(folder / f"{name}.out", "w") as said:
                process = subprocess.Popen(
                    [shutil.which(name), *arguments],
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                )
            started.append(process)
        wait_for_node(started, folder)
        yield
    finally:
        if len(started) == 3:
            subprocess.run(["scancel", "--user=root"], capture_output=True)
            until = time.monotonic() + 30
            while time.monotonic() < until and queue("running,completing"):
                time.sleep(0.2)
        for process in reversed(started):
            process.terminate()
            process.wait()


def wait_for_node(started, folder):
    until = time.monotonic() + 120
    while time.monotonic() < until:
        command = ["sinfo", "--noheader", "--format=%T"]
        if subprocess.run(command, capture_output=True, text=True).stdout.strip() == "idle":
            return
        if any(process.poll() is not None for process in started):
            break
        time.sleep(0.5)
    pytest.fail("\n".join(path.read_text()[-1000:] for path in folder.glob("*.out")))


def test_a_run_on_slurm_makes_what_a_local_one_makes(finished, slurm, tmp_path):
    table = {**SETTINGS["tables"]["table1"], "rows": ["baseline", "padis"]}
    settings = {**SETTINGS, "tables": {"table1": table}}
    folder = copy_project(tmp_path / "on_slurm", settings)
    code, output = run(folder, *PROFILE, *QUICK, "--", "table1")
    assert code == 0, output[-3000:]
    for row in table["rows"]:
        path = f"results/test/scores/ct20/{row}.csv"
        there, here = (pd.read_csv(f / path).drop(columns=TIMING) for f in (folder, finished))
        pd.testing.assert_frame_equal(there, here)
    assert (folder / "results/test/tables/table1.md").exists()
    rules = {comment.split("_wildcards")[0] for comment in queue()}
    assert rules == {"rule_prepare", "rule_measure", "rule_train", "rule_reconstruct"}

    # One job that is cancelled, and the local run that goes on from there.
    (folder / "methods/waiting.py").write_text(WAITING)
    rows = {**SETTINGS["rows"], "waiting": {"method": "waiting"}}
    (folder / "my.yaml").write_text(yaml.safe_dump({**settings, "rows": rows}))
    path, batches = "results/test/reconstructions/ct20/waiting.npz", folder / "batches"
    process = start(folder, *PROFILE, *QUICK, "--", path)
    wait_for(process, lambda: batches.exists() and batches.stat().st_size == 2)
    (job,) = queue("running").values()
    subprocess.run(["scancel", job], check=True)
    output, _ = process.communicate()
    assert process.returncode != 0
    assert "failed: reconstruct ct20/waiting" in output
    (folder / "go").touch()
    _, listed = run(folder, "--dry-run", "--", path)
    assert jobs(listed) == ["reconstruct problem=ct20, row=waiting"]
    code, output = run(folder, "--", path)
    assert code == 0, output[-3000:]
    log = (folder / "results/test/logs/reconstruct/ct20/waiting.log").read_text()
    assert "waiting on ct20: resumed at 1 of 3 images" in log
