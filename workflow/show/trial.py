"""Runs one method from anywhere on the problems of a finished run, beside it and not in it."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from workflow.config.build import build_problem
from workflow.config.resolve import load, network_for, plain_label
from workflow.config.spec import code_of
from workflow.plugins.discovery import find, kinds_of, use
from workflow.plugins.params import PluginError, checked
from workflow.score.metrics import mean_psnr, score
from workflow.score.scores import COLUMNS
from workflow.store.arrays import (
    StoreError,
    arrays_hash,
    load_arrays,
    load_images,
    load_measurements,
    load_record,
    save_arrays,
    save_record,
)
from workflow.store.provenance import hashes

FEW = 3  # images on which two seeds and two batch sizes are compared


@dataclass(frozen=True)
class Trial:
    """A row that is tried: its name, the run, its configuration with the row, and its folder."""

    row: str
    run: Path
    config: dict[str, Any]
    folder: Path

    @property
    def problems(self) -> list[str]:
        """Problems of the main tables of the run, each once."""
        tables = self.config["tables"].values()
        shown = [t["problems"] for t in tables if not (t["ablation"] or t["extra"])]
        return list(dict.fromkeys(problem for problems in shown for problem in problems))

    def truth(self, problem: str):
        """Test images of a problem."""
        dataset = self.config["problems"][problem]["dataset"]
        return load_images(self.run / "data" / dataset / "test.npz")


def prepare(file: Path, run: Path, params: dict[str, Any]) -> Trial:
    """Add the method of ``file`` to the configuration of ``run`` (results/<name>), in a folder.

    Raises:
        PluginError: the file defines no method, or has other parameters.
        StoreError: the run is not finished.
    """
    if not (run / "run.json").exists():
        raise StoreError(f"{run}/run.json is missing: run `snakemake --cores all` first")
    config = load(run / "config.json")
    named = [*config.get("plugins", []), str(file.resolve())]
    use(named)
    if "method" not in kinds_of(file):
        raise PluginError(f"{file} defines no subclass of Method")
    method = find("method", file.stem)
    row = file.stem if file.stem not in config["rows"] else f"{file.stem}_card"
    prior = method.attributes.get("prior")
    if prior is not None and prior not in config["priors"]:
        raise PluginError(f"{file}: the run has no prior {prior!r}")
    entry = {"method": file.stem, "params": checked(params, method.params, row), "params_for": {}}
    if row != file.stem:  # the file of a row of the run, tried again
        old = config["rows"][file.stem]
        entry = {**old, "label": f"{plain_label(old)}, again", **(entry if params else {})}
    config["rows"][row] = {**entry, "search": {}, "only_named": True}
    config["plugins"] = named
    trial = Trial(row, run, config, run / "cards" / row)
    save_record(trial.folder / "config.json", config)
    return trial


def reconstruct(trial: Trial, cores: int) -> None:
    """Reconstruct all test images of every problem, and a few alone with two seeds.

    What is there and was made by the same code of the same files is kept.
    """
    few = {**trial.config, "batch": 1}
    repeated = {p: {**s, "repeats": 2} for p, s in trial.config["problems"].items()}
    save_record(trial.folder / "few" / "config.json", {**few, "problems": repeated})
    jobs = []
    for problem in trial.problems:
        measured = trial.run / "measurements" / f"{problem}.npz"
        jobs.append((problem, trial.folder, measured))
        if problem in trial.config["tables"].get("table1", {}).get("problems", trial.problems[:1]):
            jobs.append((problem, trial.folder / "few", _few(trial, problem, measured)))
    with ThreadPoolExecutor(cores) as pool:
        for failed in pool.map(lambda job: _run(trial, *job), jobs):
            if failed:
                raise StoreError(failed.removeprefix("error: "))


def _few(trial: Trial, problem: str, measured: Path) -> Path:
    stored = load_measurements(measured)
    y, ids = stored["y"][:FEW], stored["ids"][:FEW]
    path = trial.folder / "few" / "measurements" / f"{problem}.npz"
    hashed = np.array(arrays_hash(y))
    save_arrays(path, y=y, ids=ids, shape=stored["shape"], sha256=hashed)
    return path


def _run(trial: Trial, problem: str, folder: Path, measured: Path) -> str:
    """Reconstruct in a process of its own; return what it said on failing, empty if it did not."""
    out = folder / f"{problem}.npz"
    needed = network_for(trial.config, problem, trial.row)
    weights = needed and trial.run / "networks" / "/".join(needed) / "weights.safetensors"
    inputs = [measured, *([weights] if weights else [])]
    code = code_of(trial.config, problem, trial.row)
    key = {"code": code, "inputs": hashes(inputs), "row": trial.config["rows"][trial.row]}
    done = out.with_suffix(".key.json")
    if done.exists() and load_record(done) == key:
        return ""
    done.unlink(missing_ok=True)
    command = [sys.executable, "-m", "workflow", "reconstruct", problem, trial.row]
    command += ["--config", folder / "config.json", "--measurements", measured, "--code", code]
    command += [*(["--weights", weights] if weights else []), "--out", out]
    command += ["--truth", trial.run / "data"]
    process = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    last = ""
    for last in process.stdout:
        sys.stderr.write(last)
    if process.wait():
        return last.strip() or f"{problem}: ended with status {process.returncode}"
    if load_record(out.with_suffix(".json"))["status"] != "failed":
        save_record(done, key)
    return ""


def scores(trial: Trial) -> pd.DataFrame:
    """Scores of the row on all problems, as in images.csv."""
    frames = []
    for problem in trial.problems:
        truth = trial.truth(problem)
        built = build_problem(trial.config, problem, truth.pixels.shape[1:])
        measured = load_measurements(trial.run / "measurements" / f"{problem}.npz")
        x_hat, record = result(trial.folder, problem)
        frame = score(truth, measured["y"], built, x_hat, record)
        frames.append(frame.assign(problem=problem, method=trial.row))
    return pd.concat(frames, ignore_index=True).reindex(columns=list(COLUMNS))


def result(folder: Path, problem: str) -> tuple[np.ndarray, dict[str, Any]]:
    """Reconstructions (n, C, H, W) and their record."""
    path = folder / f"{problem}.npz"
    return load_arrays(path)["x_hat"], load_record(path.with_suffix(".json"))


def steadiness(trial: Trial) -> pd.DataFrame:
    """How much the first images change with the seed, and when each is a batch of its own.

    Returns:
        Columns problem, images, psnr (mean over images, each its own batch), other_seed (change of
        that mean with another seed, dB; NaN if the method draws nothing) and batch (largest
        difference of a pixel to the run in batches); one line per problem that was reconstructed.
    """
    lines = []
    for path in sorted((trial.folder / "few").glob("*.npz")):
        problem = path.stem
        (few, record), (all_images, _) = (
            result(folder, problem) for folder in (path.parent, trial.folder)
        )
        if record["status"] != "ok" or not len(all_images):
            continue
        count = sum(image["repeat"] == 0 for image in record["images"])
        truth = torch.from_numpy(trial.truth(problem).pixels[:count])
        means = [
            mean_psnr(truth, torch.from_numpy(few[start : start + count]))
            for start in range(0, len(few), count)
        ]
        lines.append(
            {
                "problem": problem,
                "images": count,
                "psnr": means[0],
                "other_seed": means[1] - means[0] if len(means) > 1 else float("nan"),
                "batch": float(np.abs(few[:count] - all_images[:count]).max()),
            }
        )
    return pd.DataFrame(lines, columns=["problem", "images", "psnr", "other_seed", "batch"])
