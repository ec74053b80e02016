"""Reading and writing of arrays and records; damaged files are named, not guessed around."""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from problems.datasets.base import Images
from workflow.store.files import replacing, write_text


class StoreError(ValueError):
    """A file of the run that is missing, damaged or does not fit; one line with the fix."""


def save_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write named arrays in one step (NPZ without pickles)."""
    with replacing(Path(path)) as partial:
        np.savez(partial, **arrays)


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read named arrays.

    Raises:
        StoreError: the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    except FileNotFoundError:
        raise StoreError(f"{path} is missing: run snakemake, which makes it") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise StoreError(f"{path} is damaged ({error}): delete it and run snakemake") from None


def save_record(path: Path, record: dict[str, Any]) -> None:
    """Write a JSON file in one step."""
    write_text(Path(path), json.dumps(record, indent=1, sort_keys=True) + "\n")


def load_record(path: Path) -> dict[str, Any]:
    """Read a JSON file.

    Raises:
        StoreError: the file is missing or damaged.
    """
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError:
        raise StoreError(f"{path} is missing: run snakemake, which makes it") from None
    except ValueError:
        raise StoreError(f"{path} is damaged: delete it and run snakemake") from None


def save_measurements(path: Path, y: np.ndarray, truth: Images) -> None:
    """Write measurements (n, ...) of ``truth``, of which names, folds and shape are kept."""
    names = {"ids": np.array(truth.ids), "folds": np.array(truth.folds)}
    shape, hashed = np.array(truth.pixels.shape[1:]), np.array(arrays_hash(y))
    save_arrays(path, y=y, **names, shape=shape, sha256=hashed)


def load_measurements(path: Path) -> dict[str, np.ndarray]:
    """Read what ``save_measurements`` wrote, checked against its hash."""
    stored = load_arrays(path)
    if arrays_hash(stored["y"]) != str(stored["sha256"]):
        raise StoreError(f"{path} is damaged (wrong hash): delete it and run snakemake")
    return stored


def arrays_hash(*arrays: np.ndarray) -> str:
    """SHA-256 of shapes and contents, independent of how they are stored."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
