"""Priors of patches that are fitted rather than trained: a data set of patches, and a mixture.

Both denoise a patch v = x + sigma n, all pixels and channels as one vector, by the exact posterior
mean E[x | v] of a distribution of x:

* ``PatchSet``: x is one of N training patches p_j, each as likely as the other.

      E[x | v] = sum_j w_j p_j,    w = softmax_j(-||v - p_j||^2 / (2 sigma^2))

  It is the denoiser that a network approaches that remembers its training patches.

* ``PatchMixture``: x is of a mixture of Gaussians with weights pi_k, means m_k and covariances S_k,
  fitted by expectation maximisation.

      E[x | v] = sum_k r_k (m_k + S_k (S_k + sigma^2 I)^-1 (v - m_k)),
      r_k  proportional to  pi_k N(v; m_k, S_k + sigma^2 I)

References: Kamb, Ganguli, "An Analytic Theory of Creativity in Convolutional Diffusion Models",
ICML 2025, arXiv 2412.20292 (patches of a data set); Zoran, Weiss, "From Learning Models of Natural
Image Patches to Whole Image Restoration", ICCV 2011 (EPLL).

Deviations: EPLL removes the mean of each patch and takes the most likely component; here the mean
is part of the patch, and all components count. A whole image is the average of its overlapping
patches.
"""

import math

import torch
from torch import nn

from methods.priors.networks import NetworkParams
from methods.priors.windows import Canvas
from problems.noise import seed_of

AT_ONCE = 256  # patches that are compared with a data set at a time
FLOOR = 1e-5  # variance that every direction of a component has at least: noise of 0.003


def constant(values: torch.Tensor) -> nn.Parameter:
    return nn.Parameter(values, requires_grad=False)


class Fitted(nn.Module):
    """A denoiser of patches as ``Denoiser``, which ignores position and context.

    Args:
        channels: C of the images.
        patch: P, the side of a patch.
        params: ``width`` is the number of components of a mixture.
    """

    precision = torch.float32

    def __init__(self, channels: int, patch: int, params: NetworkParams):
        super().__init__()
        self.channels, self.patch, self.params = channels, patch, params
        self.size = channels * patch**2

    def forward(self, v: torch.Tensor, sigma: torch.Tensor, *others) -> torch.Tensor:
        """Denoise ``v`` (B, C, P, P) of noise level ``sigma`` (B,)."""
        return self._mean(v.flatten(1), sigma).reshape(v.shape)


class PatchSet(Fitted):
    """The posterior mean over a data set of patches."""

    def __init__(self, channels: int, patch: int, params: NetworkParams, count: int = 0):
        super().__init__(channels, patch, params)
        self.patches = constant(torch.zeros(count, self.size))

    def step(self, patches: torch.Tensor, first: bool) -> torch.Tensor:
        """Remember the patches (N, C P P); the loss is 0."""
        self.patches.copy_(patches)
        return torch.zeros(())

    def _mean(self, v, sigma):
        half = self.patches.square().sum(1) / 2
        means = []
        for part, level in zip(v.split(AT_ONCE), sigma.split(AT_ONCE), strict=True):
            alike = (part @ self.patches.T - half) / level[:, None] ** 2
            means.append(alike.softmax(1) @ self.patches)
        return torch.cat(means)


