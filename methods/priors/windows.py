"""Windows of stored images and of the zeros around them, which no one stores."""

import torch


class Canvas:
    """Images with a margin of zeros, from which windows are cut.

    Args:
        images: (m, C, H, W), float32 in [0, 1] or uint8; on ``device`` or a memory map on the CPU.
        margin: rows above and below, columns left and right.
        chosen: those of the images that are drawn from; default is all.
        device: of what is returned.
    """

    def __init__(
        self,
        images: torch.Tensor,
        margin: tuple[int, int],
        chosen: list[int] | None,
        device: torch.device,
    ):
        self.images, self.margin, self.device = images, margin, device
        self.chosen = torch.arange(len(images)) if chosen is None else torch.tensor(chosen)
        height, width = images.shape[-2:]
        self.shape = (height + 2 * margin[0], width + 2 * margin[1])

    def places(self, batch: int, h: int, w: int, generator: torch.Generator):
        """Random images, and rows and columns of h x w windows at uniform places."""
        height, width = self.shape
        which = self.chosen[torch.randint(len(self.chosen), (batch,), generator=generator)]
        top = torch.randint(height - h + 1, (batch,), generator=generator)
        left = torch.randint(width - w + 1, (batch,), generator=generator)
        rows = (top[:, None] + torch.arange(h))[:, :, None]
        columns = (left[:, None] + torch.arange(w))[:, None, :]
        return which, rows, columns

    def cut(self, which, rows, columns) -> torch.Tensor:
        """Windows (batch, C, h, w), float32."""
        axes = zip((rows, columns), self.margin, self.images.shape[-2:], strict=True)
        (rows, above), (columns, beside) = (
            ((i - m).clamp(0, n - 1), (i >= m) & (i < m + n)) for i, m, n in axes
        )
        places = (part.to(self.images.device) for part in (which[:, None, None], rows, columns))
        which, rows, columns = places
        windows = self.images[which, :, rows, columns].permute(0, 3, 1, 2).to(self.device)
        if windows.dtype == torch.uint8:
            windows = windows.float() / 255
        return windows.contiguous() * (above & beside)[:, None].to(self.device)

    def whole(self, which) -> torch.Tensor:
        """Whole images with their margin."""
        height, width = self.shape
        rows = torch.arange(height)[None, :, None].expand(len(which), -1, 1)
        return self.cut(which, rows, torch.arange(width)[None, None, :].expand(len(which), 1, -1))
