"""Recomputes images of a table, chosen at random, and compares them with what is stored."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from problems.noise import ImageNoise
from workflow.config.machine import Machine
from workflow.config.spec import parse
from workflow.config.views import CONTROLS
from workflow.plugins.discovery import use
from workflow.plugins.params import nearest
from workflow.run import harness
from workflow.run.reconstruct import load, seeds_for
from workflow.score.psnr import mean_psnr
from workflow.score.scores import read_scores
from workflow.score.summary import SCORES, per_image
from workflow.store.arrays import StoreError, load_arrays, load_record
from workflow.store.images import load_images

TOLERANCE = 0.05  # dB; another processor rounds differently


def verify(table: Path, count: int, seed: int, machine: Machine) -> list[str]:
    """Recompute ``count`` images of a table (results/<name>/tables/<table>.csv).

    Each is reconstructed with the others of its batch, from the stored measurements and weights,
    and scored; its PSNR must be the stored one, and the means of the table those of the scores.

    Returns:
        One line per image that was checked.

    Raises:
        StoreError: a number differs by more than 0.05 dB, or the table cannot be verified.
    """
    table = Path(table).resolve()
    if not table.exists():
        others = [path.name for path in table.parent.glob("*.csv")]
        hint = nearest(table.name, others) if others else ": run snakemake, which makes it"
        raise StoreError(f"there is no {table}{hint}")
    run, shown = table.parents[1], pd.read_csv(table)
    if not {"problem", "method", "published_as", *SCORES} <= set(shown):
        raise StoreError(f"{table} is not a table of reconstructions: name one such as table1.csv")
    shown = shown[~shown["method"].str.contains(" - ", regex=False)]  # differences of rows
    frames = [_scored(run, line) for line in shown.to_dict("records")]
    scores = pd.concat(frames, ignore_index=True)
    done = scores[(scores["status"] == "ok") & ~scores["method"].isin(list(CONTROLS))]
    chosen = done.sample(min(count, len(done)), random_state=seed)
    return [_check(run, line, machine) for line in chosen.to_dict("records")]


def _scored(run: Path, line: dict[str, Any]) -> pd.DataFrame:
    """Scores of a row of the table, whose means must be those of the table."""
    frame = read_scores(run / "scores" / line["problem"] / f"{line['method']}.csv")
    if (frame["status"] == "ok").all():
        means = per_image(frame, list(SCORES))[list(SCORES)].mean()
        for score in SCORES:
            if not np.isclose(means[score], line[score], rtol=1e-6):
                raise StoreError(f"the means of {score} are not those of the scores: run snakemake")
    return frame


def _check(run: Path, line: dict[str, Any], machine: Machine) -> str:
    """Recompute one image; a line that says what was found."""
    problem, row, image = line["problem"], line["method"], line["image"]
    label = f"{row} on {problem}, {image}, seed {line['seed']}"
    stored = run / "reconstructions" / problem / f"{row}.npz"
    record = load_record(stored.with_suffix(".json"))
    job = parse(record["spec"])
    use(job.plugins)
    networks = job.prior.networks if job.prior and not job.prior.foreign else []
    weights = [run.parent / "networks" / name / "weights.safetensors" for name in networks]
    own = load(job, run / "measurements" / f"{problem}.npz", weights, machine)
    there = {key: record[key] for key in own.place}
    if own.place != there:
        here, there = (" in ".join(place.values()) for place in (own.place, there))
        raise StoreError(f"{label} was made on {there}, this is {here}: verify it there")
    ids, folds = own.ids, own.measured["folds"].tolist()
    number = ids.index(image)
    batch = next(b for b in harness.batches_of(folds, job.batch) if b.start <= number < b.stop)
    noise = ImageNoise(seeds_for(job, ids)[line["seed"]][batch], own.device)
    y = torch.from_numpy(own.measured["y"][batch]).to(own.device)
    bound = own.priors[folds[number] - 1].bind(noise) if own.priors else None
    found, _ = harness.timed(own.method, y, own.problem, bound, noise, lambda done, total: None)
    x_hat = found[number - batch.start].clamp(0, 1).cpu().numpy()
    kept = load_arrays(stored)["x_hat"][line["seed"] * len(ids) + number]
    largest = float(np.abs(x_hat - kept).max())
    truth = load_images(run / "data" / job.dataset / "test.npy")
    psnr = mean_psnr(torch.from_numpy(truth.pixels[number])[None], torch.from_numpy(x_hat)[None])
    if not abs(psnr - line["psnr"]) < TOLERANCE:
        raise StoreError(f"{label}: PSNR {psnr:.3f} dB, the scores say {line['psnr']:.3f} dB")
    same = "the same to the last bit" if largest == 0 else f"largest difference {largest:.1e}"
    return f"{label}: {psnr:.3f} dB, {same}"
