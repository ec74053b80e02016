"""How an image prior is assembled from a network: whole, or from patches.

This file imports none of the priors, so that what it costs to list them is nothing, and so that a
change of one of them concerns the rows that use it.
"""

from importlib import import_module

MODULES = {  # assembly: module and class of the prior
    "whole": ("methods.priors.whole", "WholeImagePrior"),
    "random_grid": ("methods.priors.patch", "PatchPrior"),
    "fixed_grid": ("methods.priors.patch", "PatchPrior"),
    "average": ("methods.priors.overlap", "OverlapPrior"),
    "stitch": ("methods.priors.overlap", "OverlapPrior"),
}


def assemble(network, shape: tuple[int, int, int], assembly: str, patch: int, overlap: int):
    """The prior that makes an image of ``shape`` (C, H, W) of what a network does to patches.

    Args:
        network: a ``methods.priors.networks.Denoiser``.
        assembly: "whole", "random_grid" (PaDIS), "fixed_grid", "average" or "stitch".
        patch: patch size, without meaning for "whole".
        overlap: pixels that neighbouring patches share, "average" and "stitch" only.
    """
    module, name = MODULES[assembly]
    prior = getattr(import_module(module), name)
    if assembly == "whole":
        return prior(network, shape)
    if assembly in ("average", "stitch"):
        return prior(network, shape, patch, overlap, assembly)
    return prior(network, shape, patch, assembly)
