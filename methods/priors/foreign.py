"""Networks that were not trained here, as denoisers D(x; sigma) of images in [0, 1].

D(x; sigma) is E[x_0 | x] for x = x_0 + sigma n, n ~ N(0, I): variance exploding, as every sampler
of the benchmark expects it. Networks of diffusion models predict something else, of something else.
``Predictor`` converts them:

    u = low + w x,  s = w sigma                             values of the network, w = high - low
    z = a u                                                 what the network is given
    VP: a = 1 / sqrt(1 + s^2) = sqrt(alphas_cumprod_t),     VE: a = 1,     b = s a
    z = a u_0 + b n
    r_t = sqrt((1 - alphas_cumprod_t) / alphas_cumprod_t)   VP,     r_t = sigmas_t     VE
    t with r_t = s

    epsilon: e = E[n | z]              u_0 = u - s e
    v:       v = E[a n - b u_0 | z]    u_0 = (a z - b v) / (a^2 + b^2)
    x0:      E[u_0 | z]                itself
    score:   g = -E[n | z] / b         u_0 = (z + b^2 g) / a

    D(x; sigma) = (u_0 - low) / w

Each is exact: if the network is the conditional mean that it was trained to be, D is.

Reference: Ho, Jain, Abbeel, NeurIPS 2020, arXiv 2006.11239 (epsilon); Salimans, Ho, ICLR 2022,
arXiv 2202.00512 (v); Song et al., ICLR 2021, arXiv 2011.13456 (VP, VE, score); Karras et al.,
NeurIPS 2022, arXiv 2206.00364, section 5 and table 1 (the change of variables).
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional as F

from methods.priors.networks import NetworkParams

Predicted = Literal["epsilon", "v", "x0", "score"]
NAMES: dict[str, Predicted] = {"epsilon": "epsilon", "v_prediction": "v", "sample": "x0"}
SCHEDULE = (  # keys of a scheduler of diffusers that decide alphas_cumprod
    *("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas"),
    "rescale_betas_zero_snr",
)


class Predictor(nn.Module):
    """The denoiser that a network of a diffusion model is (equations above).

    Args:
        model: ``model(z, t)`` for z (B, C, H, W) and times t (B,), both of the type of x. It
            returns a tensor, a tuple that starts with one, or an object with one as ``sample``.
            Channels after the first C (a learned variance) are dropped.
        predicts: "epsilon", "v", "x0" or "score".
        alphas_cumprod: of every time 0, 1, ..., falling within (0, 1): the network is VP.
        sigmas: noise levels of every time 0, 1, ..., rising, in the values of the network: it is
            VE. Without both it is VE, and t is the noise level s itself.
        values: [low, high] of the images that the network was trained on.
        multiple: of which height and width must be; images are continued by reflection at the
            bottom and the right, and the result is cut. 2 to the number of halvings of a U-Net.
        between: whether the network takes times between whole ones, found by interpolation of
            ln r_t. If not, t is the time whose ln r_t is nearest.

    Raises:
        ValueError: values, a schedule or ``predicts`` that cannot be.
    """

    def __init__(
        self,
        model: Callable[..., Any],
        predicts: Predicted = "epsilon",
        alphas_cumprod: torch.Tensor | Sequence[float] | None = None,
        sigmas: torch.Tensor | Sequence[float] | None = None,
        values: tuple[float, float] = (-1.0, 1.0),
        multiple: int = 1,
        between: bool = True,
    ):
        super().__init__()
        if predicts not in ("epsilon", "v", "x0", "score"):
            raise ValueError(f"predicts is {predicts!r}: write epsilon, v, x0 or score")
        if not values[0] < values[1]:
            raise ValueError(f"values {values}: the first must be the smaller")
        if alphas_cumprod is not None and sigmas is not None:
            raise ValueError("alphas_cumprod is of VP, sigmas of VE networks: give one of them")
        self.model, self.predicts, self.multiple, self.between = model, predicts, multiple, between
        self.low, self.width = values[0], values[1] - values[0]
        self.preserving = alphas_cumprod is not None
        levels = None
        if alphas_cumprod is not None:
            alphas = torch.as_tensor(alphas_cumprod, dtype=torch.float64)
            levels = ((1 - alphas) / alphas).sqrt()
        elif sigmas is not None:
            levels = torch.as_tensor(sigmas, dtype=torch.float64)
        if levels is not None and not (
            levels.ndim == 1 and len(levels) > 1 and (levels > 0).all() and levels[-1].isfinite()
            and (levels.diff() > 0).all()
        ):  # fmt: skip
            kind = "alphas_cumprod must fall within (0, 1)" if self.preserving else "sigmas must"
            raise ValueError(f"{kind}{'' if self.preserving else ' rise from above 0'}")
        self.register_buffer("levels", levels, persistent=False)

    def __str__(self) -> str:
        process = "variance preserving" if self.preserving else "variance exploding"
        times = "the noise level" if self.levels is None else f"{len(self.levels)} times"
        high = self.low + self.width
        return f"{self.predicts}, {process}, {times}, values from {self.low:g} to {high:g}"

    def time(self, s: torch.Tensor) -> torch.Tensor:
        """Times (B,) of noise levels s (B,) in the values of the network.

        Levels below the lowest have the first time: there is hardly any noise left to remove.

        Raises:
            ValueError: a level above the highest.
        """
        if self.levels is None:
            return s
        highest = float(self.levels[-1])
        if float(s.max()) > highest * (1 + 1e-4):
            raise ValueError(
                f"noise of {float(s.max()) / self.width:.4g} is above {highest / self.width:.4g}, "
                "the most that the network knows: lower sigma_max"
            )
        known, asked = self.levels.log(), s.double().log()
        above = torch.searchsorted(known, asked).clamp(1, len(known) - 1)
        share = (asked - known[above - 1]) / (known[above] - known[above - 1])
        t = above - 1 + share.clamp(0, 1)
        return (t if self.between else t.round()).to(s.dtype)

    def forward(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """E[x_0 | x] of images ``x`` (B, C, H, W) in [0, 1] with noise ``sigma`` (B,)."""
        levels = self.width * sigma
        u, s = self.low + self.width * x, levels[:, None, None, None]
        a = 1 / (1 + s**2).sqrt() if self.preserving else torch.ones_like(s)
        z, b = a * u, s * a
        found = self._predicted(z, self.time(levels))
        clean = {
            "epsilon": lambda: u - s * found,
            "v": lambda: (a * z - b * found) / (a**2 + b**2),
            "x0": lambda: found,
            "score": lambda: (z + b**2 * found) / a,
        }[self.predicts]()
        return (clean - self.low) / self.width

    def _predicted(self, z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """What the network says of ``z``, float32 (B, C, H, W)."""
        channels, height, width = z.shape[1:]
        below, right = -height % self.multiple, -width % self.multiple
        if below >= height or right >= width:
            raise ValueError(
                f"{height} x {width} pixels are too few for a network that takes multiples of "
                f"{self.multiple}"
            )
        if below or right:
            z = F.pad(z, (0, right, 0, below), mode="reflect")
        found = self.model(z, t)
        found = getattr(found, "sample", found)
        found = found[0] if isinstance(found, tuple) else found
        return found[:, :channels, :height, :width].to(z.dtype)


class ForeignDenoiser(nn.Module):
    """A denoiser ``model(x, sigma)`` in place of ``methods.priors.networks.Denoiser``.

    It is told neither position nor context. A method that needs the Jacobian differentiates its
    output in x. (The gradient-step denoisers of deepinv free their graph and raise RuntimeError
    there; methods without the Jacobian can use them.)

    Args:
        model: a module or function of images (B, C, H, W) in [0, 1] and sigma (B,): any denoiser of
            deepinv, or a ``Predictor``.
    """

    def __init__(self, model: Callable[..., Any]):
        super().__init__()
        # First, as its device is that of the network, also of models without parameters.
        self.place = nn.Parameter(torch.zeros(0), requires_grad=False)
        self.model = model
        self.params = NetworkParams(position=False)
        self.precision = torch.float32

    def forward(self, v: torch.Tensor, sigma: torch.Tensor, *others) -> torch.Tensor:
        """Denoise ``v`` (B, C, h, w) of noise level ``sigma`` (B,); ``others`` are ignored."""
        if torch.is_inference_mode_enabled():  # where gradient-step denoisers, too, find none
            with torch.inference_mode(False), torch.no_grad():
                return self(v.clone(), sigma.clone())
        mixed = self.precision != torch.float32
        with torch.autocast(v.device.type, self.precision, enabled=mixed):
            return self.model(v, sigma).float()

    def failure(self, shape: tuple[int, int, int]) -> str:
        """Why it cannot denoise a grey image, or patch, of ``shape`` (C, H, W); "" if it can."""
        x = torch.full((1, *shape), 0.5, device=self.place.device)
        try:
            with torch.no_grad():
                d = self(x, x.new_full((1,), 0.1))
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            return f"it cannot denoise {list(shape)} (C, H, W): {reason}"
        if d.shape != x.shape:
            return f"it makes {list(d.shape[1:])} (C, H, W) of images of {list(shape)}"
        return "" if torch.isfinite(d).all() else "its result holds NaN or infinite values"

    def check(self, shape: tuple[int, int, int]) -> None:
        """Denoise an image, or patch, of ``shape`` (C, H, W) once.

        Raises:
            ValueError: the model takes other images, or what it returns is no image.
        """
        reason = self.failure(shape)
        other = 4 - shape[0] if reason and shape[0] in (1, 3) else None
        if other and not self.failure((other, *shape[1:])):
            reason = (
                f"it takes images of {other} channels, these have {shape[0]}: convert them in its "
                "Python file"
            )
        if reason:
            raise ValueError(reason)


def from_diffusers(place: str | Path) -> Predictor:
    """The denoiser that a UNet2DModel in the format of diffusers is.

    Args:
        place: folder with config.json, safetensors and scheduler_config.json, in it or in its
            folders unet and scheduler; or the id of a model that is already downloaded. Nothing is
            fetched, and no pickle is read.

    Raises:
        ValueError: diffusers is not installed, or there is no such model.
    """
    try:
        import diffusers
    except ImportError:
        raise ValueError(
            "a network in the format of diffusers needs that package: pip install diffusers"
        ) from None
    folder = Path(place)
    if not folder.is_dir():
        from huggingface_hub import snapshot_download

        folder = Path(snapshot_download(str(place), local_files_only=True))
    inside = [
        folder / name if (folder / name).is_dir() else folder for name in ("unet", "scheduler")
    ]
    unet = diffusers.UNet2DModel.from_pretrained(
        inside[0], local_files_only=True, use_safetensors=True, low_cpu_mem_usage=False
    )
    schedule = inside[1] / "scheduler_config.json"
    if not schedule.exists():
        raise ValueError(f"{schedule} is missing: copy it from where the network is from")
    return from_unet(unet, json.loads(schedule.read_text()))


def from_unet(unet: nn.Module, scheduler: dict[str, Any]) -> Predictor:
    """The denoiser of a UNet2DModel of diffusers and the settings of its scheduler.

    Schedulers with ``alphas_cumprod`` (DDPM, DDIM and those that continue them) are VP and of
    images in [-1, 1]; ScoreSdeVeScheduler is VE, predicts the score of images in [0, 1] and is told
    the noise level (Song et al., arXiv 2011.13456).

    Raises:
        ValueError: a prediction type that is not known.
    """
    multiple = 2 ** (len(unet.config.block_out_channels) - 1)
    if scheduler.get("_class_name") == "ScoreSdeVeScheduler":
        return Predictor(unet, "score", values=(0.0, 1.0), multiple=multiple)
    from diffusers import DDPMScheduler

    kind = scheduler.get("prediction_type", "epsilon")
    if kind not in NAMES:
        raise ValueError(f"prediction type {kind!r} is not one of {', '.join(NAMES)}")
    kept = {name: scheduler[name] for name in SCHEDULE if name in scheduler}
    alphas = DDPMScheduler(**kept).alphas_cumprod
    return Predictor(unet, NAMES[kind], alphas, multiple=multiple)
