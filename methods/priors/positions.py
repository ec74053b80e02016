"""Position channels (PaDIS, arXiv 2406.02462, section 3)."""

import torch


def positions(height: int, width: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """Column and row of each pixel of the padded canvas, mapped to [-1, 1]: (2, height, width)."""
    rows = torch.linspace(-1, 1, height, device=device)[:, None].expand(height, width)
    columns = torch.linspace(-1, 1, width, device=device)[None, :].expand(height, width)
    return torch.stack([columns, rows])
