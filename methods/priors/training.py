"""Denoising score matching of a network on patches or whole images (PaDIS, section 3)."""

import copy
import math
from typing import Any, Literal, NamedTuple

import torch
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from methods.priors.fitted import Fitted, Fitter
from methods.priors.networks import Denoiser
from methods.priors.patches import AT_ONCE, reduced, tiles_and_margin
from methods.priors.positions import told_positions
from methods.priors.processes import OneProcess
from methods.priors.windows import Canvas
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
    """Trains one network; the random numbers of step n depend on ``seed`` and n only.

    The examples of a step are computed in parts, so that its memory is bounded; gradients add up.
    Several processes share each step: all draw its whole batch and each computes a part, so that
    their number changes a result by rounding only (and by the masks of dropout).

    Args:
        network: the denoiser; its averaged copy is ``self.average``.
        images: (m, C, H, W), float32 in [0, 1] or uint8; on the device of the network or, where
            they do not fit there, a memory map on the CPU.
        params: the recipe.
        seed: from ``seed_of``.
        chosen: those of the images to train on; default is all.
        fabric: what ``processes`` returns; default is this process alone.

    Raises:
        ValueError: sizes, probabilities and batch do not fit together or the image, or a batch has
            fewer examples than there are processes.
    """

    def __init__(
        self,
        network: Denoiser,
        images: torch.Tensor,
        params: TrainingParams,
        seed: int,
        chosen: list[int] | None = None,
        fabric: Any = None,
    ):
        self.network, self.params, self.seed = network.train(), params, seed
        self.average = copy.deepcopy(network).eval().requires_grad_(False)
        self.device = next(network.parameters()).device
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
        self.probabilities = torch.tensor(probabilities, dtype=torch.float32)
        self.canvas = Canvas(images, margin, chosen, self.device)
        marking = network.params.margin
        self.position = told_positions(marking, *self.canvas.shape, margin, self.device)
        self.optimizer = torch.optim.Adam(network.parameters(), lr=params.learning_rate)
        self.fabric = fabric or OneProcess(self.device)
        if self.fabric.world_size > min(params.batch):
            raise ValueError(
                f"{self.fabric.world_size} processes cannot share batches of {params.batch}; "
                "lower devices or raise networks.<name>.training.batch"
            )
        self.shared, self.optimizer = self.fabric.setup(
            network, self.optimizer, move_to_device=False
        )
        self.steps = self.examples = self.pixels = 0

    @property
    def finished(self) -> bool:
        return self.examples >= self.params.examples

    def step(self) -> torch.Tensor:
        """Take one optimisation step.

        Returns:
            The loss per pixel, a 0-d tensor; with several processes that of the own examples, whose
            mean over the processes is the loss of the step.
        """
        p, world, rank = self.params, self.fabric.world_size, self.fabric.global_rank
        generator = torch.Generator().manual_seed(seed_of(self.seed, self.steps))
        choice = int(torch.multinomial(self.probabilities, 1, generator=generator))
        (h, w), batch = self.windows[choice], p.batch[choice]
        mine = slice(batch * rank // world, batch * (rank + 1) // world)
        clean, noisy, sigma, position, seen = self._examples(h, w, batch, mine, generator)

        for group in self.optimizer.param_groups:
            group["lr"] = p.learning_rate * self._rate()
        self.optimizer.zero_grad(set_to_none=True)
        size = max(AT_ONCE // (h * w), 1)
        parts = [slice(k, k + size) for k in range(0, len(clean), size)]
        total = torch.zeros((), device=self.device)
        with torch.random.fork_rng(devices=[]):  # dropout draws from the global generator
            names = ("dropout", self.seed, self.steps)
            torch.manual_seed(seed_of(*names, rank) if rank else seed_of(*names))
            for k, part in enumerate(parts, start=1):
                with self.fabric.no_backward_sync(self.shared, enabled=k < len(parts)):
                    # weight(sigma) ||D(v) - x||^2, summed over pixels, mean over the batch
                    told = seen if seen is None else seen[part]
                    denoised = self.shared(noisy[part], sigma[part], position[part], told)
                    weight = self.network.weight(sigma[part])[:, None, None, None]
                    loss = (weight * (denoised - clean[part]) ** 2).sum() * (world / batch)
                    self.fabric.backward(loss)
                total += loss.detach()
        if p.clip:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), p.clip * h * w)
        self.optimizer.step()
        self.steps += 1
        self.examples += batch
        self.pixels += batch * h * w
        self._update_average(batch)
        return total / (h * w * clean.shape[1])

    def _examples(self, h, w, batch, mine, generator):
        """Of a batch of h x w windows those in ``mine``: x, v, sigma, position and context."""
        which, rows, columns = self.canvas.places(batch, h, w, generator)
        sigma = self._noise_levels(batch, generator)
        with_context = self.network.params.context
        names = ("noise", self.seed, self.steps)
        device_noise = torch.Generator(self.device).manual_seed(seed_of(*names))
        size = self.canvas.shape if with_context else (h, w)
        shape = (batch, self.canvas.images.shape[1], *size)
        noise = torch.randn(shape, generator=device_noise, device=self.device)[mine]
        which, rows, columns = which[mine], rows[mine], columns[mine]
        sigma = sigma[mine].to(self.device)
        clean, context = self.canvas.cut(which, rows, columns), None
        position = self.position[:, rows, columns].permute(1, 0, 2, 3)

        # v = x + sigma n; with context on the whole image, of which v is then a part
        if with_context:
            (mh, mw), (height, width) = self.canvas.margin, self.canvas.shape
            noisy = self.canvas.whole(which) + sigma[:, None, None, None] * noise
            context = reduced(noisy[..., mh : height - mh, mw : width - mw], h)
            each = torch.arange(len(which), device=self.device)[:, None, None]
            noisy = noisy[each, :, rows.to(self.device), columns.to(self.device)]
            noisy = noisy.permute(0, 3, 1, 2).contiguous()
        else:
            noisy = clean + sigma[:, None, None, None] * noise
        return clean, noisy, sigma, position, context

    def _noise_levels(self, batch: int, generator: torch.Generator) -> torch.Tensor:
        p = self.params
        if p.noise == "uniform":
            return p.sigma_min + (p.sigma_max - p.sigma_min) * torch.rand(
                batch, generator=generator
            )
        ln_sigma = p.p_mean + p.p_std * torch.randn(batch, generator=generator)
        return ln_sigma.exp().clamp(p.sigma_min, p.sigma_max)

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


def trainer_of(
    network: Denoiser | Fitted,
    images: torch.Tensor,
    params: TrainingParams,
    seed: int,
    chosen: list[int] | None = None,
    fabric: Any = None,
) -> Trainer | Fitter:
    """What trains a network, or fits what is no network; arguments are those of ``Trainer``."""
    if isinstance(network, Fitted):
        return Fitter(network, images, params, seed, chosen)
    return Trainer(network, images, params, seed, chosen, fabric)
