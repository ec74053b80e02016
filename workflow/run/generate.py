"""Samples of a prior, without a measurement."""

from pathlib import Path

import numpy as np
import torch

from methods.sampling import GenerationParams
from methods.sampling import generate as sample
from problems.noise import ImageNoise, seed_of
from workflow.config.machine import Machine
from workflow.config.spec import Generate
from workflow.plugins.params import make_params
from workflow.run.device import setup
from workflow.run.progress import ProgressLine
from workflow.store.arrays import save_arrays
from workflow.store.weights import load_prior, shape_of


def generate(job: Generate, out: Path, weights: Path, machine: Machine) -> None:
    """Write samples (n, C, H, W) in [0, 1]."""
    device, precision = setup(job, machine.threads)
    params = make_params(GenerationParams, job.sampler, "generation.sampler")
    chosen, shape = job.prior, shape_of(weights)
    prior = load_prior(weights, chosen.assembly, shape, device, precision, chosen.overlap)
    results = []
    for start in range(0, job.samples, job.batch):
        numbers = range(start, min(start + job.batch, job.samples))
        noise = ImageNoise([seed_of(job.seed, "generate", job.name, i) for i in numbers], device)
        label = f"samples {start + 1} to {numbers[-1] + 1} of {job.name}"
        line = ProgressLine(label, 0, "updates")

        def progress(done: int, total: int, line: ProgressLine = line) -> None:
            line.total = total
            line.update(done)

        with torch.inference_mode():
            results.append(sample(prior.bind(noise), noise, progress, params).cpu().numpy())
    save_arrays(out, samples=np.concatenate(results).clip(0, 1))
