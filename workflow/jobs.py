"""What each rule of the DAG runs. Every job reads files, writes files whole, and nothing else."""

import hashlib
import json
import shutil
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from problems.datasets.base import DataError
from workflow.config import (
    axes_of,
    operator_of,
    params_of,
    plain_label,
    prior_of,
    searches,
    trials_of,
)
from workflow.params import make_params
from workflow.plugins import load
from workflow.provenance import made_with
from workflow.store import (
    arrays_hash,
    file_hash,
    load_arrays,
    load_images,
    save_arrays,
    save_images,
    save_record,
)


def prepare(config: dict[str, Any], dataset: str, split: str, out: Path) -> None:
    """Write the images of one split of a dataset.

    Raises:
        DataError: a test patient is a training or validation patient too.
    """
    settings = config["datasets"][dataset]
    source = load("dataset", settings["source"])
    params = make_params(source.Params, settings["params"], f"datasets.{dataset}")
    images = source(params, Path(config["cache"]) / "downloads")
    loaded = images.load(split, tuple(settings["size"]), settings[split])
    if split == "test":
        others = {raw.cluster for s in ("train", "validation") for raw in images.images(s)}
        shared = others & set(loaded.clusters)
        if shared:
            raise DataError(
                f"{dataset}: {min(shared)} is a test patient and a training or validation patient; "
                "keep it in one split"
            )
    save_images(out, loaded)


def measure(config: dict[str, Any], problem: str, images: Path, out: Path) -> None:
    """Measure all images of a split once, for every method to see the same data."""
    import torch

    from problems.noise import ImageNoise, seed_of
    from workflow.harness import build_problem

    truth = load_images(images)
    built = build_problem(config, problem, truth.pixels.shape[1:])
    seeds = [seed_of(config["seed"], "measure", problem, id_) for id_ in truth.ids]
    y = built.measure(torch.from_numpy(truth.pixels), ImageNoise(seeds)).numpy()
    save_arrays(
        out,
        y=y,
        ids=np.array(truth.ids),
        shape=np.array(truth.pixels.shape[1:]),
        sha256=np.array(arrays_hash(y)),
    )


def load_measurements(path: Path) -> dict[str, np.ndarray]:
    """Read what ``measure`` wrote, checked against its hash."""
    from workflow.store import StoreError

    stored = load_arrays(path)
    if arrays_hash(stored["y"]) != str(stored["sha256"]):
        raise StoreError(f"{path} is damaged (wrong hash): delete it and run snakemake")
    return stored


def reconstruct(
    config: dict[str, Any],
    problem: str,
    row: str,
    measurements: Path,
    weights: Path | None,
    out: Path,
    code: str,
) -> None:
    """Reconstruct the measured images with one row; write ``out`` (NPZ) and its record (JSON)."""
    from workflow import harness
    from workflow.device import setup

    device, precision = setup(config)
    measured = load_measurements(measurements)
    shape = tuple(measured["shape"].tolist())
    built = harness.build_problem(config, problem, shape).to(device)
    try:
        method = harness.build_method(config, row, problem)
    except Exception as error:
        traceback.print_exc()
        return give_up(config, problem, row, out, harness.reason_of(error))
    prior = prior_for(config, row, weights, shape, device, precision)
    settings = config["rows"][row], params_of(config["rows"][row], problem), config["batch"]
    key = [
        *(config["seed"], problem, settings, operator_of(config, problem), code),
        prior_of(config, row),
        *(str(precision), device.type),
        *(str(measured["sha256"]), file_hash(weights) if weights else ""),
    ]
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    out = Path(out)
    parts = out.with_name(f".{out.stem}.{name}")
    for stale in set(out.parent.glob(f".{out.stem}.*")) - {parts}:
        shutil.rmtree(stale, ignore_errors=True)
    ids = measured["ids"].tolist()
    x_hat, record = harness.reconstruct(
        method,
        built,
        prior,
        measured,
        harness.seeds_for(config, problem, row, ids),
        config["batch"],
        device,
        parts,
        f"{row} on {problem}",
    )
    where = {"device": device.type, "precision": str(precision).removeprefix("torch.")}
    inputs = [measurements, weights] if weights else [measurements]
    record["made_with"] = made_with(code, inputs)
    _save(config, problem, row, out, x_hat, {**record, **where})


def give_up(config: dict[str, Any], problem: str, row: str, out: Path, reason: str) -> None:
    """Write a failed reconstruction, of no image, and its reason."""
    record = {"status": "failed", "reason": reason, "images": []}
    _save(config, problem, row, out, np.zeros(0, dtype=np.float32), record)


def _save(config, problem, row, out, x_hat, record) -> None:
    names = {"problem": problem, "method": row, "seed": config["seed"], "batch": config["batch"]}
    save_arrays(Path(out), x_hat=x_hat)
    hashed = {"x_hat_sha256": arrays_hash(x_hat)}
    save_record(Path(out).with_suffix(".json"), {**record, **names, **hashed})


def controls(config: dict[str, Any], problem: str, images: Path, train: Path, out: Path) -> None:
    """Write the controls of a problem, in place of reconstructions, into the folder ``out``."""
    import torch

    from workflow.controls import CONTROLS
    from workflow.harness import build_problem

    truth, training = load_images(images), load_images(train)
    for name, control in CONTROLS.items():
        built = build_problem(config, problem, truth.pixels.shape[1:])
        with torch.no_grad():
            x_hat = control(
                built, torch.from_numpy(truth.pixels), torch.from_numpy(training.pixels)
            )
        path = Path(out) / f"{name}.npz"
        save_arrays(path, x_hat=x_hat.clamp(0, 1).numpy())
        record = {"status": "ok", "reason": "", "images": [{"id": id_} for id_ in truth.ids]}
        save_record(path.with_suffix(".json"), {**record, "problem": problem, "method": name})


