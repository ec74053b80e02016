"""What is watched while a plugin runs: random numbers, its result, its operator."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from problems.base import Problem
from problems.noise import ImageNoise


@contextmanager
def seeded(seed: int) -> Iterator[Callable[[], bool]]:
    """Seed them, and give them back afterwards as they were.

    Yields:
        A function that says whether any was drawn or seeded since.
    """
    kept = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    cuda = torch.cuda.is_initialized()  # reading its state would initialise it on every GPU
    kept_cuda = torch.cuda.get_rng_state_all() if cuda else []
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    random.seed(seed)
    start = _state(cuda)
    try:
        yield lambda: _state(cuda) != start
    finally:
        torch.set_rng_state(kept[0])
        if cuda:
            torch.cuda.set_rng_state_all(kept_cuda)
        np.random.set_state(kept[1])  # noqa: NPY002
        random.setstate(kept[2])


def _state(cuda: bool) -> tuple:
    numpy = np.random.get_state()  # noqa: NPY002
    states = torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if cuda else ())
    drawn = tuple(state.numpy().tobytes() for state in states)
    return *drawn, numpy[1].tobytes(), numpy[2], random.getstate()


class WatchedNoise(ImageNoise):
    """Random numbers that remember whether any was drawn."""

    def __init__(self, seeds, device="cpu"):
        super().__init__(seeds, device)
        self._draws = [0]  # shared with the views of single images

    @property
    def drawn(self) -> bool:
        return self._draws[0] > 0

    def normal(self, shape):
        self._draws[0] += 1
        return super().normal(shape)

    def integers(self, high, count):
        self._draws[0] += 1
        return super().integers(high, count)


def check_result(x_hat: Any, shape: tuple[int, ...], device: torch.device) -> None:
    """Refuse a result that is not float32 of ``shape`` on ``device`` and finite.

    Raises:
        ValueError: one line that names the fix.
    """
    if not isinstance(x_hat, torch.Tensor):
        kind = type(x_hat).__name__
        raise ValueError(f"the result is a {kind}, not a tensor: return one")
    if tuple(x_hat.shape) != shape:
        raise ValueError(f"the result has shape {tuple(x_hat.shape)}: return one of {shape}")
    if x_hat.dtype != torch.float32:
        part = ".real" if x_hat.is_complex() else ""
        raise ValueError(f"the result is {x_hat.dtype}: end with {part}.float()")
    if x_hat.device.type != device.type:
        raise ValueError(f"the result is on {x_hat.device}, y is on {device}: compute where y is")
    if x_hat.requires_grad:
        raise ValueError("the result requires a gradient: return x.detach()")
    if not torch.isfinite(x_hat).all():
        raise ValueError("the result holds NaN or infinite values: look where it diverges")


def probed(problem: Problem, device: torch.device) -> torch.Tensor:
    """A x of a fixed image x, by which a changed operator is noticed."""
    x = torch.rand(1, *problem.shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return problem.physics.A(x.to(device))
