"""Runs one method from anywhere on the problems of a finished run, beside it and not in it."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from problems.datasets.base import Images
from workflow.config import jobs, spec
from workflow.config.build import build_problem
from workflow.config.machine import environment, gpus
from workflow.config.resolve import command
from workflow.config.views import plain_label
from workflow.plugins.discovery import defined_in, described, find, use
from workflow.plugins.params import PluginError, checked, kinds
from workflow.score.metrics import score
from workflow.score.psnr import mean_psnr
from workflow.show.contents import main_problems, test_images
from workflow.store import arrays
from workflow.store.arrays import StoreError, load_arrays, load_record, save_record
from workflow.store.images import load_images
from workflow.store.provenance import hashes

FEW = 3  # images on which two seeds and two batch sizes are compared


@dataclass(frozen=True)
class Candidate:
    """A row that is tried: its name, the run, its configuration with the row, and its folder."""

    row: str
    run: Path
    config: dict[str, Any]
    folder: Path

    @property
    def problems(self) -> list[str]:
        """Problems of the main tables of the run, each once."""
        return list(main_problems(self.config))

    def truth(self, problem: str) -> Images:
        """Test images of a problem."""
        return load_images(test_images(self.config, self.run, problem))


def prepare(file: Path, run: Path, params: dict[str, Any]) -> Candidate:
    """Add the method of ``file`` to the configuration of ``run`` (results/<name>), in a folder.

    Raises:
        PluginError: the file defines no method, or has other parameters.
        StoreError: the run is not finished.
    """
    if not (run / "run.json").exists():
        raise StoreError(f"{run}/run.json is missing: run `{command(run)}` first")
    config = load_record(run / "run.json")["config"]
    if not main_problems(config):
        raise StoreError(f"{run} has no main table (table1), beside which a card shows a method")
    named = [*config["plugins"], str(file.resolve())]
    use(named)
    if "method" not in [plugin.kind for plugin in defined_in(file)]:
        raise PluginError(f"{file} defines no subclass of Method")
    method = find("method", file.stem)
    row = file.stem if file.stem not in config["rows"] else f"{file.stem}_card"
    prior = method.cls.prior
    if prior is not None and prior not in config["priors"]:
        raise PluginError(f"{file}: the run has no prior {prior!r}")
    values = checked(params, kinds(method.cls.Params), row)
    entry = {"method": file.stem, "params": values, "params_for": {}}
    if row == file.stem:
        entry = described(entry)
    else:  # the file of a row of the run, tried again
        old = config["rows"][file.stem]
        entry = {**old, "label": f"{plain_label(old)}, again", **(entry if params else {})}
    config["rows"][row] = {**entry, "search": {}, "only_named": True}
    config["plugins"] = named
    return Candidate(row, run, config, run / "cards" / row)


def reconstruct(candidate: Candidate, cores: int) -> dict[str, list[str]]:
    """Reconstruct all test images of every problem, and a few alone with two seeds.

    What is there and was made by the same code of the same files is kept.

    Returns:
        Reasons why there is no result, each with the problems that it is of.
    """
    config, folder = candidate.config, candidate.folder
    repeated = {p: {**s, "repeats": 2} for p, s in config["problems"].items()}
    few = {**config, "batch": 1, "problems": repeated}
    table = config["tables"].get("table1", {"problems": candidate.problems[:1]})
    todo = []
    for problem in candidate.problems:
        measured = candidate.run / "measurements" / f"{problem}.npz"
        todo.append((jobs.reconstruct(config, problem, candidate.row), folder, measured))
        if problem in table["problems"]:
            path = folder / "few" / "measurements" / f"{problem}.npz"
            stored = arrays.load_measurements(measured)
            first = {name: stored[name][:FEW] for name in ("y", "ids", "folds")}
            hashed = np.array(arrays.arrays_hash(first["y"]))
            arrays.save_arrays(path, **first, shape=stored["shape"], sha256=hashed)
            todo.append((jobs.reconstruct(few, problem, candidate.row), folder / "few", path))
    failed: dict[str, list[str]] = {}
    found = gpus() if config["device"] != "cpu" else []
    with ThreadPoolExecutor(min(cores, len(found) * config["jobs_per_gpu"] or cores)) as pool:
        reasons = pool.map(lambda job: _run(candidate, *job), todo)
        for (job, *_), reason in zip(todo, reasons, strict=True):
            if reason and job.problem not in failed.setdefault(reason, []):
                failed[reason].append(job.problem)
    return failed


def _run(candidate: Candidate, job: spec.Reconstruct, folder: Path, measured: Path) -> str:
    """Reconstruct in a process of its own; return why it failed, empty if it did not."""
    out, run = folder / f"{job.problem}.npz", candidate.run
    networks = job.prior.networks if job.prior else []
    weights = [run.parent / "networks" / name / "weights.safetensors" for name in networks]
    key = {"job": job.hash, "inputs": hashes([measured, *weights])}
    done = out.with_suffix(".key.json")
    if done.exists() and load_record(done) == key:
        return ""
    done.unlink(missing_ok=True)
    record = folder / "specs" / f"{job.hash}.json"
    spec.save_spec(record, job)
    command = [sys.executable, "-m", "workflow", "reconstruct", record, out, measured, *weights]
    found = gpus() if job.device != "cpu" else []
    visible = {"CUDA_VISIBLE_DEVICES": ",".join(found)} if found else {}
    settings = {**environment(candidate.config, run), **visible, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env={**os.environ, **settings},
    )  # fmt: skip
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if not any(before.startswith("Traceback") for before in said):
            sys.stderr.write(line)
    if process.wait():
        last = "".join(said[-1:]).strip().removeprefix("error: ")
        return last or f"ended with status {process.returncode}"
    made = load_record(out.with_suffix(".json"))
    if made["status"] != "failed":
        save_record(done, key)
        return ""
    file = find("method", job.method).path
    places = re.findall(rf'File "{re.escape(str(file))}", line (\d+)', "".join(said))
    return made["reason"] + (f" ({file.name}, line {places[-1]})" if places else "")


def scores(candidate: Candidate) -> pd.DataFrame:
    """Scores of the row on all problems, as in images.csv."""
    frames = []
    for problem in candidate.problems:
        truth = candidate.truth(problem)
        settings = candidate.config["problems"][problem]
        shape, cache = truth.pixels.shape[1:], Path(candidate.config["cache"], "operators")
        built = build_problem(settings["family"], settings["params"], shape, cache)
        measured = arrays.load_measurements(candidate.run / "measurements" / f"{problem}.npz")
        frame = score(truth, measured["y"], built, *result(candidate.folder, problem))
        frames.append(frame.assign(problem=problem, method=candidate.row))
    return pd.concat(frames, ignore_index=True)


def result(folder: Path, problem: str) -> tuple[np.ndarray, dict[str, Any]]:
    """Reconstructions (n, C, H, W) and their record."""
    path = folder / f"{problem}.npz"
    return load_arrays(path)["x_hat"], load_record(path.with_suffix(".json"))


def steadiness(candidate: Candidate) -> list[dict[str, Any]]:
    """How much the first images change with the seed, and when each is a batch of its own.

    Returns:
        Per problem that was reconstructed: problem, images, psnr (mean over images, each its own
        batch), other_seed (change of that mean with another seed, dB; None if the method draws
        nothing) and batch (largest difference of a pixel to the run in batches).
    """
    lines = []
    for path in sorted((candidate.folder / "few").glob("*.npz")):
        few, record = result(path.parent, path.stem)
        all_images, _ = result(candidate.folder, path.stem)
        if record["status"] != "ok" or not len(all_images):
            continue
        count = sum(image["repeat"] == 0 for image in record["images"])
        truth = torch.from_numpy(candidate.truth(path.stem).pixels[:count])
        means = [mean_psnr(truth, part) for part in torch.from_numpy(few).split(count)]
        other_seed = means[1] - means[0] if len(means) > 1 else None
        batch = float(np.abs(few[:count] - all_images[:count]).max())
        lines.append({"problem": path.stem, "images": count, "psnr": means[0],
                      "other_seed": other_seed, "batch": batch})  # fmt: skip
    return lines
