"""Samples a row on a problem, K times per image, and judges the samples beside the truth.

The method runs in a process of its own (``draw``) that cannot open the truth. Kept are means,
standard deviations, ranks and a few samples; all K are there as long as the job runs only.
"""

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from problems.base import Problem
from problems.datasets.base import Images
from problems.noise import ImageNoise, seed_of
from workflow.config.build import build_problem
from workflow.config.machine import Machine
from workflow.config.spec import Samples
from workflow.run.controls import oracle
from workflow.run.measure import joined
from workflow.run.reconstruct import give_up as without_samples
from workflow.run.reconstruct import reconstruct
from workflow.score import calibration, tarp
from workflow.score import samples as scores
from workflow.score.psnr import mean_psnr
from workflow.score.samples import CREDIBILITIES, LEVELS, name, rank_columns
from workflow.score.scores import MEASURED
from workflow.store.arrays import (
    StoreError,
    load_arrays,
    load_measurements,
    load_record,
    save_arrays,
)
from workflow.store.files import replacing, write_text
from workflow.store.images import load_images
from workflow.store.provenance import conditions, hashes

KEPT = 2  # samples of every test image
POINTS = 8  # of TARP, for every block of an image


def sample(
    job: Samples,
    out: Path,
    test: Path,
    validation: Path,
    measurements: Path,
    *weights: Path,
    machine: Machine,
) -> None:
    """Write ``out`` (NPZ), its record (JSON) and scores/<problem>/<row>.csv of what ``draw`` made.

    ``out`` has, of n test images, ``mean``, ``std``, ``ranks`` (n, C, H, W), ``samples``
    (n, KEPT or 1, C, H, W) and the parts of a sample and of the truth that A does not see,
    ``unseen`` and ``unseen_truth`` (n, C, H, W).

    Args:
        test, validation: the truth, in the order in which ``measurements`` has them.
        weights: of the network of the prior in every fold, if the row has one.
    """
    torch.set_num_threads(machine.threads)
    threadpool_limits(machine.threads)
    measured, problem, drawn = *_measured(job, measurements, machine), _drawn(job, out)
    record, x_hat = load_record(drawn.with_suffix(".json")), load_arrays(drawn)["x_hat"]
    table = out.parents[2] / "scores" / job.problem / f"{job.row}.csv"
    names = {"problem": job.problem, "method": job.row, "status": record["status"]}
    names |= {"reason": record["reason"], **conditions(record)}
    if record["status"] == "ok":
        splits = [load_images(path) for path in (test, validation)]
        truth = joined(splits)
        if measured["ids"].tolist() != truth.ids:
            raise StoreError(f"{measurements} is of other images: delete it")
        with torch.no_grad():
            judged = Judged(problem, truth, measured["y"], x_hat, job)
            frame, arrays = judged.scores(len(splits[0].ids)), judged.kept(len(splits[0].ids))
        frame = frame.join(_costs(record).set_index("id"), on="image")
    else:
        frame, arrays = pd.DataFrame([{"image": "", "cluster": ""}]), {"mean": x_hat}
    write_text(table, frame.assign(**names).to_csv(index=False, lineterminator="\n"))
    save_arrays(out, **arrays)
    with replacing(out.with_suffix(".json")) as partial:
        partial.write_bytes(drawn.with_suffix(".json").read_bytes())
    drawn.unlink()
    drawn.with_suffix(".json").unlink()


def draw(
    job: Samples,
    out: Path,
    test: Path,
    validation: Path,
    measurements: Path,
    *weights: Path,
    machine: Machine,
) -> None:
    """Draw the samples that ``sample`` judges, all K of every image; it removes them.

    Raises:
        ValueError: the problem has no noise.
    """
    _, problem = _measured(job, measurements, machine)
    if not problem.noise_level:
        raise ValueError(
            f"{job.problem}: without noise the posterior has no density: give its params a "
            "noise_level, or remove `samples`"
        )
    drawn = _drawn(job, out)
    if not _finished(job, drawn, [measurements, *weights]):
        reconstruct(job, drawn, measurements, *weights, machine=machine)


def give_up(job: Samples, out: Path, reason: str) -> None:
    """Say why there are no samples."""
    without_samples(job, _drawn(job, out), reason)


def _drawn(job: Samples, out: Path) -> Path:
    return out.with_name(f".{job.row}.samples.npz")


def _finished(job: Samples, drawn: Path, inputs: list[Path]) -> bool:
    """Whether an attempt that ended while it judged has left the samples."""
    path = drawn.with_suffix(".json")
    if not (drawn.exists() and path.exists()):
        return False
    record = load_record(path)
    same = record["spec"] == job.record and record["status"] != "failed"
    return same and record["made_with"]["inputs"] == hashes(inputs)


def _measured(
    job: Samples, measurements: Path, machine: Machine
) -> tuple[dict[str, np.ndarray], Problem]:
    measured = load_measurements(measurements)
    shape = tuple(measured["shape"].tolist())
    return measured, build_problem(job.family, job.problem_params, shape, machine.operators)


def _costs(record: dict[str, Any]) -> pd.DataFrame:
    """Cost of one sample of every image; the peak of memory is the largest."""
    costs = pd.DataFrame(record["images"]).groupby("id", as_index=False)[list(MEASURED)]
    return costs.mean().assign(peak_memory_mb=costs.max()["peak_memory_mb"])


