"""Padding and tilings of patches (PaDIS, arXiv 2406.02462, section 3)."""

import torch
from torch.nn import functional as F

MIN_PATCH = 2
AT_ONCE = 100_000  # pixels that a network sees at a time: 31 patches of 56 x 56


def tiles_and_margin(length: int, patch: int) -> tuple[int, int]:
    """Tiles per axis K = 1 + floor(N / P) and zero padding M = K P - N; (1, 0) where P = N.

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
    """Cut one window per image: (B, C, H, W) and corners (B, 2) give (B, C, height, width)."""
    windows = zip(canvas.unbind(0), corners.tolist(), strict=True)
    return torch.stack([c[:, a : a + height, b : b + width] for c, (a, b) in windows])


def reduced(image: torch.Tensor, patch: int) -> torch.Tensor:
    """Area averages of (B, C, H, W): (B, C, patch, patch), what a patch is shown of its image."""
    return F.adaptive_avg_pool2d(image, patch)


def to_tiles(window: torch.Tensor, patch: int) -> torch.Tensor:
    """Split (B, C, K P, L P) into its tiles, image by image: (B K L, C, P, P)."""
    b, c, height, width = window.shape
    tiles = window.reshape(b, c, height // patch, patch, width // patch, patch)
    return tiles.permute(0, 2, 4, 1, 3, 5).reshape(-1, c, patch, patch)


def from_tiles(tiles: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """The inverse of ``to_tiles``: (B K L, C, P, P) give (B, C, height, width)."""
    _, c, patch, _ = tiles.shape
    k, l = height // patch, width // patch
    return (
        tiles.reshape(-1, k, l, c, patch, patch)
        .permute(0, 3, 1, 4, 2, 5)
        .reshape(-1, c, height, width)
    )
