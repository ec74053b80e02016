"""Random generators per image and purpose, independent of global state."""

import copy

import torch

from problems.seeds import seed_of as seed_of  # imported from here by others


class ImageNoise:
    """One pair of generators per image of a batch.

    The numbers drawn for image i depend on its seed alone, not on the other images of the batch or
    the order in which batches run.

    Args:
        seeds: one integer per image, for example from :func:`seed_of`.
        device: device of the Gaussian draws. Integers are drawn on the CPU because they are used
            for indexing, which must not wait for the device.
    """

    def __init__(self, seeds: list[int], device: torch.device | str = "cpu"):
        self.device = torch.device(device)
        self._gaussian = [torch.Generator(self.device).manual_seed(s) for s in seeds]
        self._integer = [torch.Generator().manual_seed(seed_of("integers", s)) for s in seeds]

    def __len__(self) -> int:
        return len(self._gaussian)

    def of(self, image: int) -> "ImageNoise":
        """View of the generators of one image; drawing from it advances them here, too."""
        one = copy.copy(self)
        one._gaussian, one._integer = ([g[image]] for g in (self._gaussian, self._integer))
        return one

    def normal(self, shape: tuple[int, ...]) -> torch.Tensor:
        """Standard normal numbers for all images, float32 of shape ``(len(self), *shape)``."""
        out = torch.empty((len(self), *shape), device=self.device)
        for image, generator in zip(out, self._gaussian, strict=True):
            image.normal_(generator=generator)
        return out

    def normal_like(self, x: torch.Tensor) -> torch.Tensor:
        """Standard normal numbers in the shape of ``x``, whose first axis is the batch."""
        if len(x) != len(self):
            raise ValueError(f"noise has {len(self)} images, the batch {len(x)}")
        return self.normal(tuple(x.shape[1:])).to(x)

    def integers(self, high: int, count: int) -> torch.Tensor:
        """``count`` integers per image, uniform on {0, ..., high - 1}: ``(len(self), count)``."""
        rows = [torch.randint(high, (count,), generator=g) for g in self._integer]
        return torch.stack(rows)
