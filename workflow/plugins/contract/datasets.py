"""The contract of ``problems.datasets.base.Dataset``."""

from pathlib import Path
from typing import Any

import numpy as np

from problems.datasets.sources import fetch_missing
from workflow.plugins.contract import Check, require
from workflow.plugins.discovery import find
from workflow.plugins.params import make_params

SIZE = (32, 28)
DOWNLOADS = Path("results/cache/downloads")


class Case:
    """A dataset, its images reduced to a small size."""

    def __init__(self, name: str, params: dict[str, Any], downloads: Path = DOWNLOADS):
        self.plugin = find("dataset", name)
        self.cls = self.plugin.cls
        fetch_missing(self.cls.downloads, downloads)
        self.dataset = self.cls(make_params(self.cls.Params, params, name), downloads)
        self.splits = {s: self.dataset.load(s, SIZE) for s in self.dataset.splits}


def arrays(case: Case) -> None:
    """Every split has images in [0, 1] with distinct names, each of a patient or person."""
    for split, images in case.splits.items():
        count, pixels = len(images.ids), images.pixels
        require(count, f"{split} has no image")
        require(count == len(set(images.ids)), f"{split}: two images have one name")
        require(count == len(images.clusters) == len(pixels), f"{split}: lengths differ")
        require(pixels.dtype == np.float32, f"{split}: pixels are {pixels.dtype}, not float32")
        require(pixels.shape[2:] == SIZE, f"{split}: pixels have shape {pixels.shape}")
        require(pixels.min() >= 0 and pixels.max() <= 1, f"{split}: pixels leave [0, 1]")
        require(pixels.std() > 0.01, f"{split}: the images show nothing")


def apart(case: Case) -> None:
    """No test patient is a training patient, and no training image a validation image."""
    if "train" in case.splits:
        train, test = case.splits["train"], case.splits["test"]
        shared = set(train.clusters) & set(test.clusters)
        require(not shared, f"{sorted(shared)[:1]} is in train and test")
        shared = set(train.ids) & set(case.splits["validation"].ids)
        require(not shared, f"{sorted(shared)[:1]} is in train and validation")


def repeatable(case: Case) -> None:
    """Loading twice gives the same images, and a limit is kept."""
    again = case.dataset.load("test", SIZE)
    require(np.array_equal(again.pixels, case.splits["test"].pixels), "two loads differ")
    require(len(case.dataset.load("test", SIZE, limit=1).ids) == 1, "limit=1 gives more than one")


def described(case: Case) -> None:
    """It has a label, a reference and a licence."""
    for name in ("label", "reference", "licence"):
        require(getattr(case.dataset, name, ""), f"the class lacks {name}: set {name} = '...'")


CHECKS: list[Check] = [arrays, apart, repeatable, described]
