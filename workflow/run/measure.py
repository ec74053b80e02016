"""Measures the test images of a problem, once, for every method to see the same data."""

from pathlib import Path

import torch

from problems.noise import ImageNoise, seed_of
from workflow.config.build import build_problem
from workflow.config.machine import Machine
from workflow.config.spec import Measure
from workflow.store.arrays import load_images, save_measurements


def measure(job: Measure, out: Path, images: Path, machine: Machine) -> None:
    """Write y = A x + noise of all ``images``."""
    truth = load_images(images)
    shape = truth.pixels.shape[1:]
    problem = build_problem(job.family, job.problem_params, shape, machine.operators)
    seeds = [seed_of(job.seed, "measure", job.problem, id_) for id_ in truth.ids]
    y = problem.measure(torch.from_numpy(truth.pixels), ImageNoise(seeds)).numpy()
    save_measurements(out, y, truth)
