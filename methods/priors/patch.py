"""The patch prior of PaDIS."""

import torch

from methods.priors.base import Prior
from methods.priors.patches import (
    cut,
    denoise_tiles,
    from_tiles,
    reduced,
    tiles_and_margin,
    to_tiles,
)
from methods.priors.positions import told_positions


class PatchPrior(Prior):
    """Non-overlapping tiles of one grid per evaluation; 0 in the margin.

    "random_grid" is PaDIS (Hu et al., arXiv 2406.02462, algorithm 1): the grid's offsets are drawn
    uniformly from {0, ..., M - 1} per axis and image at each evaluation, the K x L tiles always
    cover the image. "fixed_grid" leaves the grid where it is centred on the image: with a network
    of one patch size and without position this is the simple patch prior that PaDIS starts from
    (Fessler, Hu, Xu, BASP 2023). Tiles that hold margin only are skipped.

    Args:
        network: trained with the same patch size, hence the same canvas and positions.
        shape: (C, H, W) of the image.
        patch: P, the side of a tile.
        grid: "random_grid" or "fixed_grid".
    """

    def __init__(self, network, shape, patch: int, grid: str = "random_grid"):
        super().__init__(network, shape)
        self.patch, self.grid = patch, grid
        (self._k, mh), (self._l, mw) = (tiles_and_margin(n, patch) for n in shape[1:])
        self.margin = (mh, mw)
        device = next(network.parameters()).device
        marking = network.params.margin
        where = told_positions(marking, *self.state_shape[1:], self.margin, device)
        self._position = where[None]

    def _denoise(self, x, sigma):
        corners = self._corners(len(x))
        height, width = self._k * self.patch, self._l * self.patch
        tiles = to_tiles(cut(x, corners, height, width), self.patch)
        position = self._position.expand(len(x), -1, -1, -1)
        position = to_tiles(cut(position, corners, height, width), self.patch)
        told = [position]
        if self.network.params.context:
            context = reduced(self.crop(x), self.patch)
            told.append(context.repeat_interleave(self._k * self._l, dim=0))
        needed = self._needed(corners)
        if len(needed) == len(tiles):
            denoised = denoise_tiles(self.network, tiles, sigma, *told)
        else:
            denoised = torch.zeros_like(tiles)
            some = (t[needed] for t in told)
            denoised[needed] = denoise_tiles(self.network, tiles[needed], sigma, *some)
        window = from_tiles(denoised, height, width)
        inside = torch.tensor(self.margin) - corners
        return self.pad(cut(window, inside, *self.shape[1:]))

    def _corners(self, count):
        """First row and column of the grid on the canvas, per image: (count, 2)."""
        if self.grid == "fixed_grid":
            return torch.tensor([m // 2 for m in self.margin]).expand(count, 2)
        return torch.cat([self._noise.integers(max(m, 1), 1) for m in self.margin], dim=1)

    def _needed(self, corners):
        """Numbers of the tiles that overlap the image."""
        rows, columns = (
            (corners[:, i, None] + torch.arange(1, n + 1) * self.patch) > self.margin[i]
            for i, n in enumerate((self._k, self._l))
        )
        return (rows[:, :, None] & columns[:, None, :]).flatten().nonzero()[:, 0]
