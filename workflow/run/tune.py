"""Searches a row's parameters on validation images."""

import json
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pandas as pd
import torch

from problems.datasets.base import evenly_spaced
from problems.noise import ImageNoise, seed_of
from workflow.config.build import build_method, build_problem
from workflow.config.machine import Machine
from workflow.config.spec import Tune
from workflow.plugins.contained import reason_of
from workflow.plugins.discovery import load
from workflow.plugins.params import PluginError
from workflow.run import harness
from workflow.run.device import setup
from workflow.run.measure import load_both
from workflow.run.progress import ProgressLine
from workflow.run.reconstruct import priors_for
from workflow.run.search import Axis, at_edge, on_axes, parameters, search
from workflow.score.psnr import mean_psnr
from workflow.store.arrays import load_record, save_record
from workflow.store.files import write_text


def tune(
    job: Tune, out: Path, images: Path, measured: Path, *weights: Path, machine: Machine
) -> None:
    """Search a row's parameters (``workflow.run.search``); write a line per trial, the best first.

    The images are spread over the folds; each is reconstructed with the network of its fold.

    Trials share measurements and random numbers. A trial ends early when its mean PSNR is
    ``job.margin`` below that of the best trial on the same images; what it lacks there is what the
    optimiser is told. Trials of a killed attempt are not repeated.
    """
    device, precision = setup(job, machine.threads)
    loaded, finer = load_both(images, measured)
    chosen = spread(loaded.folds, job.images)
    truth, ids = torch.from_numpy(loaded.pixels[chosen]), [loaded.ids[i] for i in chosen]
    folds = [loaded.folds[i] for i in chosen]
    shape = tuple(truth.shape[1:])
    problem = build_problem(job.family, job.problem_params, shape, machine.operators).to(device)
    priors = priors_for(job, weights, shape, device, precision)
    seeds = [seed_of(job.seed, "measure", job.problem, id_) for id_ in ids]
    seen = torch.from_numpy(finer.pixels[chosen]).to(device)
    y = problem.measure(seen, ImageNoise(seeds, device))
    label = f"tune {job.row} on {job.problem}"
    line = ProgressLine(label, job.trials, "trials", interval=0)
    results: list[dict[str, Any]] = []
    best: list[float] = []  # PSNR of every image by the best trial
    attempt = out.with_name(f".{out.stem}.{job.hash}.json")
    earlier = load_record(attempt) if attempt.exists() else {}

    def reconstruct(method, i):
        """PSNR of one image and the seconds that it took."""
        noise = ImageNoise([seed_of(job.seed, "tune", job.problem, job.row, ids[i])], device)
        bound = priors[folds[i] - 1].bind(noise) if priors else None
        x_hat, seconds = harness.timed(
            method, y[i : i + 1], problem, bound, noise, lambda done, total: None
        )
        return mean_psnr(truth[i : i + 1], x_hat.clamp(0, 1).cpu()), seconds

    def trial(point):
        """PSNR of the images until it is hopeless, total seconds, and the reason of a failure."""
        scores, seconds = [], 0.0
        try:
            method = build_method(job.method, {**job.params, **point})
            for i in range(len(ids)):
                score, spent = reconstruct(method, i)
                if np.isnan(score):
                    raise ValueError("the result is not finite")
                scores.append(score)
                seconds += spent
                hopeful = np.mean(scores) > np.mean(best[: i + 1] or -np.inf) - job.margin
                if not hopeful:
                    break
        except Exception as error:  # such as values that do not go together
            return scores, seconds, f": {reason_of(error)}"
        return scores, seconds, ""

    def evaluate(point):
        """Mean PSNR at parameter values, estimated if the trial is hopeless, NaN if it failed."""
        nonlocal best
        key = json.dumps(point)
        if key not in earlier:
            earlier[key] = trial(point)
            save_record(attempt, earlier)
        scores, seconds, note = earlier[key]
        psnr = float(np.mean(scores)) if scores else float("nan")
        cost = seconds / max(len(scores), 1)
        results.append({**point, "psnr": psnr, "images": len(scores), "seconds_per_image": cost})
        line.update(len(results), f"{point} {psnr:.2f} dB on {len(scores)} images{note}")
        if note:
            return float("nan")
        if len(scores) < len(ids):
            return psnr + float(np.mean(best) - np.mean(best[: len(scores)]))
        if not best or psnr > np.mean(best):
            best = scores
        return psnr

    kinds = get_type_hints(load("method", job.method).Params)
    axes = {name: Axis(*axis, whole=kinds[name] is int) for name, axis in job.search.items()}
    first = parameters(on_axes(next(iter(job.starts), {}), axes), axes)
    if not build_method(job.method, {**job.params, **first}).skip(problem):
        search(axes, job.trials, evaluate, job.starts, job.seed)
    frame = pd.DataFrame(results, columns=[*axes, "psnr", "images", "seconds_per_image"])
    frame = frame.assign(trial=range(1, len(frame) + 1))
    ranked = frame.sort_values(["images", "psnr"], ascending=False)
    points = ranked[[*axes]].to_dict("records")
    ranked["at_edge"] = " ".join(at_edge(axes, points, points[0])) if points else ""
    write_text(out, ranked.to_csv(index=False))
    attempt.unlink(missing_ok=True)


def give_up(job: Tune, out: Path, reason: str) -> None:
    """End a search whose method ended its process; its trials are kept for the next run.

    Raises:
        PluginError: always, with the reason.
    """
    raise PluginError(f"the search of {job.row} on {job.problem}: {reason}")


def spread(folds: list[int], count: int) -> list[int]:
    """Numbers of ``count`` images, evenly spaced in every fold, the first folds having more.

    Where a fold has one, folds that share their validation patient have others of the images.
    """
    numbers, found = sorted(set(folds)), []
    for k, fold in enumerate(numbers):
        own = [i for i, other in enumerate(folds) if other == fold]
        share = count // len(numbers) + (k < count % len(numbers))
        alone = own[(2 * k + 1) * len(own) // (2 * len(numbers))]
        found += [alone] if share == 1 else evenly_spaced(own, share) if share else []
    return found
