"""Runs one method on one problem: batches, random numbers, cost counting, failures as records."""

import inspect
import resource
import sys
import time
import traceback
from dataclasses import asdict
from itertools import accumulate, groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from methods.base import Method, Progress
from methods.priors.base import Prior
from problems.base import Problem
from workflow.plugins.contained import reason_of, restored
from workflow.plugins.watch import WatchedNoise, check_result, probed, seeded
from workflow.run.progress import ProgressLine
from workflow.score.scores import CALLS, MEASURED
from workflow.store.arrays import StoreError, load_arrays, save_arrays


class Counter:
    """Counts calls per image of a batch, whatever share of the batch a call holds."""

    def __init__(self):
        self.counts = dict.fromkeys(CALLS, 0)
        self.earlier = 0  # denoiser calls of finished batches

    def start_batch(self) -> None:
        """Count from zero."""
        self.earlier += self.counts["denoiser_calls"]
        self.counts = dict.fromkeys(CALLS, 0)

    def watch_physics(self, physics: torch.nn.Module) -> None:
        """Count A, A^T (also as backward of A) and A^+ of this instance."""
        forward, adjoint, dagger = physics.A, physics.A_adjoint, physics.A_dagger

        def counted(name, function):
            def call(x, *args, **kwargs):
                self.counts[name] += len(x)
                return function(x, *args, **kwargs)

            return call

        def counted_forward(x, *args, **kwargs):
            self.counts["forward_calls"] += len(x)
            y = forward(x, *args, **kwargs)
            if y.requires_grad:
                y.register_hook(lambda g: self._add("adjoint_calls", g))
            return y

        physics.A = counted_forward
        physics.A_adjoint = counted("adjoint_calls", adjoint)
        physics.A_dagger = counted("dagger_calls", dagger)

    def watch_prior(self, prior: Prior) -> Prior:
        """Return a view of ``prior`` whose evaluations and Jacobian products are counted."""
        return _CountedPrior(prior, self)

    def _add(self, name: str, x: torch.Tensor) -> None:
        self.counts[name] += len(x)


class _CountedPrior:
    """A prior that reports its evaluations; everything else is the prior's own."""

    def __init__(self, prior: Prior, counter: Counter):
        self._prior, self._counter = prior, counter

    def __getattr__(self, name):
        return getattr(self._prior, name)

    def bind(self, noise):
        return _CountedPrior(self._prior.bind(noise), self._counter)

    def denoise(self, x, sigma):
        d = self._prior.denoise(x, sigma)
        self._counter._add("denoiser_calls", x)
        if d.requires_grad:
            d.register_hook(lambda g: self._counter._add("jacobian_calls", g))
        return d


