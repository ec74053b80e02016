"""Patch averaging: diffusion posterior sampling with the mean of overlapping denoised patches.

The algorithm is that of PaDIS (``methods/dps.py``), with the same trained network. D(x; sigma) is
the mean, at each pixel, of all patches of a fixed overlapping grid (``prior`` "patch_averaging").

Reference: Ozdenizci, Legenstein, "Restoring Vision in Adverse Weather Conditions with Patch-Based
Denoising Diffusion Models", TPAMI 2023, arXiv 2207.14626, as the "patch averaging" rows of PaDIS,
NeurIPS 2024, arXiv 2406.02462.

Deviations: the averaged patches enter the loop of PaDIS instead of a conditional DDIM, as in the
rows that we reproduce. The overlap of those rows is unknown; their code has 8 pixels for P = 56.
Otherwise those of ``methods/dps.py``.
"""

from methods.dps import DPS


class PatchAveraging(DPS):
    label = "Patch averaging"
    reference = "Ozdenizci, Legenstein, TPAMI 2023, arXiv 2207.14626; Hu et al., NeurIPS 2024"
    prior = "patch_averaging"
