"""Padding and tilings of patches (PaDIS, arXiv 2406.02462, section 3)."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

MIN_PATCH = 2
AT_ONCE = 100_000  # pixels per network call: 31 patches of 56 x 56


def tiles_and_margin(length: int, patch: int) -> tuple[int, int]:
    """Tiles per axis K = 1 + floor(N / P) and zero padding M = K P - N; (1, 0) if P = N.

    Raises:
        ValueError: the patch is larger than the image or smaller than two pixels.
    """
    if not MIN_PATCH <= patch <= length:
        raise ValueError(f"patch size {patch} is not within 2..{length}, the image's side")
    if patch == length:
        return 1, 0
    count = 1 + length // patch
    return count, count * patch - length


def cut(canvas: torch.Tensor, corners: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Cut one window per image: (B, C, H, W) with corners (B, 2) to (B, C, height, width)."""
    windows = zip(canvas.unbind(0), corners.tolist(), strict=True)
    return torch.stack([c[:, a : a + height, b : b + width] for c, (a, b) in windows])


def reduced(image: torch.Tensor, patch: int) -> torch.Tensor:
    """Area averages of (B, C, H, W), (B, C, patch, patch): the context of a patch."""
    return F.adaptive_avg_pool2d(image, patch)


def to_tiles(window: torch.Tensor, patch: int) -> torch.Tensor:
    """Split (B, C, K P, L P) into tiles, image by image: (B K L, C, P, P)."""
    b, c, height, width = window.shape
    tiles = window.reshape(b, c, height // patch, patch, width // patch, patch)
    return tiles.permute(0, 2, 4, 1, 3, 5).reshape(-1, c, patch, patch)


def from_tiles(tiles: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Inverse of ``to_tiles``: (B K L, C, P, P) to (B, C, height, width)."""
    _, c, patch, _ = tiles.shape
    k, l = height // patch, width // patch
    return (
        tiles.reshape(-1, k, l, c, patch, patch)
        .permute(0, 3, 1, 4, 2, 5)
        .reshape(-1, c, height, width)
    )


def denoise_tiles(
    network: nn.Module, tiles: torch.Tensor, sigma: float, *told: torch.Tensor
) -> torch.Tensor:
    """Denoise tiles (n, C, P, P), ``AT_ONCE`` pixels at a time, to bound memory.

    With a gradient each part is denoised again in the backward pass, which takes a third more time.
    Neither changes a result by more than rounding: convolutions of batches of different size may
    differ by about 1e-6, relative, in float32.

    Args:
        network: called with tiles, sigma (n,) and ``told``.
        tiles: as ``to_tiles`` returns them.
        sigma: noise level of all tiles.
        told: further inputs of the network, one per tile: position and context.
    """
    several = [tiles, tiles.new_full((len(tiles),), sigma), *told]
    size = max(AT_ONCE // tiles[0, 0].numel(), 1)
    if len(tiles) <= size:
        return network(*several)
    parts = zip(*(values.split(size) for values in several), strict=True)
    if not (torch.is_grad_enabled() and tiles.requires_grad):
        return torch.cat([network(*part) for part in parts])
    keep = {"use_reentrant": False, "preserve_rng_state": False}
    return torch.cat([checkpoint(network, *part, **keep) for part in parts])
