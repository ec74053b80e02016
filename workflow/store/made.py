"""Networks that were trained elsewhere: a folder per training in the cache, which all runs share.

A training of the same record (``workflow.config.spec``) takes what lies in
``<cache>/networks/<hash of the record>/`` instead of starting.
"""

from pathlib import Path
from shutil import copyfile
from typing import Any

from workflow.store.arrays import StoreError, file_hash, load_record
from workflow.store.files import replacing

WEIGHTS, CARD = "weights.safetensors", "card.json"
CURVES = ("loss.csv", "validation.csv")
FILES = (WEIGHTS, *CURVES, CARD)  # of a network; the card comes last, with it a network is whole


def folder_of(cache: Path, job_hash: str) -> Path:
    """Where the network of the training with this hash lies, if it was imported."""
    return Path(cache) / "networks" / job_hash


def load_made(folder: Path) -> dict[str, Any]:
    """The card of the network in ``folder``, whose files are checked to be there and undamaged.

    Raises:
        StoreError: a file is missing, or the weights are not those of the card.
    """
    card = load_record(folder / CARD)
    missing = [name for name in FILES if not (folder / name).exists()]
    if missing:
        raise StoreError(f"{folder / missing[0]} is missing: delete {folder}")
    if not isinstance(card, dict) or file_hash(folder / WEIGHTS) != card.get("weights_sha256"):
        raise StoreError(f"{folder / WEIGHTS} does not match its card: delete {folder}")
    return card


def take(job_hash: str, data_hash: str, out: Path, cache: Path) -> bool:
    """Copy an imported network of this training to ``out`` and beside it, and say so.

    Args:
        job_hash: of the record of the training.
        data_hash: of the images that it would see (``workflow.store.images.Split.sha256``).

    Returns:
        Whether there was one. One that has seen other images, as another version of a package that
        reads them may give, is not taken.

    Raises:
        StoreError: it is damaged.
    """
    folder = folder_of(cache, job_hash)
    if not folder.exists():
        return False
    card = load_made(folder)
    origin = f"{card['imported']['file']} (training of {card['seconds']:.0f} s)"
    if card["data_sha256"] != data_hash:
        print(f"the network of {origin} has seen other images and is not taken: training")
        return False
    for name in FILES:
        with replacing(Path(out).with_name(name)) as partial:
            copyfile(folder / name, partial)
    print(f"taken from {origin}, nothing was trained")
    return True
