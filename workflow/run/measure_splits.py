"""Measures the test and validation images of a problem whose posterior is sampled."""

from itertools import chain
from pathlib import Path

import numpy as np
import torch

from problems.datasets.base import Images
from problems.noise import ImageNoise, seed_of
from workflow.config.build import build_problem
from workflow.config.machine import Machine
from workflow.config.spec import Measure
from workflow.run.measure import load_both
from workflow.store.arrays import save_measurements


def measure_splits(job: Measure, out: Path, *images: Path, machine: Machine) -> None:
    """Write y = A x + noise of the images of all splits, one split after the other.

    Args:
        images: of each split its images, and the same on the grid on which they are measured.

    Raises:
        ValueError: the problem has no noise.
    """
    both = [load_both(*pair) for pair in zip(images[::2], images[1::2], strict=True)]
    truth = joined([first for first, _ in both])
    seen = np.concatenate([finer.pixels for _, finer in both])
    shape = truth.pixels.shape[1:]
    problem = build_problem(job.family, job.problem_params, shape, machine.operators)
    if not problem.noise_level:
        raise ValueError(
            f"{job.problem}: without noise the posterior has no density: give its params a "
            "noise_level, or remove `samples`"
        )
    seeds = [seed_of(job.seed, "measure", job.problem, id_) for id_ in truth.ids]
    y = problem.measure(torch.from_numpy(seen), ImageNoise(seeds)).numpy()
    save_measurements(out, y, truth)


def joined(splits: list[Images]) -> Images:
    """Images of several splits, one after the other."""
    pixels = np.concatenate([images.pixels for images in splits])
    names = zip(*(images[1:] for images in splits), strict=True)  # ids, clusters, folds of each
    return Images(pixels, *(list(chain(*parts)) for parts in names))
