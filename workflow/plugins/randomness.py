"""What a plugin draws: its own random numbers, and the global ones that it should not use."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

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
