"""Networks in one ZIP file: their files, and a manifest with hashes and records of trainings."""

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workflow.store.arrays import StoreError, file_hash
from workflow.store.files import replacing
from workflow.store.made import FILES

FORMAT = "padis-benchmark networks 1"
MANIFEST = "manifest.json"
LARGEST = 2**26  # bytes of a manifest
NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*){1,2}", re.ASCII)  # ct/patch, ct/1/patch
HASH = re.compile(r"[0-9a-f]{16}")
TRAINED = {"seconds": float | int, "parameters": int, "processor": str}  # of a training
CHUNK = 2**20
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


def write_bundle(
    path: Path, about: dict[str, Any], networks: dict[str, tuple[Path, dict[str, Any]]]
) -> None:
    """Write a bundle in one step.

    Args:
        path: the file.
        about: where the networks are from.
        networks: name to folder and what the manifest says of it; ``hash`` and ``record`` of the
            training among it, and ``trained``, its fields in ``TRAINED``.
    """
    listed = []
    for name, (folder, said) in networks.items():
        hashes = {file: file_hash(folder / file) for file in FILES}
        sizes = {file: (folder / file).stat().st_size for file in FILES}
        files = {file: {"sha256": hashes[file], "bytes": sizes[file]} for file in FILES}
        listed.append({"name": name, **said, "files": files})
    manifest = json.dumps({"format": FORMAT, **about, "networks": listed}, indent=1)
    with replacing(Path(path)) as partial, zipfile.ZipFile(partial, "w") as archive:
        archive.writestr(MANIFEST, manifest)
        for name, (folder, _) in networks.items():
            for file in FILES:
                archive.write(folder / file, f"{name}/{file}")


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a bundle, whose names and sizes are checked.

    Raises:
        StoreError: there is no such file, it is no bundle, damaged, or holds a name that could
            lead out of a folder.
    """
    with _opened(path) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
        if not 0 < sizes.get(MANIFEST, 0) <= LARGEST:
            raise StoreError(f"{path} holds no {MANIFEST}: name a file of `weights export`")
        for name in sizes:
            if name != MANIFEST and not NAME.fullmatch(name.rpartition("/")[0]):
                raise StoreError(
                    f"{path} holds the name {name!r}, which no export writes: do not trust it"
                )
        try:
            manifest = json.loads(archive.read(MANIFEST))
            known = manifest["format"] == FORMAT
            for network in manifest["networks"] if known else ():
                _check(path, network, sizes)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"{path} has a damaged manifest: download it again") from None
    if not known:
        raise StoreError(f"{path} is of another version of this benchmark: export it again")
    return manifest


def _check(path: Path, network: dict[str, Any], sizes: dict[str, int]) -> None:
    """Refuse names, records and sizes that no export writes."""
    name, record = network["name"], network["record"]
    trained = network["trained"]
    if not all(isinstance(trained[key], kind) for key, kind in TRAINED.items()):
        raise ValueError("a training that cannot be shown")
    text = json.dumps(record, sort_keys=True)
    right = hashlib.sha256(text.encode()).hexdigest()[:16] == network["hash"]
    named = f"{record['dataset']}/{record['name']}" == name
    if not (NAME.fullmatch(name) and HASH.fullmatch(network["hash"]) and right and named):
        raise StoreError(f"{path}: {name!r} does not match its record: download it again")
    for file in FILES:
        if sizes.get(f"{name}/{file}") != network["files"][file]["bytes"]:
            raise StoreError(f"{path} lacks a whole {name}/{file}: download it again")


def extract(path: Path, network: dict[str, Any], folder: Path) -> None:
    """Write the files of one network of a manifest to ``folder``, which is made.

    Raises:
        StoreError: a file is damaged or not the one of the manifest.
    """
    Path(folder).mkdir(parents=True)
    with _opened(path) as archive:
        for file in FILES:
            digest = hashlib.sha256()
            name = f"{network['name']}/{file}"
            with archive.open(name) as stored, open(folder / file, "wb") as out:
                while data := stored.read(CHUNK):
                    digest.update(data)
                    out.write(data)
            if digest.hexdigest() != network["files"][file]["sha256"]:
                raise StoreError(f"{path}: {name} has a wrong hash: download it again")


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    if not Path(path).is_file():
        raise StoreError(f"there is no file {path}: name one of `weights export`")
    if not zipfile.is_zipfile(path):
        raise StoreError(f"{path} is no whole ZIP file: download it again")
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except BROKEN as error:
        raise StoreError(f"{path} is damaged ({error}): download it again") from None
