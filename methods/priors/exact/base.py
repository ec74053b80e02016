"""Interface of priors in closed form: denoiser, score, samples and posteriors."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch

from methods.priors.base import Prior


@dataclass(frozen=True)
class Posterior:
    """p(x | y) for y = A x + sigma_y n in closed form; d is the number of pixels of x.

    Attributes:
        mean: (d,), float64.
        covariance: (d, d).
        draw: draws exact samples (count, d) with a generator.
        score: gradient of log p(x | y) at points (n, d).
    """

    mean: torch.Tensor
    covariance: torch.Tensor
    draw: Callable[[int, torch.Generator], torch.Tensor]
    score: Callable[[torch.Tensor], torch.Tensor]

    @property
    def spread(self) -> torch.Tensor:
        """Standard deviation of every pixel, (d,)."""
        return self.covariance.diagonal().sqrt()


class ExactPrior(Prior):
    """A prior of whole images without a network: ``denoise`` is E[x | x + sigma n] itself.

    All reference values are in double precision; ``denoise`` has the precision of its argument.
    """

    def __init__(self, shape: tuple[int, int, int]):
        super().__init__(None, shape)

    @property
    def size(self) -> int:
        """d, the number of pixels times channels."""
        c, h, w = self.shape
        return c * h * w

    def _denoise(self, x, sigma):
        return self.expected(x.flatten(1), sigma).reshape(x.shape)

    @abstractmethod
    def expected(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        """E[clean | x] for images (n, d) with noise of standard deviation ``sigma``."""

    @abstractmethod
    def score(self, x: torch.Tensor) -> torch.Tensor:
        """Gradient of log p at images (n, d) without noise."""

    @abstractmethod
    def sample(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Exact samples (count, d)."""

    @abstractmethod
    def posterior(self, a: torch.Tensor, y: torch.Tensor, noise_level: float) -> Posterior:
        """p(x | y) for a matrix ``a`` (m, d) and one measurement ``y`` (m,) with white noise."""

    def posterior_score(self, a, y, noise_level) -> Callable[[torch.Tensor], torch.Tensor]:
        """grad log p(x | y) = grad log p(x) + A^T (y - A x) / sigma_y^2."""
        return lambda x: self.score(x) + (y - x @ a.T) @ a / noise_level**2


def normal(count: int, size: int, generator: torch.Generator) -> torch.Tensor:
    """Standard normal numbers (count, size) in double precision."""
    return torch.randn(count, size, generator=generator, dtype=torch.float64)


def chosen(weights: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """``count`` indices drawn with probabilities ``weights``, which sum to 1."""
    edges = weights.cumsum(0)
    uniform = torch.rand(count, generator=generator, dtype=torch.float64) * edges[-1]
    return torch.searchsorted(edges, uniform, right=True).clamp(max=len(weights) - 1)


def root(covariance: torch.Tensor) -> torch.Tensor:
    """A matrix R with R R^T = ``covariance``, (..., d, d)."""
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.clamp(min=0).sqrt()[..., None, :]
