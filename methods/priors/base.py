"""Interface of a prior: a network and the assembly of an image from its outputs."""

import copy
from abc import ABC, abstractmethod

import torch
from torch.nn import functional as F

from methods.priors.networks import Denoiser
from problems.noise import ImageNoise


class Prior(ABC):
    """A denoiser of whole images of one shape.

    Samplers work on a state: the image with a margin on each side, where the truth is 0. For priors
    without a margin the state is the image.

    Attributes:
        shape: (C, H, W) of the image.
        margin: additional rows and columns of the state on each side of the image.
    """

    margin = (0, 0)

    def __init__(self, network: Denoiser, shape: tuple[int, int, int]):
        self.network, self.shape = network, tuple(shape)
        self._noise: ImageNoise | None = None

    def bind(self, noise: ImageNoise) -> "Prior":
        """Return this prior with random generators, one per image of a batch."""
        bound = copy.copy(self)
        bound._noise = noise
        return bound

    @property
    def state_shape(self) -> tuple[int, int, int]:
        """(C, H + 2 margin, W + 2 margin)."""
        (c, h, w), (mh, mw) = self.shape, self.margin
        return c, h + 2 * mh, w + 2 * mw

    def pad(self, image: torch.Tensor) -> torch.Tensor:
        """Surround images with the margin, filled with zeros."""
        mh, mw = self.margin
        return F.pad(image, (mw, mw, mh, mh))

    def crop(self, state: torch.Tensor) -> torch.Tensor:
        """Cut the images out of states."""
        (_, h, w), (mh, mw) = self.shape, self.margin
        return state[..., mh : mh + h, mw : mw + w]

    def denoise(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        """E[clean | x] for ``x`` with noise of standard deviation ``sigma``.

        ``x`` contains states, or images, whose margin is then filled with new noise. The result has
        the shape of ``x`` and is differentiable. One call is one evaluation of the prior per image.
        """
        if tuple(x.shape[1:]) == self.state_shape:
            return self._denoise(x, sigma)
        if tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"x is {tuple(x.shape[1:])}, the prior expects {self.shape}")
        border = sigma * self._noise.normal(self.state_shape).to(x)
        self.crop(border).zero_()
        return self.crop(self._denoise(self.pad(x) + border, sigma))

    @abstractmethod
    def _denoise(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        """Denoise states."""
