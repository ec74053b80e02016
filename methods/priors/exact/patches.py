"""Exact patch denoiser of a Gaussian mixture: the limit of a perfectly trained patch network."""

from types import SimpleNamespace

import torch
from torch import nn

from methods.priors.exact.mixture import MixturePrior
from methods.priors.patch import PatchPrior
from methods.priors.patches import tiles_and_margin


class ExactTiles(nn.Module):
    """E[clean tile | noisy tile, its position] under a mixture of whole images.

    A tile at a given position is a mixture, too, with the sub-vectors of the means and sub-matrices
    of the covariances of its pixels; pixels of the margin are 0. It replaces the network of
    ``PatchPrior``, so that only the assembly of tiles differs from the whole-image prior.

    Args:
        whole: prior of images (1, H, W).
        patch: P, the side of a tile.
    """

    params = SimpleNamespace(context=False, margin="coordinates")

    def __init__(self, whole: MixturePrior, patch: int):
        super().__init__()
        _, *sides = whole.shape
        margins = [tiles_and_margin(n, patch)[1] for n in sides]
        self.canvas = [n + 2 * m for n, m in zip(sides, margins, strict=True)]
        places = [n - patch + 1 for n in self.canvas]
        self.columns = places[1]
        pixels = torch.full(self.canvas, whole.size)  # index of the margin, 0
        inside = tuple(slice(m, m + n) for m, n in zip(margins, sides, strict=True))
        pixels[inside] = torch.arange(whole.size).reshape(sides)
        of_tile = pixels.unfold(0, patch, 1).unfold(1, patch, 1).reshape(-1, patch**2)
        means = nn.functional.pad(whole.means, (0, 1))
        covariances = nn.functional.pad(whole.covariances, (0, 1, 0, 1))
        values, vectors = zip(
            *(torch.linalg.eigh(covariances[:, t[:, None], t[None]]) for t in of_tile), strict=True
        )
        fixed = {
            "weights": whole.weights.log(),  # (K,)
            "means": means[:, of_tile].transpose(0, 1),  # (places, K, P^2)
            "values": torch.stack(values).clamp(min=0),
            "vectors": torch.stack(vectors),  # (places, K, P^2, P^2)
        }
        for name, value in fixed.items():
            self.register_parameter(name, nn.Parameter(value.float(), requires_grad=False))

    def forward(self, tiles, sigma, position):
        """Denoise tiles (n, 1, P, P) with sigma (n,) at the places given by ``position``."""
        x, place = tiles.flatten(1)[:, None], self._place(position)
        means, vectors = self.means[place].to(x), self.vectors[place].to(x)
        gaps = x - means
        along = (gaps[:, :, None] @ vectors)[:, :, 0]
        variances = self.values[place].to(x) + sigma[:, None, None] ** 2
        logits = self.weights.to(x) - (along.square() / variances + variances.log()).sum(-1) / 2
        kept = (vectors @ (along * self.values[place].to(x) / variances)[..., None])[..., 0]
        return (logits.softmax(1)[..., None] * (means + kept)).sum(1).reshape(tiles.shape)

    def _place(self, position):
        """Index of the place whose first pixel has these coordinates in [-1, 1]."""
        column, row = (
            ((position[:, k, 0, 0] + 1) / 2 * (n - 1)).round().long()
            for k, n in enumerate(reversed(self.canvas))
        )
        return row * self.columns + column


def in_patches(prior: MixturePrior, patch: int) -> PatchPrior:
    """``prior`` assembled as in PaDIS: non-overlapping tiles on a random grid per evaluation."""
    return PatchPrior(ExactTiles(prior, patch), prior.shape, patch)
