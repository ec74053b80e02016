"""A row of the tables in Python: its method and parameters, its problem, its trained prior.

    from workflow.api import Row, images

    image = images("ct")[0]         # a test slice, or your own array of 256 x 256 values in [0, 1]
    padis = Row("padis", "ct20")    # PaDIS on CT with 20 views; size=(200, 180) for other images
    x_hat = padis.reconstruct(padis.measure(image))

The networks of the main table of the preset ``standard`` are in the repository; those of another
preset or of a YAML file are there after a run of it.
"""

import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from deepinv.models import Reconstructor
from deepinv.physics import LinearPhysics

from problems.base import Problem
from problems.datasets.sources import fetch_missing
from problems.noise import ImageNoise, seed_of
from problems.physics.unit_norm import UnitNorm
from workflow.config.build import build_method, build_problem
from workflow.config.check import check_asked
from workflow.config.jobs import NETWORKS, Jobs
from workflow.config.machine import Machine
from workflow.config.resolve import asked, resolve
from workflow.plugins.discovery import ROOT, load, use
from workflow.run import harness
from workflow.run.device import setup
from workflow.run.prepare import folds_of
from workflow.score.metrics import psnr, ssim
from workflow.store.images import floats
from workflow.store.weights import load_foreign, load_prior, shape_of


def configuration(name: str | Path) -> dict[str, Any]:
    """The configuration that is named by a preset or a YAML file; its plugins can be found."""
    found = resolve(asked(name))
    use(found["plugins"])
    return found


def images(
    dataset: str, split: str = "test", config: str | Path = "standard", fold: int = 1
) -> np.ndarray:
    """Images of a split of a fold as a run of the configuration has them, fetched if they are not.

    Returns:
        float32 (n, C, H, W) in [0, 1].
    """
    return np.stack([pixels for _, pixels in _named(configuration(config), dataset, split, fold)])


def _named(
    config: dict[str, Any], dataset: str, split: str, fold: int
) -> list[tuple[str, np.ndarray]]:
    """Names and pixels of the images of a split."""
    settings, machine = config["datasets"][dataset], Machine(cache=ROOT / config["cache"])
    fetch_missing(load("dataset", settings["source"]).downloads, machine.downloads)
    kind = [settings[key] for key in ("source", "params", "folds")]
    source, size = folds_of(*kind, dataset, machine)[fold - 1], tuple(settings["size"])
    chosen = source.chosen(split, size, settings[split])
    pixels = floats(np.stack(list(source.read(split, size, chosen))))
    return list(zip([raw.id for raw in chosen], pixels, strict=True))


def evaluate(
    function: Callable[..., torch.Tensor],
    problem: str,
    prior_of: str = "padis",
    config: str | Path = "standard",
    threads: int = 1,
) -> pd.DataFrame:
    """Scores of a function on the measurements of a run's test images, which are drawn by name.

    Args:
        function: ``function(y, physics, denoise) -> x_hat`` for one image: its measurement, a
            deepinv ``LinearPhysics`` of norm 1, and ``denoise(x, sigma)`` of the prior. Gradients
            are off; ``torch.enable_grad()`` turns them on.
        prior_of: row whose prior it is given, of the fold of each image.

    Returns:
        A line per image with problem, method (the function's name), image, fold, psnr, ssim and
        seconds; results/reference has those of the rows of the tables for the same images.

    Raises:
        ValueError: the measurements of the problem are simulated on a finer grid.
    """
    found, lines = configuration(config), []
    check_asked(found, prior_of, problem)
    if found["problems"][problem]["grid"] > 1:
        raise ValueError(f"{problem} is measured on a finer grid: write a method for it")
    dataset = found["datasets"][found["problems"][problem]["dataset"]]
    for fold in range(1, dataset["folds"] + 1):
        row = Row(prior_of, problem, config, fold, threads)
        for name, pixels in _named(found, found["problems"][problem]["dataset"], "test", fold):
            truth, seed = torch.from_numpy(pixels[None]), found["seed"]
            drawn, own = (
                ImageNoise([seed_of(seed, *names)], row.device)
                for names in (
                    ("measure", problem, name),
                    ("reconstruct", problem, function.__name__, name),
                )
            )
            y = row.problem.measure(truth.to(row.device), drawn)
            denoise = row.prior.bind(own).denoise if row.prior else None
            start = time.perf_counter()
            with torch.no_grad():
                x_hat = function(y, row.problem.physics, denoise).clamp(0, 1).cpu().numpy()
            seconds = time.perf_counter() - start
            scores = psnr(pixels, x_hat[0]), ssim(pixels, x_hat[0])
            lines.append([problem, function.__name__, name, fold, *scores, seconds])
    columns = ["problem", "method", "image", "fold", "psnr", "ssim", "seconds"]
    return pd.DataFrame(lines, columns=columns)


