"""A linear problem and priors whose denoisers are known, so that posteriors are."""

import torch
from deepinv.physics import LinearPhysics

from problems.noise import ImageNoise

SIDE, MEASURED, CHAINS = 6, 14, 300
MEAN, TAU = 0.5, 0.3


class Matrix(LinearPhysics):
    """Singular values between 0.5 and 1 on a random subspace."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        q, _ = torch.linalg.qr(torch.randn(SIDE**2, SIDE**2, generator=generator))
        self.rows = q[:, :MEASURED].T
        self.values = torch.linspace(0.5, 1, MEASURED)[:, None]

    def A(self, x, **kwargs):
        return x.flatten(1) @ (self.values * self.rows).T

    def A_adjoint(self, y, **kwargs):
        return (y @ (self.values * self.rows)).reshape(-1, 1, SIDE, SIDE)

    def A_dagger(self, y, **kwargs):
        return (y @ (self.rows / self.values)).reshape(-1, 1, SIDE, SIDE)


class MatrixProblem:
    physics, norm, has_pseudo_inverse = Matrix(), 1.0, True

    def __init__(self, noise_level=0.0):
        self.noise_level = noise_level

    def baseline(self, y):
        return self.physics.A_dagger(y)


class ExactPrior:
    state_shape = (1, SIDE, SIDE)

    def crop(self, x):
        return x

    def pad(self, x):
        return x


class GaussianPrior(ExactPrior):
    """The exact denoiser of N(m, tau^2 I)."""

    def denoise(self, x, sigma):
        return MEAN + TAU**2 / (TAU**2 + sigma**2) * (x - MEAN)


class MixturePrior(ExactPrior):
    """The exact denoiser of an equal mixture of N(m_i, spread^2 I), i = 1, 2."""

    def __init__(self, means, spread):
        self.means, self.spread = means, spread

    def denoise(self, x, sigma):
        variance = self.spread**2 + sigma**2
        gaps = [x - mean for mean in self.means]
        logits = torch.stack([-gap.square().sum(dim=(1, 2, 3)) / 2 / variance for gap in gaps])
        shares = logits.softmax(dim=0)[:, :, None, None, None]
        means = [x - sigma**2 / variance * gap for gap in gaps]
        return (shares * torch.stack(means)).sum(dim=0)


def run(sampler, y, noise_level=0.0, prior=None):
    """Reconstruct the measurement y (1, m) with 300 seeds."""
    noise, problem = ImageNoise(list(range(CHAINS))), MatrixProblem(noise_level)
    y = y.expand(CHAINS, -1)
    return sampler.reconstruct(
        y, problem, prior or GaussianPrior(), noise, lambda done, total: None
    )
