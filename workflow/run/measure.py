"""Measures the images of a problem, once, for every method to see the same data."""

from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import avg_pool2d

from problems.datasets.base import Images
from problems.noise import ImageNoise, seed_of
from workflow.config.build import build_problem
from workflow.config.machine import Machine
from workflow.config.spec import Measure
from workflow.store.arrays import StoreError, save_measurements
from workflow.store.images import load_images

MEAN = 1e-4  # how exactly a pixel is the mean over the finer grid


def measure(job: Measure, out: Path, *images: Path, machine: Machine) -> None:
    """Write y = A x + noise of the images of one or several splits, one split after the other.

    Args:
        images: of each split its images, and the same on the grid on which they are measured.
    """
    both = [load_both(*pair) for pair in zip(images[::2], images[1::2], strict=True)]
    truth, finer = (joined([pair[k] for pair in both]) for k in (0, 1))
    shape = truth.pixels.shape[1:]
    problem = build_problem(job.family, job.problem_params, shape, machine.operators)
    seeds = [seed_of(job.seed, "measure", job.problem, id_) for id_ in truth.ids]
    y = problem.measure(torch.from_numpy(finer.pixels), ImageNoise(seeds)).numpy()
    save_measurements(out, y, truth)


def joined(splits: list[Images]) -> Images:
    """Images of several splits, one after the other."""
    pixels = np.concatenate([images.pixels for images in splits])
    names = zip(*(images[1:] for images in splits), strict=True)  # ids, clusters, folds of each
    return Images(pixels, *(list(chain(*parts)) for parts in names))


def load_both(images: Path, measured: Path) -> tuple[Images, Images]:
    """The images of a split, and the same ones on the grid on which they are measured.

    Raises:
        StoreError: they are not the same, or a pixel is not the mean over those of the finer grid.
    """
    truth, finer = load_images(images), load_images(measured)
    factor = finer.pixels.shape[-1] // truth.pixels.shape[-1]
    means = avg_pool2d(torch.from_numpy(finer.pixels), factor).numpy()
    if finer.ids != truth.ids or not np.allclose(means, truth.pixels, atol=MEAN):
        raise StoreError(
            f"the images of {images} are not the means over pixels of {measured}: choose sizes "
            "that divide that of the original images"
        )
    return truth, finer
