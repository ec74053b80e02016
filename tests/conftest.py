"""Small problems, networks and priors that the tests share."""

from pathlib import Path

import pytest
import torch

from methods.priors.networks import Denoiser, NetworkParams
from methods.priors.overlap import OverlapPrior
from methods.priors.patch import PatchPrior
from methods.priors.whole import WholeImagePrior
from problems.ct import CT

ROOT = Path(__file__).resolve().parent.parent
torch.set_num_threads(1)


def small_network(channels: int = 1, seed: int = 0) -> Denoiser:
    """A denoiser with random weights that are not the zeros it starts from."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Denoiser(channels, NetworkParams(width=8, multipliers=(1, 2), blocks=1))
        for parameter in network.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)
    return network.eval().requires_grad_(False)


def small_prior(kind: str | None, shape: tuple[int, int, int], patch: int = 8):
    """The prior called ``kind`` in the config ("whole", "padis") over a small random network."""
    if kind is None:
        return None
    network = small_network(shape[0])
    if kind in ("whole", "gaussian"):
        return WholeImagePrior(network, shape)
    if kind == "padis":
        return PatchPrior(network, shape, patch)
    return OverlapPrior(
        network, shape, patch, 2, {"patch_averaging": "average", "patch_stitching": "stitch"}[kind]
    )


@pytest.fixture(scope="session")
def ct() -> CT:
    """CT of 24 x 20 grey images from 6 views."""
    return CT((1, 24, 20), CT.Params(views=6))