def reconstruct(
    method: Method,
    problem: Problem,
    priors: list[Prior],
    measurements: dict[str, np.ndarray],
    seeds: list[list[int]],
    batch: int,
    device: torch.device,
    parts: Path,
    label: str,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Reconstruct all images, resuming at the first batch that ``parts`` does not hold yet.

    An exception of the method, a NaN or a wrong shape becomes the record's status "failed".

    Args:
        priors: of every fold; empty if the method has none.
        measurements: arrays ``y`` (n, ...), ``ids`` (n,) and ``folds`` (n,), numbered from 1.
        seeds: one per image, once per repetition. A method that draws nothing runs once.
        batch: images at a time; always the same images, of one fold, share a batch.
        parts: folder for finished batches, owned by exactly these arguments; to be removed when
            the result is saved.
        label: names the job in progress lines.

    Returns:
        x_hat (n, C, H, W) clipped to [0, 1], one repetition after the other, n = 0 unless the
        status is "ok", and a record with ``status``, ``reason``, ``ran``, ``params`` and, per
        image, ``id``, ``repeat`` and cost.
    """
    ids = measurements["ids"].tolist()
    record: dict[str, Any] = {"status": "ok", "reason": "", "ran": ran(method)}
    record["params"] = asdict(method.params)
    empty = np.zeros((0, *problem.shape), dtype=np.float32)

    def without(status: str, reason: str) -> tuple[np.ndarray, dict[str, Any]]:
        return empty, {**record, "status": status, "reason": reason, "images": []}

    def failed(error: BaseException) -> tuple[np.ndarray, dict[str, Any]]:
        traceback.print_exc()
        return without("failed", reason_of(error, inspect.getfile(type(method))))

    try:
        reason = method.skip(problem)
    except BaseException as error:
        return failed(error)
    if reason:
        return without("skipped", reason)
    counter, operator = Counter(), probed(problem, device)
    counter.watch_physics(problem.physics)
    slices = batches_of(measurements["folds"].tolist(), batch)
    batches = [(r, images) for r in range(len(seeds)) for images in slices]
    results: list[dict[str, Any]] = []
    line = None
    for repeat, images in batches:
        if repeat and not any(result["drawn"] for result in results):
            break
        before = repeat * len(ids) + images.start
        part = Path(parts) / f"{before:05d}.npz"
        if part.exists():
            try:
                results.append(load_arrays(part))
                continue
            except StoreError:
                part.unlink()
        y = torch.from_numpy(measurements["y"][images]).to(device)
        noise = WatchedNoise(seeds[repeat][images], device)
        prior = priors[measurements["folds"][images.start] - 1] if priors else None
        line = line or ProgressLine(label, len(ids), "images", before)
        line.total = len(ids) * (len(seeds) if any(r["drawn"] for r in results) else 1)
        progress = _progress(line, before, len(y), counter)
        counter.start_batch()
        bound = counter.watch_prior(prior.bind(noise)) if prior else None
        try:
            with seeded(seeds[repeat][images.start]) as drawn:
                given = y.clone()
                x_hat, seconds = timed(method, given, problem, bound, noise, progress)
                random = noise.drawn or drawn()
            counts = dict(counter.counts)
            check_result(x_hat, (len(y), *problem.shape), device)
            if not torch.equal(given, y):
                raise ValueError("y was changed in place: work on y.clone()")
            if not torch.allclose(probed(problem, device), operator, rtol=1e-4):
                raise ValueError("problem.physics was changed: work on a copy.deepcopy of it")
        except BaseException as error:  # not Ctrl-C: this process is in a group of its own
            return failed(error)
        results.append(
            {
                "x_hat": x_hat.clamp(0, 1).cpu().numpy(),
                "drawn": np.bool_(random),
                "seconds": np.float64(seconds / len(y)),
                "peak_memory_mb": np.float64(_peak_memory(device)),
                **{k: np.float64(v / len(y)) for k, v in counts.items()},
            }
        )
        save_arrays(part, **results[-1])
    record["images"] = [
        {"id": id_, "repeat": repeat, **{k: float(part[k]) for k in MEASURED}}
        for (repeat, images), part in zip(batches, results, strict=False)
        for id_ in ids[images]
    ]
    return np.concatenate([part["x_hat"] for part in results]), record


def ran(method: Method) -> str:
    """Where a method starts and its noise levels, for tables: "from noise, 40 to 0.002"."""
    params = asdict(method.params)
    start = params.get("start", method.starts_at)
    parts = [f"from {start}"] if start else []
    if {"sigma_max", "sigma_min"} <= set(params):
        parts.append(f"{params['sigma_max']:g} to {params['sigma_min']:g}")
    elif method.prior == "gaussian" and "sigma" in params:  # the level that its network removes
        parts.append(f"{params['sigma']:g}")
    return ", ".join(parts)


def batches_of(folds: list[int], batch: int) -> list[slice]:
    """At most ``batch`` images at a time, none of two folds; ``folds`` rise."""
    ends = [0, *accumulate(len(list(same)) for _, same in groupby(folds))]
    return [
        slice(first, min(first + batch, end))
        for start, end in pairwise(ends)
        for first in range(start, end, batch)
    ]


def _progress(line: ProgressLine, before: int, size: int, counter: Counter) -> Progress:
    """What a method calls after each iteration on a batch of ``size`` images."""

    def progress(done: int, total: int) -> None:
        evaluations = counter.earlier + counter.counts["denoiser_calls"]
        line.update(before + size * done / total, calls=evaluations)

    return progress


def timed(method, y, problem, prior, noise, progress) -> tuple[torch.Tensor, float]:
    """Run a method on one batch; return its result and the seconds that it took."""
    if y.device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    with restored(), torch.inference_mode(not method.jacobian), torch.set_grad_enabled(False):
        x_hat = method.reconstruct(y, problem, prior, noise, progress)
    if y.device.type == "cuda":
        torch.cuda.synchronize()
    return x_hat, time.perf_counter() - start


def _peak_memory(device: torch.device) -> float:
    """Peak of the GPU's allocations, or of the process's resident memory, in MB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kB on Linux, bytes on macOS
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