def tune(
    config: dict[str, Any], problem: str, row: str, images: Path, weights: Path | None, out: Path
) -> None:
    """Search a row's parameters on validation images (``workflow.search``); log every trial.

    Trials share measurements and random numbers. A trial takes one image after the other and ends
    early when its mean PSNR is ``tuning.margin`` below that of the best trial on the same images.
    """
    import pandas as pd
    import torch

    from problems.datasets.base import evenly_spaced
    from problems.noise import ImageNoise, seed_of
    from workflow import harness
    from workflow.device import setup
    from workflow.files import write_text
    from workflow.progress import ProgressLine
    from workflow.scoring import mean_psnr
    from workflow.search import search

    device, precision = setup(config)
    images = load_images(images)
    chosen = evenly_spaced(list(range(len(images.ids))), config["tuning"]["images"])
    truth, ids = torch.from_numpy(images.pixels[chosen]), [images.ids[i] for i in chosen]
    shape = tuple(truth.shape[1:])
    built = harness.build_problem(config, problem, shape).to(device)
    prior = prior_for(config, row, weights, shape, device, precision)
    seeds = [seed_of(config["seed"], "measure", problem, id_) for id_ in ids]
    y = built.measure(truth.to(device), ImageNoise(seeds, device))
    axes, trials = axes_of(config, row), trials_of(config, row)
    line = ProgressLine(f"tune {row} on {problem}", trials, "trials", interval=0)
    results: list[dict[str, Any]] = []
    best: list[float] = []  # PSNR of the images by the best trial

    def evaluate(point):
        nonlocal best
        scores, seconds, note = [], 0.0, ""
        try:
            method = harness.build_method(config, row, problem, point)
            for i, id_ in enumerate(ids):
                noise = ImageNoise([seed_of(config["seed"], "tune", problem, row, id_)], device)
                bound = prior.bind(noise) if prior else None
                x_hat, time = harness.timed(method, y[i : i + 1], built, bound, noise, _silent)
                scores.append(mean_psnr(truth[i : i + 1], x_hat.clamp(0, 1).cpu()))
                seconds += time
                if not np.mean(scores) > np.mean(best[: i + 1] or -np.inf) - margin:
                    break
        except ValueError as error:  # values that do not go together
            note = f": {error}"
        complete = len(scores) == len(ids) and np.isfinite(scores).all()
        psnr = float(np.mean(scores)) if scores else float("nan")
        if complete and (not best or psnr > np.mean(best)):
            best = scores
        cost = seconds / max(len(scores), 1)
        results.append({**point, "psnr": psnr, "images": len(scores), "seconds_per_image": cost})
        line.update(len(results), f"{point} {psnr:.2f} dB on {len(scores)} images{note}")
        return psnr if complete else float("nan")

    margin = config["tuning"]["margin"]
    if not harness.build_method(config, row, problem).skip(built):
        search(axes, trials, evaluate)
    columns = [*axes, "psnr", "images", "seconds_per_image"]
    frame = pd.DataFrame(results, columns=columns)
    frame = frame.assign(trial=range(1, len(frame) + 1))
    ranked = frame.sort_values(["images", "psnr"], ascending=False)
    write_text(out, ranked.to_csv(index=False))


def _silent(done: int, total: int) -> None:
    """No progress of single trials."""


def tuned(config: dict[str, Any], folder: Path, out: Path) -> None:
    """Write the best trial of every search as a configuration to lay over the preset.

    A search whose trials are not in ``folder`` is left out. What was found on test images becomes
    rows of their own, which are marked as oracles.
    """
    import pandas as pd
    import yaml

    from workflow.files import write_text
    from workflow.search import at_edge

    rows: dict[str, Any] = {}
    oracle = config["tuning"]["split"] == "test"
    for problem, row in searches(config):
        path = Path(folder) / problem / f"{row}.csv"
        if not path.exists():
            continue
        trials = pd.read_csv(path)
        axes = axes_of(config, row)
        points = trials[[*axes]].to_dict("records")
        for best in points[: int(trials["psnr"].notna().any())]:
            chosen = {n: int(v) if axes[n].whole else float(v) for n, v in best.items()}
            if oracle:
                label = f"{plain_label(config['rows'][row])}, oracle (tuned on the test images)"
                new = rows.setdefault(f"{row}_oracle", {"like": row, "only_named": True})
                new.update(label=label, params_for={**new.get("params_for", {}), problem: chosen})
            else:
                new = rows.setdefault(row, {"params_for": {}})
                new["params_for"][problem] = chosen
                if edges := at_edge(axes, points, best):
                    new.setdefault("at_edge", {})[problem] = edges
    split = config["tuning"]["split"]
    head = f"# Written by `snakemake tune`: the best trials on {split} images."
    text = yaml.safe_dump({"rows": rows}, default_flow_style=None, sort_keys=False, width=100)
    write_text(out, f"{head}\n{text}")


def prior_for(config, row, weights, shape, device, precision):
    """The prior of a row over the weights at ``weights``, or None."""
    from workflow.weights import load_prior

    prior = prior_of(config, row)
    if prior is None:
        return None
    if weights is None:
        raise ValueError(f"{row} needs a trained prior: name its weights with --weights")
    return load_prior(weights, prior["assembly"], shape, device, precision, prior["overlap"])
