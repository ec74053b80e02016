"""Trained weights on disk: safetensors, with a JSON card beside them."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from methods.priors.assembly import assemble
from methods.priors.base import Prior
from methods.priors.foreign import ForeignDenoiser, Predictor, from_diffusers
from methods.priors.networks import Denoiser, NetworkParams, build_network
from workflow.plugins.contained import reason_of
from workflow.plugins.discovery import imported
from workflow.plugins.params import PluginError, make_params
from workflow.plugins.watch import seeded
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
        shape: (C, H, W) of the images to reconstruct; a network of patches takes any H and W.

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
    patch = card["training"]["patch"]
    bound = 1 if patch else 3  # of channels, height and width
    if tuple(card["shape"])[:bound] != tuple(shape)[:bound]:
        raise StoreError(
            f"{path} was trained for {card['shape']} images, not {list(shape)}: use a prior of "
            "patches, or images of that size"
        )
    if bool(patch) != (assembly != "whole"):
        kind = "patches" if patch else "whole images"
        raise StoreError(f"{path} was trained on {kind}, which {assembly!r} cannot use")
    params = make_params(NetworkParams, card["network"], str(path))
    network = build_network(shape[0], params, patch, card["training"]["batch"][0])
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


def load_foreign(
    foreign: dict[str, Any],
    assembly: str,
    shape: tuple[int | None, int, int],
    device: torch.device,
    precision: torch.dtype,
    overlap: int = 0,
) -> Prior:
    """Build the prior that ``assembly`` makes of a network that was not trained here.

    Args:
        foreign: its ``name``, and the fields of ``workflow.config.foreign.Foreign``.
        shape: (C, H, W) of the images to reconstruct; with C None one or three, as the network
            takes.

    Raises:
        PluginError: it cannot be loaded, or does not denoise images of this shape; one line.
    """
    file, weights = (
        Path(p).expanduser() if p else None for p in map(foreign.get, ("file", "weights"))
    )
    try:
        with seeded(0):  # weights that are drawn are the same in every job
            if file.suffix == ".py":
                model = imported(file).denoiser(*([weights] if weights else []))
            else:
                model = from_diffusers(file)
    except (Exception, SystemExit) as error:
        said = reason_of(error, file)
        raise PluginError(f"networks.{foreign['name']}: {said}") from error
    network = ForeignDenoiser(model).eval().requires_grad_(False).to(device)
    network.precision = precision
    channels, patch = shape[0], foreign["patch"] or 0
    size = (patch, patch) if patch else shape[1:]
    try:
        with seeded(0):
            if channels is None:
                channels = (
                    3 if network.failure((1, *size)) and not network.failure((3, *size)) else 1
                )
            network.check((channels, *size))
    except ValueError as error:
        raise PluginError(f"networks.{foreign['name']}: {error}") from error
    return assemble(network, (channels, *shape[1:]), assembly, patch, overlap)


def described(foreign: dict[str, Any], network: ForeignDenoiser) -> dict[str, Any]:
    """The card of a network that was not trained here, for the record of a row."""
    model, inner = network.model, getattr(network.model, "model", network.model)
    own = inner if isinstance(model, Predictor) else model
    kind = own if hasattr(own, "__qualname__") else type(own)
    return {
        **foreign,
        "model": f"{kind.__module__}.{kind.__qualname__}",
        "converted": str(model) if isinstance(model, Predictor) else "no: denoises as it is",
        "parameters": sum(p.numel() for p in network.parameters()),
        "training_images": "unknown: it was not trained here, and may have seen test images",
    }
