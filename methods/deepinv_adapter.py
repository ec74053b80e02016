"""Runs algorithms of deepinv as methods, with our trained priors as their denoisers."""

import copy
from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

import torch
from deepinv.models import Denoiser
from deepinv.physics import GaussianNoise, LinearPhysics

from methods.base import Method
from methods.priors.base import Prior
from problems.base import Problem

Reconstruct = Callable[[torch.Tensor, LinearPhysics], torch.Tensor]


class AsDenoiser(Denoiser):
    """Wraps a prior as a denoiser of deepinv.

    Args:
        prior: bound to its random numbers (``Prior.bind``).
        evaluated: called after each evaluation.
    """

    def __init__(self, prior: Prior, evaluated: Callable[[], None] = lambda: None):
        super().__init__()
        self._prior, self._evaluated = (prior,), evaluated  # a tuple: no sub-module

    def forward(self, x: torch.Tensor, sigma: float | torch.Tensor, **kwargs) -> torch.Tensor:
        """Denoise images (B, C, H, W) in [0, 1] with the same sigma for all of them.

        Raises:
            ValueError: sigma differs between the images.
        """
        levels = torch.as_tensor(sigma, dtype=torch.float32).flatten().unique()
        if len(levels) != 1:
            raise ValueError("the images of a batch have several levels of noise")
        d = self._prior[0].denoise(x.float(), float(levels))
        self._evaluated()
        return d.to(x.dtype)


def with_noise_level(physics: LinearPhysics, sigma: float) -> LinearPhysics:
    """View of the operator with a Gaussian noise model of level ``sigma``."""
    view = copy.copy(physics)
    view._modules = dict(physics._modules)  # setting noise_model keeps the original
    view.noise_model = GaussianNoise(sigma)
    return view


class DeepinvMethod(Method):
    """Base class of reconstructors of deepinv; ``make`` builds one for a single image.

    deepinv draws random numbers for a whole batch, from a ``torch.Generator`` or the global one.
    Here every image is a batch of one with its own generator; the global generator is seeded for
    each image and restored afterwards.
    """

    draws: ClassVar[bool] = True  # whether deepinv's algorithm draws random numbers
    evaluations: int  # of the denoiser, for progress; set by ``make``

    @abstractmethod
    def make(
        self, problem: Problem, denoiser: Denoiser | None, generator: torch.Generator
    ) -> Reconstruct:
        """Return a function of measurement (1, ...) and physics, and set ``evaluations``."""

    def reconstruct(self, y, problem, prior, noise, progress):
        physics = with_noise_level(problem.physics, problem.noise_level)
        results, done = [], 0

        def evaluated():
            nonlocal done
            done += 1
            progress(min(done, len(y) * self.evaluations), len(y) * self.evaluations)

        for i in range(len(y)):
            numbers = noise.of(i)
            seed = int(numbers.integers(2**31, 1)) if self.draws else 0
            generator = torch.Generator(y.device).manual_seed(seed)
            denoiser = AsDenoiser(prior.bind(numbers), evaluated) if prior else None
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                model = self.make(problem, denoiser, generator)
                results.append(model(y[i : i + 1], physics).detach().float())
        return torch.cat(results)
