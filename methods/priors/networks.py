"""Noise-conditional denoising networks."""

from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from pydantic import PositiveFloat, PositiveInt
from torch import nn
from torch.nn import functional as F

BACKBONES = ("compact", "ddpm", "ncsn", "drunet", "patches", "mixture")
FITTED = ("patches", "mixture")
CHANNELS_OF_A_HEAD = 64


class NetworkParams(NamedTuple):
    """Architecture of a denoiser.

    Attributes:
        backbone: "compact" (below), "ddpm" (DDPM++), "ncsn" (NCSN++) or "drunet", the latter three
            from deepinv. PaDIS uses "ddpm", width 128, multipliers (1, 2, 2, 2), 4 blocks, dropout
            0.05. "drunet" is a Gaussian denoiser for plug-and-play methods: it has four levels and
            takes neither preconditioning nor position. "patches" and "mixture" are no networks:
            they are fitted (``methods.priors.fitted``), and take ``width`` alone.
        width: channels of the first level; components of a mixture.
        multipliers: channels of each level relative to ``width``; levels halve the resolution.
        blocks: residual blocks per level.
        dropout: probability, "ddpm" and "ncsn" only.
        position: whether two channels with the pixel's position are appended to the input.
        context: whether the noisy image, reduced to the patch's size, is appended to the input of
            a network of patches (Yang, Hu, Fessler, Shen, arXiv 2512.18161).
        sigma_data: the constant sigma_d of the EDM preconditioning.
        margin: what the position channels hold in the zeros around the image that patches overlap:
            "coordinates" goes on with the positions, as PaDIS does, "marked" is a constant, so that
            the network knows where the image ends.
        attention: whether "compact" has self-attention at its lowest resolution, so that a network
            of whole images sees the whole image. ("ddpm" and "ncsn" have it.)
    """

    backbone: str = "compact"
    width: PositiveInt = 32
    multipliers: tuple[int, ...] = (1, 2, 2)
    blocks: PositiveInt = 2
    dropout: float = 0.0
    position: bool = True
    context: bool = False
    sigma_data: PositiveFloat = 0.5
    margin: Literal["coordinates", "marked"] = "coordinates"
    attention: bool = False


