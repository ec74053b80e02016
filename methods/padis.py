"""PaDIS: diffusion posterior sampling with a patch prior on a randomly shifted grid.

The algorithm is ``methods/dps.py``. D(x; sigma) denoises the image as K x L non-overlapping patches
of a zero-padded canvas; the grid is shifted at random before every evaluation, so that seams do not
stay in place (``prior`` "padis").

Reference: Hu, Song, Xu, Shen, Fessler, "Learning Image Priors through Patch-based Diffusion Models
for Solving Inverse Problems", NeurIPS 2024, arXiv 2406.02462, algorithm 1.

Deviations: those of ``methods/dps.py``.
"""

from methods.dps import DPS


class PaDIS(DPS):
    label = "PaDIS"
    reference = "Hu, Song, Xu, Shen, Fessler, NeurIPS 2024, arXiv 2406.02462"
    prior = "padis"
