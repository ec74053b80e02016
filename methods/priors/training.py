"""Denoising score matching of a network on patches or whole images (PaDIS, section 3)."""

import copy
import math
from typing import Literal, NamedTuple

import torch
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from torch.nn import functional as F

from methods.priors.networks import Denoiser
from methods.priors.patches import reduced, tiles_and_margin
from methods.priors.positions import positions
from problems.noise import seed_of


class TrainingParams(NamedTuple):
    """How a network is trained. Lengths are counted in training examples (patches or images).

    Attributes:
        patch: P, the patch size of reconstruction; 0 trains on whole images.
        sizes: patch sizes of training, the largest is P; ignored for whole images.
        probabilities: of each size; one size is drawn per step.
        batch: examples per step for each size (one number for whole images).
        examples: length of training.
        learning_rate: of Adam, betas (0.9, 0.999).
        warm_up: examples over which the learning rate rises linearly.
        clip: norm of the gradient, per pixel of an example, to which larger ones are reduced;
            None never. Short trainings with small batches diverge without.
        decay: share of the training, at its end, over which the learning rate falls to 0 as a
            half cosine; 0 keeps it constant, as the paper does.
        ema_half_life: half-life of the averaged weights.
        ema_ramp: the half-life is at most this share of the examples seen so far.
        noise: "lognormal" draws ln(sigma) from N(p_mean, p_std^2), sigma then clamped to
            [sigma_min, sigma_max]; "uniform" draws sigma from that range (plug-and-play).
        p_mean, p_std, sigma_min, sigma_max: see above.
    """

    patch: NonNegativeInt = 0
    sizes: tuple[int, ...] = ()
    probabilities: tuple[float, ...] = ()
    batch: tuple[int, ...] = (8,)
    examples: PositiveInt = 10_000
    learning_rate: PositiveFloat = 2e-4
    warm_up: NonNegativeInt = 0
    clip: PositiveFloat | None = None
    decay: float = 0.0
    ema_half_life: int = 500_000
    ema_ramp: float = 0.05
    noise: Literal["lognormal", "uniform"] = "lognormal"
    p_mean: float = -1.2
    p_std: PositiveFloat = 1.2
    sigma_min: NonNegativeFloat = 0.002
    sigma_max: PositiveFloat = 40.0


