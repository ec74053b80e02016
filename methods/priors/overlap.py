"""Patch priors over a fixed grid of overlapping tiles."""

import torch

from methods.priors.base import Prior
from methods.priors.patches import denoise_tiles, reduced, tiles_and_margin
from methods.priors.positions import told_positions


def starts(length: int, margin: int, patch: int, overlap: int) -> list[int]:
    """First pixels of the tiles along an axis: from the margin in steps of P - overlap.

    The last tile is moved back to end with the image: 6 tiles for N = 256, P = 56, overlap 8.

    Raises:
        ValueError: the overlap is not within 0..P - 1.
    """
    if not 0 <= overlap < patch:
        raise ValueError(f"overlap {overlap} is not within 0..{patch - 1}, below the patch size")
    last = margin + length - patch
    return [*range(margin, last, patch - overlap), last]


class OverlapPrior(Prior):
    """Tiles at fixed places that overlap; 0 in the margin.

    Args:
        network: trained on patches with the same canvas, as for ``PatchPrior``.
        shape: (C, H, W) of the image.
        patch: P, the side of a tile.
        overlap: pixels that neighbours share.
        combine: "average" takes the mean of all tiles at a pixel (Ozdenizci and Legenstein, TPAMI
            2023, arXiv 2207.14626), "stitch" the tile that comes last (tile-and-stitch).
    """

    def __init__(self, network, shape, patch: int, overlap: int, combine: str):
        super().__init__(network, shape)
        self.patch, self.combine = patch, combine
        self.margin = tuple(tiles_and_margin(n, patch)[1] for n in shape[1:])
        axes = zip(shape[1:], self.margin, strict=True)
        rows, columns = (starts(n, m, patch, overlap) for n, m in axes)
        self._corners = [(a, b) for a in rows for b in columns]
        device = next(network.parameters()).device
        marking = network.params.margin
        where = told_positions(marking, *self.state_shape[1:], self.margin, device)
        self._position = self._cut(where[None])

    def _cut(self, canvas):
        """Tiles of all images, tile by tile: (tiles, B, C, P, P)."""
        p = self.patch
        return torch.stack([canvas[..., a : a + p, b : b + p] for a, b in self._corners])

    def _denoise(self, x, sigma):
        tiles = self._cut(x)
        position = self._position.expand(-1, len(x), -1, -1, -1).flatten(0, 1)
        flat = tiles.flatten(0, 1)
        told = [position]
        if self.network.params.context:
            told.append(reduced(self.crop(x), self.patch).repeat(len(tiles), 1, 1, 1))
        denoised = denoise_tiles(self.network, flat, sigma, *told)
        return self._paste(denoised.reshape(tiles.shape), x)

    def _paste(self, tiles, x):
        p = self.patch
        total, weight = torch.zeros_like(x), torch.zeros_like(x[:1, :1])
        for tile, (a, b) in zip(tiles, self._corners, strict=True):
            window = (..., slice(a, a + p), slice(b, b + p))
            if self.combine == "stitch":
                total[window] = tile
            else:
                total[window] += tile
            weight[window] += 1
        return total if self.combine == "stitch" else total / weight.clamp(min=1)