class Row:
    """A method with its parameters, a problem and a prior, as a run of a configuration has them.

    Args:
        row: name in ``workflow/rows.yaml``, or of the configuration.
        problem: name, such as "ct20".
        config: preset or YAML file.
        fold: whose networks to use, from 1; their test patients are not in their training sets.
        threads: cores to use; PyTorch is told so.
        size: height and width of the images; None is that of the configuration. Networks of whole
            images have one size.
        params: parameters that take the place of those of the configuration.

    Attributes:
        method: ``methods.base.Method``.
        problem: ``problems.base.Problem``; ``problem.physics`` is a deepinv ``LinearPhysics``.
        prior: ``methods.priors.base.Prior``, or None. It needs random numbers, one per image of a
            batch: ``row.prior.bind(ImageNoise([0])).denoise(x, sigma)``.
        shape: (C, H, W) of an image.

    Raises:
        ValueError: there is no such row, problem or fold, or its network has another size.
        FileNotFoundError: the network is not there; the message has the command that trains it.
    """

    def __init__(
        self,
        row: str,
        problem: str,
        config: str | Path = "standard",
        fold: int = 1,
        threads: int = 1,
        size: tuple[int, int] | None = None,
        **params: Any,
    ):
        found = configuration(config)
        check_asked(found, row, problem)
        job = Jobs(found).reconstruct(problem, row)
        self.device, precision = setup(job, threads)
        self.method = build_method(job.method, {**job.params, **params})
        own = found["datasets"][job.dataset]["size"]
        self.shape, self.prior = (1, *(size or own)), None
        foreign = job.prior.foreign if job.prior else None
        if foreign:
            kind = job.prior.assembly, (None, *self.shape[1:]), self.device, precision
            self.prior = load_foreign(foreign, *kind, job.prior.overlap)
            self.shape = self.prior.shape
        elif job.prior:
            if not 1 <= fold <= len(job.prior.networks):
                raise ValueError(f"fold {fold}: there are {len(job.prior.networks)}")
            name = f"{NETWORKS}/{job.prior.networks[fold - 1]}/weights.safetensors"
            if not (ROOT / name).exists():
                raise FileNotFoundError(
                    f"there is no network {name}: snakemake --cores all {name} trains it"
                )
            trained = shape_of(ROOT / name)
            self.shape = (trained[0], *(size or trained[1:]))
            if job.prior.assembly == "whole" and self.shape != trained:
                sizes = [" x ".join(map(str, shape[1:])) for shape in (trained, self.shape)]
                raise ValueError(
                    f"the network of {row} is for images of {sizes[0]}, not {sizes[1]}: resize "
                    "them, or take a row with a prior of patches, such as padis or padual"
                )
            kind = job.prior.assembly, self.shape, self.device, precision, job.prior.overlap
            self.prior = load_prior(ROOT / name, *kind)
        self.problem = build_problem(
            job.family, job.problem_params, self.shape, ROOT / found["cache"] / "operators"
        ).to(self.device)
        if self.prior:
            self.prior = self.prior.bind(NoNumbers())
        self._seed = job.seed, job.problem, job.row

    def measure(self, image: np.ndarray | torch.Tensor, seed: int = 0) -> torch.Tensor:
        """y = A x + noise of one image, (H, W) or (C, H, W), or of a batch (B, C, H, W).

        Raises:
            ValueError: another size, or values outside [0, 1].
        """
        x = torch.as_tensor(image, dtype=torch.float32).reshape(-1, *self._fitting(image))
        if x.min() < 0 or x.max() > 1:
            raise ValueError(f"values from {x.min():g} to {x.max():g}: scale them to [0, 1]")
        return self.problem.measure(x.to(self.device), self._noise("measure", seed, len(x)))

    def reconstruct(
        self,
        y: torch.Tensor,
        seed: int = 0,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> torch.Tensor:
        """x_hat of measurements, (B, C, H, W) in [0, 1]; another seed gives another sample."""
        return self._reconstruct(y, self.problem, seed, progress)

    def _reconstruct(self, y, problem, seed, progress=lambda done, total: None) -> torch.Tensor:
        noise = self._noise("reconstruct", seed, len(y))
        prior = self.prior.bind(noise) if self.prior else None
        x_hat, _ = harness.timed(self.method, y, problem, prior, noise, progress)
        return x_hat.clamp(0, 1).cpu()

    def as_deepinv(self) -> Reconstructor:
        """The row as a reconstructor of deepinv, ``model(y, physics, seed=0)``.

        With ``row.problem.physics``, or without a physics, the result is that of ``reconstruct``.
        Any other ``LinearPhysics`` of images of the same shape takes the place of the operator: it
        is divided by its spectral norm, which is computed once, and so is y. The noise level is the
        ``sigma`` of its noise model, or that of the row where it has none; the parameters stay
        those of the row, which were found for its own problem.

        Returns:
            A ``deepinv.models.Reconstructor``: y (B, ...) to x_hat (B, C, H, W) in [0, 1], on the
            device of y. It is not differentiable. Its ``forward`` raises ValueError in one line for
            a physics that is not linear, or is of images of another shape.
        """
        return AsReconstructor(self)

    def _fitting(self, image: np.ndarray | torch.Tensor) -> tuple[int, int, int]:
        wanted = self.shape[-image.ndim :] if self.shape[0] == 1 else self.shape
        if tuple(image.shape[-len(wanted) :]) != wanted or image.ndim > 4:
            raise ValueError(
                f"image has shape {tuple(image.shape)}, wanted {wanted}: for another height and "
                "width give the row a `size=(height, width)`"
            )
        return self.shape

    def _noise(self, purpose: str, seed: int, count: int) -> ImageNoise:
        return ImageNoise([seed_of(*self._seed, purpose, seed, i) for i in range(count)])


class NoNumbers(ImageNoise):
    """The random numbers of a prior to which none are bound: asking for one raises ValueError."""

    def __init__(self):
        super().__init__([])

    def normal(self, shape):
        """Raise ValueError."""
        raise ValueError(
            "the prior draws random numbers: bind some, a seed per image of the batch, as in "
            "row.prior.bind(ImageNoise([0])).denoise(x, sigma), from problems.noise"
        )

    integers = of = normal


class AsReconstructor(Reconstructor):
    """A row as a reconstructor of deepinv (``Row.as_deepinv``)."""

    def __init__(self, row: Row):
        super().__init__()
        self.row = row
        self._last: tuple[LinearPhysics, Problem] | None = None  # the last one that was asked for

    def forward(
        self, y: torch.Tensor, physics: LinearPhysics | None = None, seed: int = 0, **kwargs: Any
    ) -> torch.Tensor:
        """Reconstruct measurements (B, ...) of ``physics``; another seed is another sample."""
        row, given = self.row, y.to(self.row.device)
        problem = row.problem
        if physics is not None and physics is not problem.physics:
            problem = self._of(physics)
            given = given / problem.divided
        reason = row.method.skip(problem)
        if reason:
            raise ValueError(f"{type(row.method).__name__} does not run on this problem: {reason}")
        return row._reconstruct(given, problem, seed).to(y)

    def _of(self, physics: LinearPhysics) -> Problem:
        if self._last is None or self._last[0] is not physics:
            problem = OtherProblem(physics, self.row.problem)
            self._last = physics, problem.to(self.row.device)
        return self._last[1]


class OtherProblem(Problem):
    """An operator that is not of the benchmark, in the place of that of a row's problem.

    ``norm`` stays that of the row's problem, as the row's parameters are relative to it.

    Args:
        physics: a ``LinearPhysics`` of images of the shape of ``own``.
        own: the problem of the row.

    Attributes:
        divided: spectral norm of ``physics``, by which it and its measurements are divided.

    Raises:
        ValueError: it is not linear, its measurements are complex, or it is of other images.
    """

    label, reference, has_pseudo_inverse = "Another operator", "none", False

    def __init__(self, physics: LinearPhysics, own: Problem):
        self.given = physics
        super().__init__(own.shape, own.params)
        self.divided, self.norm = self.norm, own.norm
        level = getattr(physics.noise_model, "sigma", None)
        if level is None:
            self.noise_level = own.noise_level
        else:
            self.noise_level = float(torch.as_tensor(level).max()) / self.divided

    def build(self, cache: Path | None) -> tuple[LinearPhysics, float]:
        """The operator divided by its norm, and the norm."""
        physics = UnitNorm(deepcopy(self.given).to("cpu"), self.shape)
        return physics, physics.norm