class PatchMixture(Fitted):
    """The posterior mean under a mixture of Gaussians; covariances by their eigenvectors."""

    def __init__(self, channels: int, patch: int, params: NetworkParams):
        super().__init__(channels, patch, params)
        k, d = params.width, self.size
        self.weights = constant(torch.full((k,), 1 / k))
        self.means = constant(torch.zeros(k, d))
        self.variances = constant(torch.ones(k, d))  # eigenvalues of S_k
        self.axes = constant(torch.eye(d).repeat(k, 1, 1))  # its eigenvectors, as columns

    def _terms(self, v, sigma):
        """Coordinates U_k^T (v - m_k) (B, k, d), variances with noise, and ln pi_k N (B, k)."""
        along = torch.einsum("bd,kde->bke", v, self.axes)
        along = along - torch.einsum("kd,kde->ke", self.means, self.axes)
        noisy = self.variances + sigma[:, None, None] ** 2
        exponent = (along.square() / noisy + noisy.log()).sum(2) + self.size * math.log(2 * math.pi)
        return along, noisy, self.weights.log() - exponent / 2

    def _mean(self, v, sigma):
        along, noisy, likelihood = self._terms(v, sigma)
        shares = likelihood.softmax(1)
        shrunk = shares[..., None] * along * (self.variances / noisy)
        return shares @ self.means + torch.einsum("bke,kde->bd", shrunk, self.axes)

    def step(self, patches: torch.Tensor, first: bool) -> torch.Tensor:
        """One step of expectation maximisation on patches (N, C P P), from k means far apart.

        Returns:
            The negative mean log-likelihood per value, before the step.
        """
        if first:
            self._start(patches)
        shares, total = [], 0.0
        for part in patches.split(4 * AT_ONCE):
            likelihood = self._terms(part, part.new_zeros(len(part)))[2]
            total = total + likelihood.logsumexp(1).double().sum()
            shares.append(likelihood.softmax(1))
        shares = torch.cat(shares)
        counts = shares.sum(0).clamp(min=1e-6)
        self.weights.copy_(counts / counts.sum())
        self.means.copy_(shares.T @ patches / counts[:, None])
        for k in range(len(counts)):
            away = patches - self.means[k]
            covariance = (shares[:, k, None] * away).T @ away / counts[k]
            # A component of few patches falls back on a sphere around its mean.
            covariance.diagonal().add_(FLOOR + FLOOR * self.size / counts[k])
            self.variances[k], self.axes[k] = torch.linalg.eigh(covariance)
        self.variances.clamp_(min=FLOOR)
        return (-total / patches.numel()).float()

    def _start(self, patches):
        """Means are patches that lie evenly in the order of their brightness; spheres around."""
        order = patches.mean(1).argsort()
        chosen = torch.linspace(0, len(order) - 1, len(self.weights)).long()
        self.means.copy_(patches[order[chosen]])
        self.variances.fill_(float(patches.var(0).mean()) / 4)


def build_fitted(channels: int, patch: int, params: NetworkParams, count: int = 0) -> Fitted:
    """The denoiser of ``params.backbone`` with room for ``count`` patches."""
    if params.backbone == "patches":
        return PatchSet(channels, patch, params, count)
    return PatchMixture(channels, patch, params)


class Fitter:
    """Fits a denoiser to patches at random places, with the interface of ``Trainer``.

    All steps see the same ``params.batch[0]`` patches; ``params.examples`` counts them in every
    step.

    Raises:
        ValueError: more than one patch size.
    """

    def __init__(self, network: Fitted, images, params, seed: int, chosen: list[int] | None):
        if params.sizes != (params.patch,):
            raise ValueError(f"{network.params.backbone} has patches of one size")
        self.network = self.average = network
        self.params, self.steps, self.examples, self.pixels = params, 0, 0, 0
        generator = torch.Generator().manual_seed(seed_of(seed, "patches"))
        device = next(network.parameters()).device
        canvas = Canvas(images, (0, 0), chosen, device)
        places = canvas.places(params.batch[0], params.patch, params.patch, generator)
        self.patches = canvas.cut(*places).flatten(1)

    @property
    def finished(self) -> bool:
        return self.examples >= self.params.examples

    def step(self) -> torch.Tensor:
        with torch.no_grad():
            loss = self.network.step(self.patches, first=self.steps == 0)
        self.steps += 1
        self.examples += len(self.patches)
        self.pixels += len(self.patches) * self.params.patch**2
        return loss

    def state(self) -> dict[str, torch.Tensor]:
        counts = torch.tensor([self.steps, self.examples, self.pixels])
        return {"counts": counts, **self.network.state_dict()}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        self.steps, self.examples, self.pixels = map(int, state["counts"])
        self.network.load_state_dict({k: v for k, v in state.items() if k != "counts"})
