"""How an image prior is assembled from a network: whole, or from patches."""

from methods.priors.base import Prior
from methods.priors.networks import Denoiser
from methods.priors.overlap import OverlapPrior
from methods.priors.patch import PatchPrior
from methods.priors.whole import WholeImagePrior


def assemble(
    network: Denoiser, shape: tuple[int, int, int], assembly: str, patch: int, overlap: int
) -> Prior:
    """The prior that makes an image of ``shape`` (C, H, W) of what a network does to patches.

    Args:
        assembly: "whole", "random_grid" (PaDIS), "fixed_grid", "average" or "stitch".
        patch: patch size, without meaning for "whole".
        overlap: pixels that neighbouring patches share, "average" and "stitch" only.
    """
    if assembly == "whole":
        return WholeImagePrior(network, shape)
    if assembly in ("random_grid", "fixed_grid"):
        return PatchPrior(network, shape, patch, assembly)
    return OverlapPrior(network, shape, patch, overlap, assembly)
