"""Baseline: the reconstruction of the problem itself, without a prior.

    x_hat = clip(A^+ y, 0, 1)

A^+ is filtered back-projection with a Hann filter for CT, the measurement itself for deblurring and
nearest-neighbour interpolation for superresolution.

Reference: the "baseline" rows of Hu et al., NeurIPS 2024, arXiv 2406.02462.

Deviations: none.
"""

from methods.base import Method


class Baseline(Method):
    label = "Baseline"
    reference = "Hu, Song, Xu, Shen, Fessler, NeurIPS 2024, arXiv 2406.02462"
    starts_at = ""

    def reconstruct(self, y, problem, prior, noise, progress):
        return problem.baseline(y)
