"""The interface of a reconstruction method."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from problems.base import Problem
from problems.noise import ImageNoise

if TYPE_CHECKING:
    from methods.priors.base import Prior

Progress = Callable[[int, int], None]


class Method(ABC):
    """y -> x_hat. A subclass is one file in ``methods/``; the file name is the method's name.

    The contract, which ``tests/test_conformance.py`` checks for every file:

    * the result depends on the arguments alone; all random numbers come from ``noise`` (or from
      the prior, which uses the same generators); no global seed is read or changed;
    * image i of a batch is reconstructed as if it were alone, up to rounding;
    * the arguments are not modified, and nothing is printed, read or written.

    Class attributes:
        label: name in tables.
        reference: authors, venue, year and identifier.
        prior: name of the trained prior that the method uses, as in the config, or None.
        jacobian: whether the method differentiates through ``prior.denoise``. If not, it runs in
            PyTorch's inference mode.
        samples: whether results with different seeds are samples of a posterior. If that depends on
            parameters: for each, the values with which they are. A method that draws random numbers
            to find a single image is a point estimator.
        starts_at: start of the iteration if ``Params`` has no ``start``; empty if not iterative.
    """

    label: ClassVar[str]
    reference: ClassVar[str]
    prior: ClassVar[str | None] = None
    jacobian: ClassVar[bool] = False
    samples: ClassVar[bool | dict[str, list[str]]] = False
    starts_at: ClassVar[str] = "baseline"

    @dataclass(frozen=True)
    class Params:
        """Parameters of the method; unknown names raise TypeError."""

    def __init__(self, params: Method.Params):
        self.params = params

    def skip(self, problem: Problem) -> str | None:
        """Return a reason not to run on ``problem``, or None."""
        return None

    @abstractmethod
    def reconstruct(
        self,
        y: torch.Tensor,
        problem: Problem,
        prior: Prior | None,
        noise: ImageNoise,
        progress: Progress,
    ) -> torch.Tensor:
        """Reconstruct a batch.

        Args:
            y: measurements of B images, in the units of ``problem.physics``.
            problem: operator, noise level and baseline; never the truth.
            prior: ``prior.denoise(x, sigma)`` for batches of B images; None if ``prior`` is None.
            noise: random numbers, one generator per image.
            progress: call ``progress(done, total)`` after each iteration.

        Returns:
            x_hat, float32 (B, C, H, W); the harness clips it to [0, 1].
        """
