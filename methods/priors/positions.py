"""Position channels (PaDIS, arXiv 2406.02462, section 3)."""

import torch

OUTSIDE = 3.0  # in place of a position where the margin is marked; positions are within -1..1


def positions(height: int, width: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """Column and row of each pixel of the padded canvas, mapped to [-1, 1]: (2, height, width)."""
    rows = torch.linspace(-1, 1, height, device=device)[:, None].expand(height, width)
    columns = torch.linspace(-1, 1, width, device=device)[None, :].expand(height, width)
    return torch.stack([columns, rows])


def told_positions(
    marking: str,
    height: int,
    width: int,
    margin: tuple[int, int],
    device: torch.device | str = "cpu",
) -> torch.Tensor:
    """What a network is told about each pixel of the padded canvas: (2, height, width).

    Positions alone are a ramp that goes on beyond the image: from it a network cannot tell where
    the image ends, and it shrinks the outermost pixels.

    Args:
        marking: ``margin`` of the network's parameters: "coordinates" gives the positions
            everywhere, "marked" the constant ``OUTSIDE`` in the margin.
        height, width: of the padded canvas.
        margin: rows above and below, columns left and right.
    """
    where = positions(height, width, device)
    if marking == "coordinates":
        return where
    told = torch.full_like(where, OUTSIDE)
    rows, columns = slice(margin[0], height - margin[0]), slice(margin[1], width - margin[1])
    told[:, rows, columns] = where[:, rows, columns]
    return told
