"""Networks that were not trained here: how a configuration names them, and their files."""

import json
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from workflow.config.entry import Entry, Int
from workflow.config.yaml import ConfigError
from workflow.plugins.discovery import imported
from workflow.plugins.params import PluginError
from workflow.store.arrays import file_hash

PICKLES = (".pkl", ".pickle")


class Foreign(Entry):
    """A network that was not trained here; all datasets and folds have the same."""

    file: str
    """Python file with a function `denoiser`, or folder in the format of diffusers."""
    weights: str | None = None
    """File or folder that `denoiser` is called with; without it it is called with nothing."""
    patch: Annotated[Int, Field(ge=2)] | None = None
    """Side of the patches that it is used on; without it it is used on whole images."""


def files_of(foreign: dict[str, Any]) -> list[Path]:
    """Files of a network, absolute; of folders all that are not hidden."""
    found: list[Path] = []
    for name in (foreign["file"], foreign["weights"]):
        place = Path(name).expanduser().absolute() if name else None
        if place and place.is_dir():
            inside = sorted(place.rglob("*"))
            shown = [p for p in inside if not any(n[0] == "." for n in p.relative_to(place).parts)]
            found += [path for path in shown if path.is_file()]
        elif place:
            found.append(place)
    return found


def known_as(name: str, foreign: dict[str, Any]) -> str:
    """Name and a hash of what a network is, in place of the folder of one that is trained here.

    A Python file is not in the hash: its digest is among those of the code of a job.
    """
    hashes = [_hash(p, p.stat().st_mtime_ns) for p in files_of(foreign) if p.suffix != ".py"]
    text = json.dumps([hashes, foreign["patch"]])
    return f"{name}-{sha256(text.encode()).hexdigest()[:16]}"


@cache
def _hash(path: Path, changed: int) -> str:
    return file_hash(path)


def check_files(foreign: dict[str, Any], owner: str) -> None:
    """Check that the files of a network are there, and that they can be used.

    Raises:
        ConfigError: one is missing, or of a kind that is not read.
    """
    for name in (foreign["file"], foreign["weights"]):
        if name and Path(name).suffix in PICKLES:
            raise ConfigError(
                f"{owner}: {name} is a pickle, and reading it runs code that is in it: convert it "
                "to safetensors with the code of its authors, and load that in a Python file"
            )
        if name and not Path(name).expanduser().exists():
            raise ConfigError(f"{owner}: there is no file or folder {name}")
    place = Path(foreign["file"]).expanduser()
    if place.is_dir():
        if not any((place / name).exists() for name in ("config.json", "unet/config.json")):
            raise ConfigError(f"{owner}: {place} has no config.json, as diffusers writes it")
        if foreign["weights"]:
            raise ConfigError(f"{owner}: {place} has its weights in it; remove `weights`")
    elif place.suffix != ".py":
        raise ConfigError(
            f"{owner}: {place} is no Python file: write one whose function `denoiser` loads it, "
            "and name the other as `weights`"
        )


def check_code(foreign: dict[str, Any], owner: str) -> None:
    """Check that the Python file of a network can be imported and defines ``denoiser``.

    Raises:
        PluginError: it cannot.
    """
    place = Path(foreign["file"])
    if place.suffix == ".py" and not callable(getattr(imported(place), "denoiser", None)):
        raise PluginError(f"{owner}: {place.name} defines no function `denoiser`")