class Judged:
    """Samples beside the truth.

    Args:
        problem: in single precision, on the CPU.
        truth: test images, and after them the validation images.
        y: their measurements.
        x_hat: (K n, C, H, W), one repetition after the other.
        job: names of seeds.
    """

    def __init__(
        self, problem: Problem, truth: Images, y: np.ndarray, x_hat: np.ndarray, job: Samples
    ):
        self.problem, self.truth, self.y = problem, truth, y
        self.samples = x_hat.reshape(-1, len(truth.ids), *x_hat.shape[1:])
        self.count = len(self.samples)
        self.random = np.random.default_rng(seed_of(job.seed, "ranks", job.problem, job.row))
        moments = scores.moments(self.samples)
        self.mean, self.std = (part.astype(np.float32) for part in moments)
        self.ranks = scores.ranks(self.samples, truth.pixels, self.random)

    def scores(self, test: int) -> pd.DataFrame:
        """One line per test image; point estimators have the scores of one image only."""
        numbers = numbers_of(self.problem, self.y.shape[1:])
        smooth, smooth_truth = map(scores.low_pass, (self.samples, self.truth.pixels))
        lines = []
        for i in range(test):
            x, truth = self.samples[:, i], self.truth.pixels[i]
            line = {
                "image": self.truth.ids[i],
                "cluster": self.truth.clusters[i],
                "fold": self.truth.folds[i],
                "samples": self.count,
                "psnr_sample": _psnr(x, truth),
                "residual_chi2": scores.residual_chi2(
                    self._residuals(i), numbers, self.problem.noise_level
                ),
                "crps": scores.crps(x, truth),
            }
            if self.count > 1:
                shares = scores.histogram(self.ranks[i], self.count)
                line |= {
                    "psnr_mean": _psnr(self.mean[i : i + 1], truth),
                    "spread_skill": scores.spread_skill(x, truth),
                    **{name("coverage", q): scores.coverage(x, truth, q) for q in LEVELS},
                    **{
                        name("low_pass", q): scores.coverage(smooth[:, i], smooth_truth[i], q)
                        for q in LEVELS
                    },
                    **self._of_others(i, test),
                    **dict(zip(rank_columns(self.count), shares, strict=True)),
                }
            lines.append(line)
        return pd.DataFrame(lines)

    def _residuals(self, i: int) -> np.ndarray:
        """A x - y of the samples of an image, (K, ...)."""
        y = torch.from_numpy(self.y[i : i + 1])
        return (self.problem.physics.A(torch.from_numpy(self.samples[:, i])) - y).numpy()

    def _of_others(self, i: int, test: int) -> dict[str, float]:
        """Scores that need validation images: those of the fold of a test image.

        They are of other patients or persons than its truth; those of other folds need not be.
        """
        folds = self.truth.folds
        others = [k for k in range(test, len(folds)) if folds[k] == folds[i]]
        truth = self.truth.pixels
        factor = calibration.scale(np.abs(self.mean[others] - truth[others]), self.std[others])
        points = tarp.blocks(truth[self.random.choice(others, POINTS)])
        found = tarp.ranks(
            tarp.blocks(self.samples[:, i]), tarp.blocks(truth[i]), points, self.random
        )
        curve = {c: tarp.expected_coverage(found, self.count, c) for c in CREDIBILITIES}
        return {
            "bar_scale": factor,
            "bar_coverage": calibration.coverage(
                np.abs(self.mean[i] - truth[i]), self.std[i], factor
            ),
            **{name("tarp", c): share for c, share in curve.items()},
        }

    def kept(self, test: int) -> dict[str, np.ndarray]:
        """What is stored of the test images."""
        few = np.moveaxis(self.samples[:KEPT, :test], 0, 1)
        both = np.concatenate([few[:, 0], self.truth.pixels[:test]])
        hidden = unseen(self.problem, both)
        return {
            "mean": self.mean[:test],
            "std": self.std[:test],
            "ranks": self.ranks[:test],
            "samples": few,
            "unseen": hidden[:test],
            "unseen_truth": hidden[test:],
        }


def _psnr(x: np.ndarray, truth: np.ndarray) -> float:
    """Mean PSNR of images (n, C, H, W) beside one truth (C, H, W)."""
    return mean_psnr(torch.from_numpy(truth)[None], torch.from_numpy(np.ascontiguousarray(x)))


def numbers_of(problem: Problem, shape: tuple[int, ...]) -> int:
    """How many numbers of a measurement noise reaches: pixels that are not known have none."""
    nothing = torch.zeros(1, *problem.shape)
    measured = problem.measure(nothing, ImageNoise([seed_of("where noise is")]))
    return int((measured != 0).sum())


def unseen(problem: Problem, x: np.ndarray) -> np.ndarray:
    """x - A^+ A x, the part of images (n, C, H, W) of which the measurement says nothing."""
    images = torch.from_numpy(np.ascontiguousarray(x))
    own = deepcopy(problem)  # ``oracle`` makes it one of double precision
    return (images - oracle(own, images, torch.zeros_like(images))).numpy()
