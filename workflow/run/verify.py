"""Recomputes images of a table, chosen at random, and compares them with what is stored."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from problems.noise import ImageNoise
from workflow.config.build import build_method, build_problem
from workflow.config.resolve import CONTROLS, labels_of, load, network_for
from workflow.run import harness, jobs
from workflow.run.device import setup
from workflow.score.scores import read_scores
from workflow.score.summary import summarise
from workflow.store.arrays import (
    StoreError,
    load_arrays,
    load_images,
    load_measurements,
    load_record,
)

TOLERANCE = 0.05  # dB; another processor rounds differently


def verify(table: Path, count: int, seed: int) -> list[str]:
    """Recompute ``count`` images of a table (results/<name>/tables/<table>.csv).

    Each is reconstructed with the others of its batch, from the stored measurements and weights,
    and scored; its PSNR must be the stored one, and the means of the table those of the scores.

    Returns:
        One line per image that was checked.

    Raises:
        StoreError: a number differs by more than 0.05 dB, or the table cannot be verified.
    """
    table = Path(table).resolve()
    run, name = table.parents[1], table.stem
    config = load(run / "config.json")
    if name not in config["tables"] or table.suffix != ".csv":
        known = ", ".join(f"{run}/tables/{n}.csv" for n in config["tables"])
        raise StoreError(f"{table} is not a table of reconstructions; these are: {known}")
    settings = config["tables"][name]
    scores = pd.concat(
        read_scores(run / "scores" / name / f"{problem}.csv") for problem in settings["problems"]
    )
    _check_means(pd.read_csv(table), scores, config, settings)
    done = scores[(scores["status"] == "ok") & ~scores["method"].isin(list(CONTROLS))]
    chosen = done.sample(min(count, len(done)), random_state=seed)
    return [_check(config, run, line) for line in chosen.to_dict("records")]


def _check_means(
    table: pd.DataFrame, scores: pd.DataFrame, config: dict[str, Any], settings: dict[str, Any]
) -> None:
    problems = dict.fromkeys(settings["problems"], "")
    rows = labels_of(config, [*settings["rows"], *settings["controls"]])
    nothing = pd.DataFrame(columns=["problem", "method", "variant", "psnr", "ssim"])
    again = summarise(scores, problems, rows, nothing).set_index(["problem", "method"])
    stored = table.set_index(["problem", "method"]).reindex(again.index)
    for score in ("psnr", "ssim"):
        if not np.allclose(again[score], stored[score], rtol=1e-6, equal_nan=True):
            raise StoreError(f"the means of {score} are not those of the scores: run snakemake")


def _check(config: dict[str, Any], run: Path, line: dict[str, Any]) -> str:
    problem, row, image = line["problem"], line["method"], line["image"]
    label = f"{row} on {problem}, {image}, seed {line['seed']}"
    device, precision = setup(config)
    measured = load_measurements(run / "measurements" / f"{problem}.npz")
    ids, shape = measured["ids"].tolist(), tuple(measured["shape"].tolist())
    built = build_problem(config, problem, shape).to(device)
    needed = network_for(config, problem, row)
    weights = run / "networks" / "/".join(needed) / "weights.safetensors" if needed else None
    prior = jobs.prior_for(config, row, weights, shape, device, precision)
    size = load_record(run / "reconstructions" / problem / f"{row}.json")["batch"]
    start = ids.index(image) // size * size
    batch = slice(start, start + size)
    seeds = harness.seeds_for(config, problem, row, ids)[line["seed"]][batch]
    noise = ImageNoise(seeds, device)
    y = torch.from_numpy(measured["y"][batch]).to(device)
    method = build_method(config, row, problem)
    bound = prior.bind(noise) if prior else None
    found, _ = harness.timed(method, y, built, bound, noise, lambda done, total: None)
    x_hat = found[ids.index(image) - start].clamp(0, 1).cpu().numpy()
    stored = load_arrays(run / "reconstructions" / problem / f"{row}.npz")["x_hat"]
    largest = float(np.abs(x_hat - stored[line["seed"] * len(ids) + ids.index(image)]).max())
    dataset = config["problems"][problem]["dataset"]
    truth = load_images(run / "data" / dataset / "test.npz").pixels[ids.index(image)]
    psnr = float(-10 * np.log10(np.mean((truth - x_hat).astype(np.float64) ** 2)))
    if not abs(psnr - line["psnr"]) < TOLERANCE:
        raise StoreError(f"{label}: PSNR {psnr:.3f} dB, the scores say {line['psnr']:.3f} dB")
    same = "the same to the last bit" if largest == 0 else f"largest difference {largest:.1e}"
    return f"{label}: {psnr:.3f} dB, {same}"
