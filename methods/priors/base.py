"""A prior is a network and how an image is assembled from it."""

import copy
from abc import ABC, abstractmethod

import torch
from torch.nn import functional as F

from methods.priors.networks import Denoiser
from problems.noise import ImageNoise


class Prior(ABC):
    """A denoiser of whole images of one shape, whatever it is made of.

    Samplers work on a state that is the image with a margin on each side; outside the image the
    truth is 0. Priors without a margin have state and image alike.

    Attributes:
        shape: (C, H, W) of the image.
        margin: rows and columns that the state has beyond the image on each side.
    """

    margin = (0, 0)

    def __init__(self, network: Denoiser, shape: tuple[int, int, int]):
        self.network, self.shape = network, tuple(shape)
        self._noise: ImageNoise | None = None

    def bind(self, noise: ImageNoise) -> "Prior":
        """Return this prior with its random numbers, one generator per image of a batch."""
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

        ``x`` holds states, or images, whose margin is then filled with fresh noise; the result has
        the shape of ``x``. Differentiable. One call is one evaluation of the prior per image.
        """
        if tuple(x.shape[1:]) == self.state_shape:
            return self._denoise(x, sigma)
        if tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"x is {tuple(x.shape[1:])}, the prior wants {self.shape}")
        border = sigma * self._noise.normal(self.state_shape).to(x)
        self.crop(border).zero_()
        return self.crop(self._denoise(self.pad(x) + border, sigma))

    @abstractmethod
    def _denoise(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        """Denoise states."""
