"""Dual-coupled plug-and-play diffusion: ADMM with a diffusion prior as denoiser.

Starting with u = 0 and v the baseline, for each noise level sigma from high to low:

    x    <- argmin_x ||A x - y||^2 / 2 + rho/2 ||x - (v - u)||^2   (conjugate gradients, from v - u)
    v    <- D(x + u + xi; sigma)
    u    <- u + x - v

xi is noise that makes x + u look like an image with white noise of level sigma. For ``noise``
"white", xi is white noise of level sigma itself; for "homogenised" (spectral homogenisation) it is
Gaussian noise with the power spectrum

    max(N sigma^2 - S, 0),    S = |FFT(x + u - v)|^2 smoothed over 7 x 7 frequencies

with N pixels and v of the previous level. "none" omits xi, which gives annealed plug-and-play ADMM.
At the last level v is the mean over ``shifts`` evaluations. The result is a final x near v.

The penalty is rho = weight max(sigma_y^2 / sigma^2, 1e-4); the paper has a constant divided by
sigma^2, also without measurement noise sigma_y. A fixed point solves
A^T (A x - y) + rho (x + u - D(x + u; sigma)) = 0; for a Gaussian prior and weight = 1 its x before
the last step is the posterior mean at every noise level.

Reference: Du, Tian, Wu, Liu, Yu, Wei, Zhang, "Plug-and-Play Diffusion Meets ADMM: Dual-Variable
Coupling for Robust Medical Image Reconstruction", 2026, arXiv 2602.23214.

Deviations: "none" is not in the paper. S is computed per image and channel, not averaged over a
batch, and smoothed periodically. The result is a final x near v instead of v itself, so that it
fits the data if there is no measurement noise.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from torch.nn import functional as F

from methods.base import Method
from methods.proximal import mean_denoised, penalty, proximal
from methods.sampling import Schedule

SMOOTHED = 7  # frequencies per axis over which a periodogram is averaged


class DualDiffusion(Method):
    label = "Dual-coupled diffusion"
    reference = "Du et al., 2026, arXiv 2602.23214"
    prior = "padis"
    samples = {"noise": ["homogenised", "white"]}  # noqa: RUF012

    @dataclass(frozen=True)
    class Params(Schedule):
        weight: NonNegativeFloat = 1.0  # of the penalty, > 0
        sigma_max: PositiveFloat = 0.3  # first noise level, image units
        levels: PositiveInt = 20  # noise levels, one evaluation each
        cg_iterations: PositiveInt = 20  # per x-update
        noise: Literal["homogenised", "white", "none"] = "homogenised"  # xi
        shifts: PositiveInt = 1  # evaluations averaged at the last level

    def reconstruct(self, y, problem, prior, noise, progress):
        p, physics = self.params, problem.physics
        kind_of_xi = p.noise  # the parameter; ``noise`` has the random numbers
        aty = physics.A_adjoint(y)
        v = problem.baseline(y)
        u = torch.zeros_like(v)
        for level, sigma in enumerate(p.sigmas(), start=1):
            rho = penalty(p.weight, sigma, problem)
            x = proximal(physics, aty, v - u, rho, p.cg_iterations)
            noisy = x + u
            if kind_of_xi != "none":
                white = sigma * noise.normal_like(x)
                xi = white if kind_of_xi == "white" else complement(white, noisy - v, sigma)
                noisy = noisy + xi
            v = mean_denoised(prior, noisy, sigma, p.shifts if level == p.levels else 1)
            u = u + x - v
            progress(level, p.levels)
        return proximal(physics, aty, v, rho, p.cg_iterations)


def complement(white: torch.Tensor, residual: torch.Tensor, sigma: float) -> torch.Tensor:
    """Shape white noise so that its sum with ``residual`` has the flat spectrum of level ``sigma``.

    Args:
        white: noise of standard deviation ``sigma``, (B, C, H, W).
        residual: the error already present, (B, C, H, W).
    """
    wanted = residual[0, 0].numel() * sigma**2  # power of white noise at every frequency
    power = torch.fft.fft2(residual).abs().square()
    margin = SMOOTHED // 2
    power = F.avg_pool2d(F.pad(power, [margin] * 4, mode="circular"), SMOOTHED, stride=1)
    gain = (1 - power / wanted).clamp(min=0).sqrt()
    return torch.fft.ifft2(gain * torch.fft.fft2(white)).real
