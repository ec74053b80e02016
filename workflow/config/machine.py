"""What of a job depends on where it runs and changes no result."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Machine:
    """Where and how a job runs; ``environment`` sets it for jobs (``BENCHMARK_...``).

    Attributes:
        threads: cores to use.
        cache: folder for downloads and matrices of operators, which all runs share.
        minutes: of one attempt at a reconstruction; 0 is no limit.
        checkpoint_seconds: of training.
        truth: folders that no method may read.
    """

    threads: int = 1
    cache: Path = Path("results/cache")
    minutes: float = 0.0
    checkpoint_seconds: float = 30.0
    truth: tuple[Path, ...] = ()

    @property
    def downloads(self) -> Path:
        """Folder of files that were fetched."""
        return self.cache / "downloads"

    @property
    def operators(self) -> Path:
        """Folder of matrices of operators."""
        return self.cache / "operators"


def machine(threads: int = 1) -> Machine:
    """The machine that the environment describes."""
    said = os.environ
    return Machine(
        threads=threads,
        cache=Path(said.get("BENCHMARK_CACHE", "results/cache")),
        minutes=float(said.get("BENCHMARK_MINUTES", 0)),
        checkpoint_seconds=float(said.get("BENCHMARK_CHECKPOINT_SECONDS", 30)),
        truth=tuple(Path(p) for p in said.get("BENCHMARK_TRUTH", "").split(os.pathsep) if p),
    )


def environment(config: dict[str, Any], run: Path) -> dict[str, str]:
    """What of a configuration ``machine`` reads, for the jobs of ``run`` (results/<name>)."""
    cache = config["cache"]
    return {
        "BENCHMARK_CACHE": cache,
        "BENCHMARK_MINUTES": str(config["time_limit_minutes"] or 0),
        "BENCHMARK_CHECKPOINT_SECONDS": str(config["checkpoint_seconds"]),
        "BENCHMARK_TRUTH": os.pathsep.join([f"{run}/data", f"{cache}/downloads"]),
    }


def gpus() -> list[str]:
    """GPUs that jobs may use: those in ``CUDA_VISIBLE_DEVICES``, else all that nvidia-smi lists."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
        try:
            found = subprocess.run(command, capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            return []
        named = ",".join(found.stdout.split()) if found.returncode == 0 else ""
    return [name.strip() for name in named.split(",") if name.strip() not in ("", "-1")]
