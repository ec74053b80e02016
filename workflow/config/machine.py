"""Machine-dependent settings that do not affect results."""

import fcntl
import os
import random
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLAIMS: list[int] = []  # files that are open, and locked, as long as this process lives


@dataclass(frozen=True)
class Machine:
    """Where and how a job runs; ``environment`` sets it for jobs (``BENCHMARK_...``).

    Attributes:
        threads: cores to use.
        cache: folder for downloads and matrices of operators, which all runs share.
        minutes: of one attempt at a reconstruction; 0 is no limit.
        checkpoint_seconds: of training.
        devices: GPUs, or processes on CPUs, that train a network together.
        jobs_per_gpu: that may share one.
        truth: folders that no method may read.
    """

    threads: int = 1
    cache: Path = Path("results/cache")
    minutes: float = 0.0
    checkpoint_seconds: float = 30.0
    devices: int = 1
    jobs_per_gpu: int = 1
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
    env = os.environ
    return Machine(
        threads=threads,
        cache=Path(env.get("BENCHMARK_CACHE", "results/cache")),
        minutes=float(env.get("BENCHMARK_MINUTES", 0)),
        checkpoint_seconds=float(env.get("BENCHMARK_CHECKPOINT_SECONDS", 30)),
        devices=int(env.get("BENCHMARK_DEVICES", 1)),
        jobs_per_gpu=int(env.get("BENCHMARK_JOBS_PER_GPU", 1)),
        truth=tuple(Path(p) for p in env.get("BENCHMARK_TRUTH", "").split(os.pathsep) if p),
    )


def environment(config: dict[str, Any], run: Path) -> dict[str, str]:
    """What of a configuration ``machine`` reads, for the jobs of ``run`` (results/<name>)."""
    cache = config["cache"]
    return {
        "BENCHMARK_CACHE": cache,
        "BENCHMARK_MINUTES": str(config["time_limit_minutes"] or 0),
        "BENCHMARK_CHECKPOINT_SECONDS": str(config["checkpoint_seconds"]),
        "BENCHMARK_DEVICES": str(config["devices"]),
        "BENCHMARK_JOBS_PER_GPU": str(config["jobs_per_gpu"]),
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


def take_gpus(count: int, sharing: int) -> None:
    """Take so many of the GPUs in ``CUDA_VISIBLE_DEVICES`` for this process; CUDA starts later.

    Args:
        count: GPUs.
        sharing: processes that may have the same one.
    """
    devices = gpus() if "CUDA_VISIBLE_DEVICES" in os.environ else []
    if len(devices) > count:
        taken = claim(devices, count, sharing, Path(tempfile.gettempdir()))
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(taken)


def claim(devices: list[str], count: int, sharing: int, folder: Path) -> list[str]:
    """``count`` of ``devices``, of each a share that no other process has; waits for them.

    They are held until this process exits. The least shared devices come first.

    Args:
        devices: names, as in ``CUDA_VISIBLE_DEVICES``.
        count: at most their number.
        sharing: shares of a device.
        folder: for a file per share, which all jobs of the machine use.
    """
    while True:
        taken: dict[str, int] = {}
        for share in range(sharing):
            for device in [name for name in devices if name not in taken]:
                name = f"benchmark-{os.getuid()}-gpu-{device}.{share}.lock"
                file = os.open(folder / name, os.O_RDWR | os.O_CREAT)
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(file)
                    continue
                taken[device] = file
                if len(taken) == count:
                    CLAIMS.extend(taken.values())
                    return list(taken)
        for file in taken.values():  # avoids a deadlock of two processes
            os.close(file)
        time.sleep(random.uniform(0.2, 0.8))
