"""PaDIS: diffusion posterior sampling with a prior of patches on a grid that moves.

The algorithm is that of ``methods/dps.py``. D(x; sigma) denoises the image as K x L non-overlapping
patches of a zero-padded canvas; the grid is shifted at random before every evaluation, so that no
seam stays in place (``prior`` "padis").

Reference: Hu, Song, Xu, Shen, Fessler, "Learning Image Priors through Patch-based Diffusion Models
for Solving Inverse Problems", NeurIPS 2024, arXiv 2406.02462, algorithm 1.

Deviations: those of ``methods/dps.py``.
"""

from methods.dps import DPS


class PaDIS(DPS):
    label = "PaDIS"
    reference = "Hu, Song, Xu, Shen, Fessler, NeurIPS 2024, arXiv 2406.02462"
    prior = "padis"
