"""Patch stitching: diffusion posterior sampling with denoised patches stitched side by side.

The algorithm is that of PaDIS (``methods/dps.py``), with the same trained network. D(x; sigma) is
assembled from a fixed overlapping grid; later patches overwrite earlier ones (``prior``
"patch_stitching").

Reference: tile-and-stitch, as the "patch stitching" rows of Hu, Song, Xu, Shen, Fessler, NeurIPS
2024, arXiv 2406.02462.

Deviations: the overlap of those rows is unknown; their code has 8 pixels for P = 56. Otherwise
those of ``methods/dps.py``.
"""

from methods.dps import DPS


class PatchStitching(DPS):
    label = "Patch stitching"
    reference = "Hu, Song, Xu, Shen, Fessler, NeurIPS 2024, arXiv 2406.02462"
    prior = "patch_stitching"
