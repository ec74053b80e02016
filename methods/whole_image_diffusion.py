"""Whole-image diffusion: diffusion posterior sampling with a whole-image prior.

The algorithm is that of PaDIS (``methods/dps.py``), with D(x; sigma) a network that sees the whole
image (``prior`` "whole").

Reference: Chung, Kim, Mccann, Klasky, Ye, "Diffusion Posterior Sampling for General Noisy Inverse
Problems", ICLR 2023, arXiv 2209.14687, as the "whole image diffusion" rows of PaDIS, NeurIPS 2024,
arXiv 2406.02462.

Deviations: variance-exploding Langevin updates instead of the variance-preserving DDPM steps of
DPS, as in the rows that we reproduce; otherwise those of ``methods/dps.py``.
"""

from methods.dps import DPS


class WholeImageDiffusion(DPS):
    label = "Whole-image diffusion"
    reference = "Chung et al., ICLR 2023, arXiv 2209.14687; Hu et al., NeurIPS 2024"
    prior = "whole"
