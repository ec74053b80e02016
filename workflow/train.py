"""Trains one network, resumes exactly, writes weights, card and loss curve."""

import json
import time
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors import SafetensorError, safe_open

from methods.priors.networks import NetworkParams, build_network
from methods.priors.training import Trainer, TrainingParams
from problems.noise import seed_of
from workflow.device import setup
from workflow.files import write_text
from workflow.plugins import make_params
from workflow.progress import ProgressLine
from workflow.store import StoreError, arrays_hash, load_images
from workflow.weights import save_tensors, save_weights

CURVE_POINTS = 200


def train(
    config: dict[str, Any], dataset: str, name: str, data: Path, weights: Path, code: str
) -> None:
    """Train network ``name`` on the images in ``data`` and write ``weights`` and its companions.

    ``code`` is a fingerprint; a checkpoint of other code is not resumed.

    Raises:
        StoreError: the loss is not finite.
        ValueError: parameters that do not fit each other or the images.
    """
    device, precision = setup(config)
    images = load_images(data)
    settings = config["networks"][name]
    network_params = make_params(NetworkParams, settings["network"], f"networks.{name}.network")
    params = make_params(TrainingParams, settings["training"], f"networks.{name}.training")
    seed = seed_of(config["seed"], "train", dataset, name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "initial weights"))
        network = build_network(images.pixels.shape[1], network_params).to(device)
    network.precision = precision
    trainer = Trainer(network, torch.from_numpy(images.pixels).to(device), params, seed)

    data_hash = arrays_hash(images.pixels)
    key = json.dumps([settings, seed, data_hash, str(device), str(precision), code], sort_keys=True)
    checkpoint = Path(weights).with_name("checkpoint.safetensors")
    curve, seconds = _resume(trainer, checkpoint, key)
    progress = ProgressLine(
        f"train {name} on {dataset}", params.examples, "examples", trainer.examples
    )
    start = saved = time.monotonic()
    losses: list[torch.Tensor] = []
    while not trainer.finished:
        losses.append(trainer.step())
        if trainer.examples >= (len(curve) + 1) * params.examples / CURVE_POINTS:
            loss = float(torch.stack(losses).mean())
            if not loss < float("inf"):
                raise StoreError(
                    f"training of {name} diverged after {trainer.examples} examples: "
                    f"lower networks.{name}.training.learning_rate"
                )
            elapsed = seconds + time.monotonic() - start
            curve.append([trainer.examples, round(elapsed, 1), loss])
            losses = []
            progress.update(trainer.examples, f"loss {loss:.4f}")
            if time.monotonic() - saved > config["checkpoint_seconds"]:
                saved = time.monotonic()
                save_tensors(
                    checkpoint,
                    trainer.state(),
                    key=key,
                    curve=json.dumps(curve),
                    seconds=str(elapsed),
                )
    seconds += time.monotonic() - start
    card = {
        "dataset": dataset,
        "network": network_params._asdict(),
        "training": params._asdict(),
        "shape": list(images.pixels.shape[1:]),
        "data_sha256": data_hash,
        "images": len(images.ids),
        "seed": config["seed"],
        "parameters": sum(p.numel() for p in network.parameters()),
        "examples": trainer.examples,
        "pixels": trainer.pixels,
        "steps": trainer.steps,
        "seconds": round(seconds, 1),
        "device": str(device),
        "precision": str(precision).removeprefix("torch."),
        "threads": config["threads"],
        "torch": torch.__version__,
    }
    frame = pd.DataFrame(curve, columns=["examples", "seconds", "loss"])
    write_text(Path(weights).with_name("loss.csv"), frame.to_csv(index=False))
    save_weights(weights, trainer.average, card)
    checkpoint.unlink(missing_ok=True)


def _resume(trainer: Trainer, checkpoint: Path, key: str) -> tuple[list[list[float]], float]:
    """Restore the trainer from a checkpoint of the same training; return its curve and seconds."""
    try:
        with safe_open(checkpoint, "pt", device="cpu") as stored:
            metadata = stored.metadata()
            if metadata["key"] != key:
                return [], 0.0
            names = stored.keys()
            trainer.restore({name: stored.get_tensor(name) for name in names})
    except (FileNotFoundError, SafetensorError):
        return [], 0.0
    return json.loads(metadata["curve"]), float(metadata["seconds"])