class Block(nn.Module):
    """Two 3 x 3 convolutions around a scale and shift that depend on the noise level."""

    def __init__(self, inputs: int, outputs: int, embedding: int):
        super().__init__()
        self.norm = nn.GroupNorm(8, inputs)
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.modulation = nn.Linear(embedding, 2 * outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        h = self.first(F.silu(self.norm(x)))
        scale, shift = self.modulation(embedding)[:, :, None, None].chunk(2, dim=1)
        return self.skip(x) + self.second(F.silu(h * (1 + scale) + shift))


class Attention(nn.Module):
    """Self-attention of all pixels, added to its input; the identity before it is trained."""

    def __init__(self, width: int):
        super().__init__()
        self.heads = max(width // CHANNELS_OF_A_HEAD, 1)
        self.norm = nn.GroupNorm(8, width)
        self.enter = nn.Conv2d(width, 3 * width, 1)
        self.leave = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, c, height, width = x.shape
        pixels = self.enter(self.norm(x)).flatten(2).transpose(1, 2)
        split = pixels.reshape(b, height * width, 3, self.heads, c // self.heads)
        seen = F.scaled_dot_product_attention(*split.permute(2, 0, 3, 1, 4))
        return x + self.leave(seen.transpose(-1, -2).reshape(b, c, height, width))


class CompactUNet(nn.Module):
    """A plain U-Net: strided convolutions down, nearest neighbour up, skips added."""

    def __init__(self, inputs: int, outputs: int, params: NetworkParams):
        super().__init__()
        widths = [params.width * m for m in params.multipliers]
        embedding = 4 * params.width
        self.register_buffer("frequencies", 2.0 ** torch.arange(-2, 6), persistent=False)
        self.embed = nn.Sequential(
            nn.Linear(16, embedding), nn.SiLU(), nn.Linear(embedding, embedding), nn.SiLU()
        )
        self.enter = nn.Conv2d(inputs, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(
            nn.ModuleList(Block(w, w, embedding) for _ in range(params.blocks)) for w in widths
        )
        self.decoder = nn.ModuleList(
            nn.ModuleList(Block(w, w, embedding) for _ in range(params.blocks)) for w in widths[:-1]
        )
        steps = list(pairwise(widths))
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in steps)
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in steps)
        self.leave = nn.Conv2d(widths[0], outputs, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        self.attention = Attention(widths[-1]) if params.attention else nn.Identity()

    def forward(self, x: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        phase = noise[:, None] * self.frequencies
        embedding = self.embed(torch.cat([phase.cos(), phase.sin()], dim=1))
        x = self.enter(x)
        skips = []
        for level, blocks in enumerate(self.encoder):
            for block in blocks:
                x = block(x, embedding)
            if level < len(self.down):
                skips.append(x)
                x = self.down[level](x)
        x = self.attention(x)
        for level in reversed(range(len(self.down))):
            x = skips[level] + F.interpolate(self.up[level](x), scale_factor=2.0)
            for block in self.decoder[level]:
                x = block(x, embedding)
        return self.leave(F.silu(x))


class SongUNet(nn.Module):
    """DDPM++ or NCSN++ of deepinv, with attention at the lowest resolution only, as in PaDIS."""

    def __init__(self, inputs: int, outputs: int, params: NetworkParams):
        super().__init__()
        from deepinv.models import NCSNpp

        self.network = NCSNpp(
            model_type=params.backbone,
            in_channels=inputs,
            out_channels=outputs,
            augment_dim=0,
            model_channels=params.width,
            channel_mult=params.multipliers,
            num_blocks=params.blocks,
            attn_resolutions=(),
            dropout=params.dropout,
            pretrained=None,
        )

    def forward(self, x: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        return self.network.forward_unet(x, noise)


class Denoiser(nn.Module):
    """EDM-preconditioned denoiser (Karras et al., NeurIPS 2022, arXiv 2206.00364, table 1).

    D(v; sigma, position) = c_skip v + c_out F([c_in v, position], ln(sigma) / 4). Position
    channels enter unscaled (PaDIS, section 3), those of the context scaled by c_in as well.

    Args:
        channels: C of the images.
        params: the architecture.
    """

    def __init__(self, channels: int, params: NetworkParams):
        super().__init__()
        if params.backbone not in BACKBONES:
            raise ValueError(f"backbone must be one of {BACKBONES}, not {params.backbone!r}")
        self.channels, self.params = channels, params
        backbone = CompactUNet if params.backbone == "compact" else SongUNet
        inputs = channels * (1 + params.context) + 2 * params.position
        self.network = backbone(inputs, channels, params)
        self.precision = torch.float32

    def forward(
        self,
        v: torch.Tensor,
        sigma: torch.Tensor,
        position: torch.Tensor | None,
        context: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Denoise ``v`` (B, C, h, w) of noise level ``sigma`` (B,) at ``position`` (B, 2, h, w).

        ``context`` (B, C, h, w) is the noisy image that ``v`` is a patch of, reduced.
        """
        sd, s = self.params.sigma_data, sigma[:, None, None, None]
        variance = s**2 + sd**2
        inputs = v / variance.sqrt()
        if self.params.position:
            inputs = torch.cat([inputs, position], dim=1)
        if self.params.context:
            inputs = torch.cat([inputs, context / variance.sqrt()], dim=1)
        height, width = v.shape[-2:]
        multiple = 2 ** (len(self.params.multipliers) - 1)
        inputs = F.pad(inputs, (0, -width % multiple, 0, -height % multiple))
        mixed = self.precision != torch.float32
        with torch.autocast(v.device.type, self.precision, enabled=mixed):
            output = self.network(inputs, sigma.log() / 4)
        output = output[..., :height, :width].float()
        return sd**2 / variance * v + s * sd / variance.sqrt() * output

    def weight(self, sigma: torch.Tensor) -> torch.Tensor:
        """Weight of the squared error at a noise level (EDM): (sigma^2 + sd^2) / (sigma sd)^2."""
        sd = self.params.sigma_data
        return (sigma**2 + sd**2) / (sigma * sd) ** 2


class GaussianDenoiser(nn.Module):
    """DRUNet (Zhang et al., TPAMI 2021, arXiv 2008.13751) of deepinv, without its weights.

    Takes the same arguments as ``Denoiser`` and ignores position and context.
    """

    def __init__(self, channels: int, params: NetworkParams):
        super().__init__()
        from deepinv.models import DRUNet

        if len(params.multipliers) != 4 or params.position:
            raise ValueError("backbone drunet needs four multipliers and position: false")
        widths = [params.width * m for m in params.multipliers]
        self.channels, self.params = channels, params
        self.network = DRUNet(channels, channels, nc=widths, nb=params.blocks, pretrained=None)
        self.precision = torch.float32

    def forward(self, v: torch.Tensor, sigma: torch.Tensor, *others) -> torch.Tensor:
        """Denoise ``v`` (B, C, h, w) of noise level ``sigma`` (B,)."""
        mixed = self.precision != torch.float32
        with torch.autocast(v.device.type, self.precision, enabled=mixed):
            return self.network(v, sigma).float()

    def weight(self, sigma: torch.Tensor) -> torch.Tensor:
        """All noise levels count the same."""
        return torch.ones_like(sigma)


def build_network(
    channels: int, params: NetworkParams, patch: int = 0, count: int = 0
) -> nn.Module:
    """The network that ``params`` describes, with random weights from the global generator.

    Args:
        patch, count: side and number of the patches to which a denoiser of patches is fitted.
    """
    if params.backbone in FITTED:
        from methods.priors.fitted import build_fitted

        return build_fitted(channels, patch, params, count)
    return (GaussianDenoiser if params.backbone == "drunet" else Denoiser)(channels, params)
