"""What a result was made with: code, versions, machine, settings of PyTorch, inputs."""

import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from workflow.plugins.discovery import ROOT
from workflow.store.arrays import file_hash

PACKAGES = (
    *("torch", "deepinv", "odl", "astra-toolbox", "scikit-image", "torchmetrics", "numpy", "scipy"),
    *("pandas", "matplotlib", "safetensors", "snakemake"),
)

COMPARED = ("torch", "deepinv", "odl", "astra-toolbox", "numpy")  # may change numbers in a table
CONDITIONS = (*COMPARED, "processor", "precision")


def made_with(code: dict[str, str], inputs: Iterable[Path]) -> dict[str, Any]:
    """Describe this process.

    Args:
        code: file to digest of the science code that made the result (``workflow.store.digest``);
            the job has compared it with the files that it has loaded (``workflow.run.loaded``).
        inputs: files that it was made of.
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": code,
        **commit(),
        "inputs": hashes(inputs),
        "versions": {"python": platform.python_version(), **versions()},
        "machine": {
            "system": platform.platform(),
            "processor": _cpu(),
            "cores": os.cpu_count(),
        },
        "torch": _torch(),
    }


def conditions(record: dict[str, Any]) -> dict[str, str]:
    """Versions, processor and precision of a reconstruction, by ``CONDITIONS``.

    Empty for records without ``made_with``, as of controls and failures.
    """
    if "made_with" not in record:
        return dict.fromkeys(CONDITIONS, "")
    made = record["made_with"]
    gpu = made["torch"]["gpu"] if record.get("device") == "cuda" else None
    found = {name: made["versions"].get(name) for name in COMPARED}
    found |= {"processor": gpu or made["machine"]["processor"], "precision": record["precision"]}
    return {name: str(value or "") for name, value in found.items()}


def hashes(paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of files by their path."""
    return {str(path): file_hash(path) for path in paths}


def commit() -> dict[str, Any]:
    """Commit of the project and whether its files differ from it; None if it is not in git."""
    try:
        head = _git("rev-parse", "HEAD")
        return {"commit": head, "dirty": bool(_git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "dirty": None}


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def versions() -> dict[str, str | None]:
    """Versions of the packages that make numbers; None if one is not installed."""
    found: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def processor(device: Any) -> str:
    """Name of the processor or GPU that a torch device is."""
    import torch

    return torch.cuda.get_device_name(device) if device.type == "cuda" else _cpu()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _torch() -> dict[str, Any]:
    import torch

    gpu = torch.cuda.is_available()
    return {
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "tf32": torch.backends.cuda.matmul.allow_tf32 or torch.backends.cudnn.allow_tf32,
        "gpu": torch.cuda.get_device_name() if gpu else None,
        "cuda": torch.version.cuda if gpu else None,
    }
