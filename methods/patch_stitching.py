"""Patch stitching: diffusion posterior sampling with denoised patches that are put side by side.

The algorithm is that of PaDIS (``methods/dps.py``), with D(x; sigma) assembled from a fixed
overlapping grid of which the later patch overwrites the earlier one (``prior`` "patch_stitching");
the same trained network.

Reference: tile-and-stitch, as the "patch stitching" rows of Hu, Song, Xu, Shen, Fessler, NeurIPS
2024, arXiv 2406.02462.

Deviations: the overlap of those rows is not known; their code has 8 pixels for P = 56. Else those
of ``methods/dps.py``.
"""

from methods.dps import DPS


class PatchStitching(DPS):
    label = "Patch stitching"
    reference = "Hu, Song, Xu, Shen, Fessler, NeurIPS 2024, arXiv 2406.02462"
    prior = "patch_stitching"
