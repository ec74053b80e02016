"""Trains one network, resumes exactly, writes weights, card, loss and validation curve."""

import json
import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from filelock import FileLock
from safetensors import SafetensorError, safe_open

from methods.priors.assembly import assemble
from methods.priors.fitted import Fitted
from methods.priors.networks import NetworkParams, build_network
from methods.priors.processes import processes
from methods.priors.training import Trainer, TrainingParams, trainer_of
from problems.datasets.base import Images, nested
from problems.noise import ImageNoise, seed_of
from workflow.config.machine import Machine
from workflow.config.spec import Train, parse
from workflow.plugins.params import make_params
from workflow.run.device import held, setup
from workflow.run.progress import ProgressLine
from workflow.score.psnr import mean_psnr
from workflow.store.arrays import StoreError, file_hash, load_record
from workflow.store.files import write_text
from workflow.store.images import Split, load_images, open_images
from workflow.store.provenance import made_with
from workflow.store.weights import save_tensors, save_weights

CURVE_POINTS = 200  # of the loss


def train(job: Train, out: Path, images: Path, validation: Path, machine: Machine) -> None:
    """Train a network on ``images`` and write its weights to ``out``, its companions beside them.

    At each point of the validation curve the averaged network denoises the images in
    ``validation``; no network learns from them, and the time is not counted. A checkpoint of
    another job is not resumed. An existing network of the same images is kept, also if another run
    is training it.

    Raises:
        StoreError: the loss is not finite.
        ValueError: parameters that do not fit each other or the images.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    helps = os.environ.get("LOCAL_RANK", "0") != "0"  # a process of a training that has the lock
    with nullcontext() if helps else FileLock(out.with_name("training.lock")):
        split = open_images(images).of_fold(job.fold).first(job.images["used"])
        if not helps and is_made(job, out, split.sha256):
            print(f"{out.parent} is there: nothing to train")
            return
        _train(job, out, images, validation, split, machine)


def is_made(job: Train, out: Path, data_sha256: str) -> bool:
    """Whether ``out`` and its companions are whole, and of this training and these images."""
    files = [out.with_name(name) for name in ("card.json", out.name, "loss.csv", "validation.csv")]
    if not all(path.exists() for path in files):
        return False
    try:
        card = load_record(files[0])
        same = parse(card["spec"]).hash == job.hash and card["data_sha256"] == data_sha256
        return same and card["weights_sha256"] == file_hash(out)
    except (StoreError, KeyError, ValueError):
        return False


def _train(
    job: Train, out: Path, images: Path, validation: Path, split: Split, machine: Machine
) -> None:
    device, precision = setup(job, max(1, machine.threads // machine.devices))
    visible = torch.cuda.device_count() if device.type == "cuda" else machine.devices
    if machine.devices > visible:
        raise ValueError(
            f"devices is {machine.devices}, but PyTorch finds {visible} GPUs; lower it"
        )
    fabric = processes(device, machine.devices)
    fabric.launch()
    device, leads = fabric.device, fabric.is_global_zero
    pixels, shape = held(split.pixels, device), split.pixels.shape[1:]
    network_params = make_params(NetworkParams, job.network, f"networks.{job.name}.network")
    params = make_params(TrainingParams, job.training, f"networks.{job.name}.training")
    seed = seed_of(job.seed, "train", job.dataset, job.name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "initial weights"))
        network = build_network(shape[0], network_params, params.patch, params.batch[0])
    # Channels last: a step takes 0.88 of the time on a CPU.
    network = network.to(device, memory_format=torch.channels_last)
    network.precision = precision
    trainer = trainer_of(network, pixels, params, seed, split.names["row"].tolist(), fabric)
    checked = load_images(validation).of_fold(job.fold)
    validate = _validation(trainer.average, params, checked, device, job.validation)

    key = json.dumps([job.hash, split.sha256, device.type, str(precision)])
    checkpoint = out.with_name("checkpoint.safetensors")
    curve, checks, seconds = _resume(trainer, checkpoint, key)
    progress = ProgressLine(
        f"train {job.name} on {job.dataset}", params.examples, "examples", trainer.examples
    )
    start = saved = time.monotonic()
    losses: list[torch.Tensor] = []
    while not trainer.finished:
        losses.append(trainer.step())
        due = (len(checks) + 1) * params.examples / job.validation["points"]
        if leads and (trainer.examples >= due or trainer.finished):
            before = time.monotonic()
            elapsed = seconds + before - start
            checks.append([trainer.examples, trainer.pixels, round(elapsed, 1), *validate()])
            start += time.monotonic() - before
        if trainer.examples >= (len(curve) + 1) * params.examples / CURVE_POINTS:
            loss = float(fabric.all_reduce(torch.stack(losses).mean()))
            if not loss < float("inf"):
                raise StoreError(
                    f"training of {job.name} diverged after {trainer.examples} examples: "
                    f"lower networks.{job.name}.training.learning_rate"
                )
            elapsed = seconds + time.monotonic() - start
            curve.append([trainer.examples, round(elapsed, 1), loss])
            losses = []
            if leads:
                progress.update(trainer.examples, f"loss {loss:.4f}")
            if leads and time.monotonic() - saved > machine.checkpoint_seconds:
                saved = time.monotonic()
                save_tensors(
                    checkpoint,
                    trainer.state(),
                    key=key,
                    curve=json.dumps(curve),
                    checks=json.dumps(checks),
                    seconds=str(elapsed),
                )
    if not leads:
        return
    seconds += time.monotonic() - start
    card = {
        "dataset": job.dataset,
        "name": job.name,
        "network": network_params._asdict(),
        "training": params._asdict(),
        "shape": list(shape),
        "data_sha256": split.sha256,
        "images": len(split.names),
        "seed": job.seed,
        "parameters": sum(p.numel() for p in network.parameters()),
        "examples": trainer.examples,
        "pixels": trainer.pixels,
        "steps": trainer.steps,
        "seconds": round(seconds, 1),
        "device": device.type,
        "devices": machine.devices,
        "precision": str(precision).removeprefix("torch."),
        "threads": machine.threads,
        "made_with": made_with(
            job.code, [path.with_suffix(".csv") for path in (images, validation)]
        ),
        "spec": job.record,
    }
    frame = pd.DataFrame(curve, columns=["examples", "seconds", "loss"])
    write_text(out.with_name("loss.csv"), frame.to_csv(index=False))
    levels = [f"sigma_{sigma:g}" for sigma in job.validation["sigmas"]]
    frame = pd.DataFrame(checks, columns=["examples", "pixels", "seconds", *levels])
    write_text(out.with_name("validation.csv"), frame.to_csv(index=False))
    save_weights(out, trainer.average, card)
    for left in [checkpoint, *out.parent.glob(".*")]:  # hidden: of attempts killed while writing
        left.unlink(missing_ok=True)


def _validation(
    network: torch.nn.Module,
    params: TrainingParams,
    images: Images,
    device: torch.device,
    settings: dict[str, Any],
) -> Callable[[], list[float]]:
    """Return what gives the mean PSNR of ``network`` as a denoiser at each noise level.

    Images, noise and grids are the same every time. A level that is not trained gives NaN.
    """
    chosen = nested(len(images.ids), settings["images"])
    truth = torch.from_numpy(images.pixels[chosen])
    shape = tuple(truth.shape[1:])
    assembly = "random_grid" if params.patch else "whole"
    if isinstance(network, Fitted):
        assembly = "average"
    prior = assemble(network, shape, assembly, params.patch, params.patch // 2)

    def psnr(sigma: float) -> float:
        if not params.sigma_min <= sigma <= params.sigma_max:
            return float("nan")
        noise = ImageNoise([seed_of("validation", sigma, images.ids[i]) for i in chosen], device)
        noisy = truth.to(device) + sigma * noise.normal(shape)
        return mean_psnr(truth, prior.bind(noise).denoise(noisy, sigma).cpu())

    def validate() -> list[float]:
        with torch.inference_mode():
            return [round(psnr(sigma), 3) for sigma in settings["sigmas"]]

    return validate


def _resume(
    trainer: Trainer, checkpoint: Path, key: str
) -> tuple[list[list[float]], list[list[float]], float]:
    """Restore the trainer from a checkpoint of the same training.

    Returns:
        Its loss and validation curve and its seconds; nothing and 0 if there is no checkpoint.
    """
    try:
        with safe_open(checkpoint, "pt", device="cpu") as stored:
            metadata = stored.metadata()
            if metadata["key"] != key:
                return [], [], 0.0
            names = stored.keys()
            trainer.restore({name: stored.get_tensor(name) for name in names})
    except (FileNotFoundError, SafetensorError):
        return [], [], 0.0
    curves = (json.loads(metadata[name]) for name in ("curve", "checks"))
    return *curves, float(metadata["seconds"])
