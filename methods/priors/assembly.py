"""Builds an image prior from a network, for whole images or from patches.

Priors are imported when needed: listing them is cheap, and a change of one affects only the rows
that use it.
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
    """Build the prior for images of ``shape`` (C, H, W).

    Args:
        network: a ``methods.priors.networks.Denoiser``.
        assembly: "whole", "random_grid" (PaDIS), "fixed_grid", "average" or "stitch".
        patch: patch size; ignored for "whole".
        overlap: pixels that neighbouring patches share, "average" and "stitch" only.
    """
    module, name = MODULES[assembly]
    prior = getattr(import_module(module), name)
    if assembly == "whole":
        return prior(network, shape)
    if assembly in ("average", "stitch"):
        return prior(network, shape, patch, overlap, assembly)
    return prior(network, shape, patch, assembly)
