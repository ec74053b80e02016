"""A job in a process of its own: what a method starts ends with it."""

import os
import signal
import subprocess
import sys
import time

import pytest

START = """
import subprocess, time
from workflow.run.contained import fork

why = fork({seconds})
if why is None:
    print(subprocess.Popen(["sleep", "1000"], stdout=subprocess.DEVNULL).pid, flush=True)
    time.sleep({works})
else:
    print(why)
"""


def alive(process):
    try:
        with open(f"/proc/{process}/stat") as status:
            return status.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends(process):
    deadline = time.monotonic() + 30
    while alive(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(process)


def start(**values):
    command = [sys.executable, "-c", START.format(**values)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_time_limit_kills_what_a_method_started():
    job = start(seconds=1, works=1000)
    sleeping, said = job.communicate(timeout=60)[0].splitlines()
    assert said.startswith("TimeoutError: no result within")
    assert ends(int(sleeping))


def test_a_method_that_ends_leaves_nothing_running():
    job = start(seconds=60, works=0)
    (sleeping,) = job.communicate(timeout=60)[0].splitlines()
    assert job.returncode == 0
    assert ends(int(sleeping))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_a_method_started_ends_with_the_job(how):
    job = start(seconds=60, works=1000)
    sleeping = int(job.stdout.readline())
    os.kill(job.pid, how)
    job.communicate(timeout=60)
    assert job.returncode
    assert ends(sleeping)
