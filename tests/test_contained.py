"""A method that misbehaves costs its row: a reason in one line; a healthy row is made."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from conftest import ROOT

from problems.datasets.base import Images
from problems.inpainting import Inpainting
from workflow.__main__ import app
from workflow.config.spec import Reconstruct, Show, Tune, save_spec
from workflow.plugins import contract
from workflow.plugins import discovery as plugins
from workflow.plugins.params import PluginError
from workflow.run.tuned import tuned
from workflow.store.arrays import load_arrays, load_record, save_measurements
from workflow.store.images import save_images

SHAPE = (1, 8, 6)
METHOD = """
import os, signal, subprocess, sys, threading, time
from dataclasses import dataclass
import numpy as np, torch
from methods.base import Method
{before}

class Bad(Method):
    label = reference = "x"

    @dataclass(frozen=True)
    class Params:
        levels: int = 1

    def reconstruct(self, y, problem, prior, noise, progress):
        x = problem.baseline(y)
        {act}
        return x
"""
OK = "it is made all the same"
SLEEPS = "['sleep', '1000'], stdout=subprocess.DEVNULL"
ENDLESS = "threading.Thread(target=lambda: time.sleep(1000)).start()"
# What the file does when it is imported.
IMPORTED = {
    "reads the command line": (
        "import argparse; argparse.ArgumentParser().parse_args()",
        "__main__",
    ),
    "exits": (
        "sys.exit('bye')",
        "SystemExit: bye (bad.py, line 6): put what ends Python under `if",
    ),
    "ends Python": ("os._exit(0)", "ended Python with status 0, as os._exit does: raise"),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt (bad.py, line 6)"),
    "never ends": ("while True: pass", "TimeoutError: no result within 0.05 minutes: let it"),
    "raises": ("1 / 0", "ZeroDivisionError: division by zero (bad.py, line 6)"),
    "no syntax": ("def", "SyntaxError: invalid syntax (bad.py, line 6)"),
    "no such module": ("import torsch", "No module named 'torsch' (bad.py, line 6)"),
    "no such relative": ("from .torsch import x", "'plugins.torsch' (bad.py, line 6)"),
    "null": ("x = '\0'", "source code string cannot contain null bytes"),
    "changes the folder": ("os.chdir('/')", OK),
    "leaves a thread": (ENDLESS, OK),
    "imports relatively": ("from .helper import STEP", OK),
    "parses nothing": ("sys.argv = ['x']", OK),
}
# What its method does.
DONE = {
    "exits": ("sys.exit(3)", "SystemExit: 3 (bad.py, line 17)"),
    "ends Python": ("os._exit(0)", "ended Python with status 0, as os._exit does: raise"),
    "ends Python with 1": ("os._exit(1)", "ended Python with status 1, as os._exit does: raise"),
    "changes the folder": ("os.chdir('/')", OK),
    "removes the folder": ("os.makedirs('a'); os.chdir('a'); os.rmdir('../a')", OK),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt (bad.py, line 17)"),
    "leaves a thread": (ENDLESS, OK),
    "leaves a process": (f"subprocess.Popen({SLEEPS})", OK),
    "leaves a daemon": (f"subprocess.Popen({SLEEPS}, start_new_session=True)", OK),
    "leaves a daemon and ends": (
        f"subprocess.Popen({SLEEPS}, start_new_session=True); os._exit(4)",
        "ended Python with status 4",
    ),
    "uses a pool": ("import multiprocessing as m; m.Pool(2).map(twice, [1, 2])", OK),
    "uses an executor": (
        "from concurrent.futures import ProcessPoolExecutor as P; list(P(2).map(twice, [1]))", OK,
    ),
    "never ends": ("while True: pass", "TimeoutError: no result within 0.05 minutes: let it"),
    "recurses": ("f = lambda: f(); f()", "RecursionError: maximum recursion depth exceeded"),
    "takes too much memory": ("torch.zeros(2**45)", "can't allocate memory"),
    "prints megabytes": ("print('x' * 5_000_000)", OK),
    "closes its streams": ("sys.stdout.close(); sys.stderr.close()", OK),
    "replaces streams": ("sys.stdout = sys.stderr = None", OK),
    "sets defaults": (
        "torch.set_default_dtype(torch.float64); torch.set_default_device('meta')", OK,
    ),
    "sets threads": ("torch.set_num_threads(7)", OK),
    "draws globally": ("x = x + 0.1 * torch.randn_like(x); np.random.seed(3)", OK),
    "breaks numpy": ("np.savez = np.concatenate = None", "TypeError: 'NoneType' object is not"),
    "breaks torch": ("torch.Tensor.clamp = None", "TypeError: 'NoneType' object is not callable"),
    "changes y": ("y += 1", "y was changed in place: work on y.clone()"),
    "changes the operator": (
        "problem.physics.A = lambda x: 2 * x", "problem.physics was changed: work on a copy.deep",
    ),
    "changes a mask": (
        "[b.zero_() for b in problem.physics.buffers()]", "physics was changed: work on a copy",
    ),
    "nan": ("x = x * float('nan')", "the result holds NaN or infinite values: look where"),
    "inf": ("x = x / 0", "the result holds NaN or infinite values: look where"),
    "shape": ("x = x[0]", "the result has shape (1, 8, 6): return one of (2, 1, 8, 6)"),
    "double": ("x = x.double()", "the result is torch.float64: end with .float()"),
    "complex": ("x = x + 0j", "the result is torch.complex64: end with .real.float()"),
    "array": ("x = x.numpy()", "the result is a ndarray, not a tensor: return one"),
    "none": ("x = None", "the result is a NoneType, not a tensor: return one"),
    "gradient": ("x = x.clone().requires_grad_()", "requires a gradient: return x.detach()"),
    "cannot be printed": (
        "raise type('E', (Exception,), {'__str__': lambda self: 1 / 0})",
        "E: its message cannot be printed (bad.py, line 17)",
    ),
    "many lines": ("raise RuntimeError('first\\nsecond')", "RuntimeError: first (bad.py, line 17)"),
    "bad input": ("raise OSError('no file')", "OSError: no file (bad.py, line 17)"),
    "no exception": ("raise BaseException('odd')", "BaseException: odd (bad.py, line 17)"),
    "deletes its file": ("os.path.exists(__file__) and os.remove(__file__)", OK),
    "handles signals": ("signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.alarm(1000)", OK),
    "kills itself": ("os.kill(os.getpid(), 9)", "killed by SIGKILL, often for lack of"),
    "crashes": ("import ctypes; ctypes.string_at(0)", "killed by SIGSEGV, in code that is not"),
    "waits for an alarm": ("signal.alarm(1); time.sleep(9)", "killed by SIGALRM"),
    "reads the truth": ("open('data/x.npy')", "holds the truth, which no method may read"),
}  # fmt: skip
# How its file is written.
WRITTEN = {
    "bom": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "coding": lambda text: b"# coding: latin-1\n# \xe9" + text.encode(),
    "crlf": lambda text: text.replace("\n", "\r\n").encode(),
}
CASES = [
    *(
        pytest.param({"before": b}, why, None, id=f"import: {n}")
        for n, (b, why) in IMPORTED.items()
    ),
    *(pytest.param({"act": a}, why, None, id=n) for n, (a, why) in DONE.items()),
    *(pytest.param({}, OK, how, id=f"file: {n}") for n, how in WRITTEN.items()),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with measurements."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCHMARK_TRUTH", str(tmp_path / "data"))
    problem = Inpainting(SHAPE, Inpainting.Params())
    truth = torch.rand(4, *SHAPE, generator=torch.Generator().manual_seed(0))
    images = Images(truth.numpy(), list("abcd"), list("ppqq"), [1] * 4)
    save_measurements(tmp_path / "y.npz", problem.physics.A(truth).numpy(), images)
    yield tmp_path
    plugins.use([])


def reconstruct(folder, method, file=None):
    """Run the command of a job; its record, the result, and the processes that it has left."""
    values = {"seed": 0, "device": "cpu", "precision": "float32", "repeats": 1, "batch": 2}
    job = Reconstruct(
        problem="p", dataset="d", family="inpainting", problem_params={}, row=method, params={},
        method=method, prior=None, plugins=[str(file)] if file else [], **values,
    )  # fmt: skip
    save_spec(folder / "spec.json", job)
    out = folder.relative_to(folder) / f"{method}.npz"
    (command,) = (c.callback for c in app.registered_commands if c.name == "reconstruct")
    before = set(running())
    command(folder / "spec.json", out, [folder / "y.npz"])
    return load_record(out.with_suffix(".json")), load_arrays(out)["x_hat"], running() - before


def running():
    """Processes that sleep as methods let them."""
    found = subprocess.run(["pgrep", "-f", "sleep 1000"], capture_output=True, text=True).stdout
    return set(found.split())


@pytest.mark.parametrize(("parts", "why", "how"), CASES)
def test_a_method_that_misbehaves_costs_its_row(folder, monkeypatch, parts, why, how):
    minutes = "0.05" if why.startswith("TimeoutError") else "0" if "ended" in why else "5"
    monkeypatch.setenv("BENCHMARK_MINUTES", minutes)
    monkeypatch.setattr(sys, "argv", ["workflow", "reconstruct"])
    text = METHOD.format(**{"before": "def twice(x): return 2 * x", "act": "pass", **parts})
    (folder / "own").mkdir()
    (folder / "own" / "helper.py").write_text("STEP = 1\n")
    file = folder / "own" / "bad.py"
    file.write_bytes(how(text) if how else text.encode())
    record, x_hat, left = reconstruct(folder, "bad", file)
    assert "\n" not in record["reason"]
    if why == OK:
        assert (record["status"], record["reason"], len(x_hat)) == ("ok", "", 4)
    else:
        assert why in record["reason"]
        assert (record["status"], len(x_hat)) == ("failed", 0)
    assert not left
    record, x_hat, _ = reconstruct(folder, "baseline")
    assert (record["status"], len(x_hat)) == ("ok", 4)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"act": "x = x * float('nan')"}, "the result holds NaN or infinite values"),
        ({"act": "y += 1"}, "y was changed in place: work on y.clone()"),
        ({"act": "x = x + 0.1 * torch.randn_like(x)"}, "draw from `noise`, and seed nothing"),
        ({"act": "np.random.seed(3)"}, "draw from `noise`, and seed nothing"),
        ({"act": "x = x / x.norm()"}, "norms, means and stopping rules must be of each image"),
        ({"act": "raise KeyboardInterrupt"}, "KeyboardInterrupt (bad.py, line 17)"),
        ({"before": "from pydantic import *; int = PositiveInt; ONE = -1"}, "must be int > 0"),
        ({"act": "while True: pass"}, "TimeoutError: no result within 0.05 minutes: let it do"),
    ],
)
def test_check_says_a_mistake_once_and_what_takes_long(tmp_path, monkeypatch, capfd, parts, said):
    endless = "while" in parts.get("act", "")
    monkeypatch.setattr(contract, "MINUTES", 0.05 if endless else 5)
    monkeypatch.setattr(contract, "SECONDS", 1)
    file = tmp_path / "bad.py"
    text = METHOD.replace("levels: int = 1", "levels: int = ONE")
    file.write_text(text.format(**{"before": "ONE = 1", "act": "pass", **parts}))
    with pytest.raises(SystemExit) as ended:
        contract.check(file, {})
    plugins.use([])
    found = capfd.readouterr().out
    assert ended.value.code == 1
    assert (found.count("BROKEN"), said in found) == (1, True), found
    assert not endless or "waiting The result is float32 (B, C, H, W) without NaN" in found


def test_a_method_that_ends_python_costs_its_search(folder):
    file = folder / "bad.py"
    file.write_text(METHOD.format(before="", act="os._exit(0)"))
    pixels = np.random.default_rng(0).random((2, *SHAPE), dtype=np.float32)
    save_images(folder / "images.npy", Images(pixels, ["a", "b"], ["p", "q"], [1, 1]))
    job = Tune(
        problem="p", dataset="d", family="inpainting", problem_params={}, row="bad", params={},
        method="bad", prior=None, plugins=[str(file)], seed=0, device="cpu", precision="float32",
        repeats=1, batch=1, axes=["levels"], search={"levels": [1, 3, None]}, starts=[], trials=2,
        images=1, margin=1.0,
    )  # fmt: skip
    save_spec(folder / "spec.json", job)
    (command,) = (c.callback for c in app.registered_commands if c.name == "tune")
    with pytest.raises(PluginError, match="search of bad on p: it ended Python with status 0"):
        command(folder / "spec.json", folder / "bad.csv", [folder / "images.npy"] * 2)
    assert not (folder / "bad.csv").exists()
    line = {"row": "bad", "problem": "p", "label": "Bad", "search": ["levels"]}
    show = Show(name="tuned", settings={"split": "validation", "searches": [line]})
    tuned(show, folder / "tuned.csv", folder / "bad.csv")
    assert "bad" not in (folder / "tuned.csv").read_text()


START = """
import signal, subprocess, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's `&` switches off
from workflow.plugins.contained import contained

def work():
    print(subprocess.Popen(["sleep", "1000"], stdout=subprocess.DEVNULL).pid, flush=True)
    time.sleep(1000)

contained(work)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_a_method_started_ends_with_the_job(how):
    job = subprocess.Popen([sys.executable, "-c", START], stdout=subprocess.PIPE, cwd=ROOT)
    sleeping = job.stdout.readline().decode().strip()
    assert sleeping in running()
    os.kill(job.pid, how)
    assert job.wait(timeout=60)
    deadline = time.monotonic() + 60
    while sleeping in running() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert sleeping not in running()
