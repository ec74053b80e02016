"""A small configuration that tests run for real, in a copy of the project."""

import json
import os
import resource
import shutil
import subprocess
import sys

import pandas as pd
import yaml
from conftest import ROOT

ROWS = ["baseline", "admm_tv", "whole_image_diffusion", "padis"]
SETTINGS = {
    "preset": "smoke",
    "name": "test",
    "means_nothing": "",
    "device": "cpu",
    "batch": 1,
    "checkpoint_seconds": 0,
    "experiments": ["table1"],
    "more": [],
    "tables": {
        "table1": {
            "problems": ["ct20"],
            "rows": ROWS,
            "controls": ["mean_image", "oracle"],
        },
    },
    "generation": None,
    "problems": {"ct20": {"repeats": 2}},
    "rows": {
        "admm_tv": {"search": {"weight": [0.03, 3], "rho": [0.0003, 0.03]}},
        "whole_image_diffusion": {"search": {}},
        "padis": {"search": {}},
    },
    "tuning": {"problems": ["ct20"], "images": 2, "trials": 3},
}
CONTROLS = {"mean_image", "oracle"}
TIMING = ["seconds", "peak_memory_mb"]


def copy_project(folder, settings=SETTINGS):
    for name in (
        "problems",
        "methods",
        "workflow",
        "profiles",
        "results/published",
        "snakemake_logger_plugin_padis",
    ):
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
    output, _ = process.communicate(timeout=3600)
    return process.returncode, output


def unlock(folder):
    """Remove the lock of a Snakemake that was killed."""
    code, output = run(folder, "--unlock")
    assert code == 0, output


def spec_of(folder, job, **names):
    """The file from which the command ``job`` reads what it does, relative to ``folder``."""
    for path in (folder / "results/test/specs").glob("*.json"):
        found = json.loads(path.read_text())
        if found["job"] == job and names.items() <= found.items():
            return str(path.relative_to(folder))
    raise AssertionError(f"no {job} {names}")


def network_of(folder, name, fold="ct-1"):
    """The folder of the one network of this name and fold."""
    (found,) = (folder / "results/networks").glob(f"{fold}-{name}-*")
    return found


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


def workflow(folder, *arguments, file_size=None, root=None):
    def limit():
        if file_size:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

    command = [sys.executable, "-m", "workflow", *arguments]
    place = {"PYTHONPATH": str(root)} if root else {}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, preexec_fn=limit,
        env={**os.environ, **place},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def metrics(folder):
    """Everything in the tables but time and memory."""
    tables = sorted((folder / "results/test/tables").glob("*"))
    return {
        path.name: path.read_bytes()
        for path in tables
        if path.suffix in (".csv", ".md", ".tex") and not path.stem.endswith(("_cost", "training"))
    }
