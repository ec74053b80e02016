"""Trained weights on disk: safetensors, with a JSON card beside them."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from methods.priors.assembly import assemble
from methods.priors.base import Prior
from methods.priors.networks import Denoiser, NetworkParams, build_network
from workflow.plugins.params import make_params
from workflow.store.arrays import StoreError, file_hash, load_record, save_record
from workflow.store.files import replacing


def save_tensors(path: Path, tensors: dict[str, torch.Tensor], **metadata: str) -> None:
    """Write tensors and text in one step."""
    stored = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    with replacing(Path(path)) as partial:
        try:
            save_file(stored, partial, metadata)
        except SafetensorError as error:
            raise StoreError(f"{path} cannot be written ({error}): make room") from None


def save_weights(path: Path, network: Denoiser, card: dict[str, Any]) -> None:
    """Write ``path`` (safetensors) and ``card.json`` beside it."""
    save_tensors(path, network.state_dict())
    card = {**card, "weights_sha256": file_hash(path)}
    save_record(Path(path).with_name("card.json"), card)


def shape_of(path: Path) -> tuple[int, int, int]:
    """Shape (C, H, W) of the images that the network at ``path`` was trained on."""
    return tuple(load_record(Path(path).with_name("card.json"))["shape"])


def load_prior(
    path: Path,
    assembly: str,
    shape: tuple[int, int, int],
    device: torch.device,
    precision: torch.dtype,
    overlap: int = 0,
) -> Prior:
    """Build the prior that ``assembly`` makes of the weights at ``path``.

    Args:
        assembly: "whole", "random_grid" (PaDIS), "fixed_grid", "average" or "stitch".
        overlap: pixels that tiles share, "average" and "stitch" only.
        shape: (C, H, W) of the images to reconstruct.

    Raises:
        StoreError: weights or card are missing, damaged, belong to different trainings, or were
            trained for another image shape or kind of prior.
    """
    path = Path(path)
    card = load_record(path.with_name("card.json"))
    missing = {"weights_sha256", "shape", "training", "network"} - set(card)
    if missing:
        raise StoreError(
            f"{path.with_name('card.json')} lacks {min(missing)}: delete {path.parent}"
        )
    remedy = f"delete {path.parent} and run snakemake, which trains it again"
    if not path.exists():
        raise StoreError(f"{path} is missing: {remedy}")
    if file_hash(path) != card["weights_sha256"]:
        raise StoreError(f"{path} does not match its card (damaged or replaced): {remedy}")
    if tuple(card["shape"]) != tuple(shape):
        raise StoreError(
            f"{path} was trained for {card['shape']} images, not {list(shape)}: {remedy}"
        )
    patch = card["training"]["patch"]
    if bool(patch) != (assembly != "whole"):
        kind = "patches" if patch else "whole images"
        raise StoreError(f"{path} was trained on {kind}, which {assembly!r} cannot use")
    network = build_network(shape[0], make_params(NetworkParams, card["network"], str(path)))
    try:
        network.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError) as error:
        raise StoreError(
            f"{path} does not fit its card ({str(error).splitlines()[0]}): {remedy}"
        ) from None
    # Channels last: a forward pass takes 0.7 of the time on a CPU, one with a gradient 0.95.
    network.eval().requires_grad_(False).to(device, memory_format=torch.channels_last)
    network.precision = precision
    return assemble(network, shape, assembly, patch, overlap)