class Trainer:
    """Trains one network; every random number of step n depends on ``name``, ``seed`` and n only.

    Args:
        network: the denoiser; its averaged copy is ``self.average``.
        images: float32 (n, C, H, W) in [0, 1], on the device of the network.
        params: the recipe.
        seed: from ``seed_of``.

    Raises:
        ValueError: sizes, probabilities and batch do not fit together or the image.
    """

    def __init__(self, network: Denoiser, images: torch.Tensor, params: TrainingParams, seed: int):
        self.network, self.params, self.seed = network.train(), params, seed
        self.average = copy.deepcopy(network).eval().requires_grad_(False)
        height, width = images.shape[-2:]
        if params.patch:
            if params.patch != max(params.sizes, default=0):
                raise ValueError(f"patch {params.patch} is not the largest of sizes {params.sizes}")
            if not len(params.sizes) == len(params.probabilities) == len(params.batch):
                raise ValueError("sizes, probabilities and batch need the same number of entries")
            margin = [tiles_and_margin(n, params.patch)[1] for n in (height, width)]
            self.windows = [(p, p) for p in params.sizes]
            if network.params.context and len(params.sizes) > 1:
                raise ValueError("a network with context is trained on patches of one size")
            probabilities = params.probabilities
        else:
            margin, self.windows, probabilities = (0, 0), [(height, width)], (1.0,)
            if network.params.context:
                raise ValueError("context is for networks of patches; set context: false")
        self.margin = margin
        self.probabilities = torch.tensor(probabilities, dtype=torch.float32)
        self.canvas = F.pad(images, (margin[1], margin[1], margin[0], margin[0]))
        self.position = positions(*self.canvas.shape[-2:], images.device)
        self.optimizer = torch.optim.Adam(network.parameters(), lr=params.learning_rate)
        self.steps = self.examples = self.pixels = 0

    @property
    def finished(self) -> bool:
        return self.examples >= self.params.examples

    def step(self) -> torch.Tensor:
        """Take one optimisation step and return its loss per pixel, a 0-d tensor."""
        generator = torch.Generator().manual_seed(seed_of(self.seed, self.steps))
        choice = int(torch.multinomial(self.probabilities, 1, generator=generator))
        (h, w), batch = self.windows[choice], self.params.batch[choice]
        which, rows, columns = self._places(batch, h, w, generator)
        clean, position = self._cut(self.canvas, which, rows, columns), self.position
        position = position[:, rows, columns].permute(1, 0, 2, 3)

        # v = x + sigma n; with context on the whole image, of which v is then a part
        p, context = self.params, None
        sigma = self._noise_levels(batch, generator).to(clean.device)
        device_noise = torch.Generator(clean.device).manual_seed(
            seed_of("noise", self.seed, self.steps)
        )
        drawn_on = self.canvas[which] if self.network.params.context else clean
        noise = torch.randn(drawn_on.shape, generator=device_noise, device=clean.device)
        noisy = drawn_on + sigma[:, None, None, None] * noise
        if self.network.params.context:
            (mh, mw), (height, width) = self.margin, noisy.shape[-2:]
            context = reduced(noisy[..., mh : height - mh, mw : width - mw], h)
            noisy = self._cut(noisy, torch.arange(batch, device=noisy.device), rows, columns)

        # weight(sigma) ||D(v) - x||^2, summed over pixels, mean over the batch
        with torch.random.fork_rng(devices=[]):  # dropout draws from the global generator
            torch.manual_seed(seed_of("dropout", self.seed, self.steps))
            denoised = self.network(noisy, sigma, position, context)
        weight = self.network.weight(sigma)
        loss = (weight[:, None, None, None] * (denoised - clean) ** 2).sum() / batch

        for group in self.optimizer.param_groups:
            group["lr"] = p.learning_rate * self._rate()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if p.clip:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), p.clip * h * w)
        self.optimizer.step()
        self.steps += 1
        self.examples += batch
        self.pixels += batch * h * w
        self._update_average(batch)
        return loss.detach() / (h * w * clean.shape[1])

    def _noise_levels(self, batch: int, generator: torch.Generator) -> torch.Tensor:
        p = self.params
        if p.noise == "uniform":
            return p.sigma_min + (p.sigma_max - p.sigma_min) * torch.rand(
                batch, generator=generator
            )
        ln_sigma = p.p_mean + p.p_std * torch.randn(batch, generator=generator)
        return ln_sigma.exp().clamp(p.sigma_min, p.sigma_max)

    def _places(self, batch, h, w, generator):
        """Random images, and rows and columns of windows at uniform places of the canvas."""
        n, _, height, width = self.canvas.shape
        which = torch.randint(n, (batch,), generator=generator)
        top = torch.randint(height - h + 1, (batch,), generator=generator)
        left = torch.randint(width - w + 1, (batch,), generator=generator)
        rows = (top[:, None] + torch.arange(h))[:, :, None]
        columns = (left[:, None] + torch.arange(w))[:, None, :]
        return tuple(numbers.to(self.canvas.device) for numbers in (which, rows, columns))

    @staticmethod
    def _cut(canvas, which, rows, columns):
        windows = canvas[which[:, None, None], :, rows, columns]
        return windows.permute(0, 3, 1, 2).contiguous()

    def _rate(self) -> float:
        """Learning rate relative to its peak."""
        p, seen = self.params, self.examples
        rate = min(1.0, (seen + 1) / p.warm_up) if p.warm_up else 1.0
        if p.decay:
            done = (seen / p.examples - (1 - p.decay)) / p.decay
            rate *= 0.5 * (1 + math.cos(math.pi * min(max(done, 0.0), 1.0)))
        return rate

    def _update_average(self, batch: int) -> None:
        half_life = min(self.params.ema_half_life, self.params.ema_ramp * self.examples)
        beta = 0.5 ** (batch / max(half_life, 1e-8))
        with torch.no_grad():
            averages = list(self.average.parameters())
            torch._foreach_lerp_(averages, list(self.network.parameters()), 1 - beta)

    def state(self) -> dict[str, torch.Tensor]:
        """Everything that ``restore`` needs to go on as if nothing had happened."""
        moments = self.optimizer.state_dict()["state"]
        counts = torch.tensor([self.steps, self.examples, self.pixels])
        return {
            "counts": counts,
            **{f"network.{k}": v for k, v in self.network.state_dict().items()},
            **{f"average.{k}": v for k, v in self.average.state_dict().items()},
            **{f"adam.{i}.{k}": v for i, s in moments.items() for k, v in s.items()},
        }

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Continue from ``state``."""
        self.steps, self.examples, self.pixels = map(int, state["counts"])

        def part(prefix):
            n = len(prefix)
            return {k[n:]: v for k, v in state.items() if k.startswith(prefix)}

        self.network.load_state_dict(part("network."))
        self.average.load_state_dict(part("average."))
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in part("adam.").items():
            number, name = key.split(".")
            moments.setdefault(int(number), {})[name] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
