"""Samples of the priors, without a measurement."""

from pathlib import Path
from typing import Any

import numpy as np


def generate(config: dict[str, Any], prior: str, weights: Path, train: Path, out: Path) -> None:
    """Sample a prior without a measurement; ``train`` gives the shape."""
    import torch

    from methods.sampling import GenerationParams
    from methods.sampling import generate as sample
    from problems.noise import ImageNoise, seed_of
    from workflow.plugins.params import make_params
    from workflow.run.device import setup
    from workflow.run.progress import ProgressLine
    from workflow.store.arrays import load_images, save_arrays
    from workflow.store.weights import load_prior

    device, precision = setup(config)
    settings, chosen = config["generation"], config["priors"][prior]
    params = make_params(GenerationParams, settings["sampler"], "generation.sampler")
    shape = tuple(load_images(train).pixels.shape[1:])
    loaded = load_prior(weights, chosen["assembly"], shape, device, precision, chosen["overlap"])
    results = []
    for start in range(0, settings["samples"], config["batch"]):
        numbers = range(start, min(start + config["batch"], settings["samples"]))
        noise = ImageNoise([seed_of(config["seed"], "generate", prior, i) for i in numbers], device)
        line = ProgressLine(f"samples {start + 1} to {numbers[-1] + 1} of {prior}", 0, "updates")

        def progress(done: int, total: int, line: ProgressLine = line) -> None:
            line.total = total
            line.update(done)

        with torch.inference_mode():
            results.append(sample(loaded.bind(noise), noise, progress, params).cpu().numpy())
    save_arrays(out, samples=np.concatenate(results).clip(0, 1))
