"""Prepares the images of a dataset."""

from pathlib import Path

from problems.datasets.base import DataError
from workflow.config.machine import Machine
from workflow.config.spec import Prepare
from workflow.plugins.discovery import load
from workflow.plugins.params import make_params
from workflow.store.arrays import save_images


def prepare(job: Prepare, out: Path, *downloads: Path, machine: Machine) -> None:
    """Write the images of one split; ``downloads`` are files that the source reads.

    Raises:
        DataError: a test patient is a training or validation patient too.
    """
    source = load("dataset", job.source)
    images = source(
        make_params(source.Params, job.params, f"datasets.{job.dataset}"), machine.downloads
    )
    loaded = images.load(job.split, tuple(job.size), job.count)
    if job.split == "test":
        others = {raw.cluster for s in ("train", "validation") for raw in images.images(s)}
        shared = others & set(loaded.clusters)
        if shared:
            raise DataError(
                f"{job.dataset}: {min(shared)} is a test patient and a training or validation "
                "patient; keep it in one split"
            )
    save_images(out, loaded)
