"""Where and in which precision a job computes."""

import fcntl
import os
import tempfile
import time
from pathlib import Path

import torch

from workflow.config.spec import Computed

CLAIMS: list[int] = []  # files that are open, and locked, as long as this process lives


def claim(devices: list[str], folder: Path) -> str:
    """One of ``devices`` that no other process has; waits for one. It is this process's to its end.

    Args:
        devices: names, as in ``CUDA_VISIBLE_DEVICES``.
        folder: for a file per device, which all jobs of the machine share.
    """
    while True:
        for device in devices:
            name = f"benchmark-{os.getuid()}-gpu-{device}.lock"
            file = os.open(folder / name, os.O_RDWR | os.O_CREAT)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                continue
            CLAIMS.append(file)
            return device
        time.sleep(0.5)


def setup(job: Computed, threads: int) -> tuple[torch.device, torch.dtype]:
    """Set the number of threads and return device and precision of the networks of a job.

    Raises:
        ValueError: it asks for a GPU that is not there.
    """
    torch.set_num_threads(threads)
    device = job.device
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    if device != "cpu" and len(visible) > 1:  # must be done before CUDA starts
        os.environ["CUDA_VISIBLE_DEVICES"] = claim(visible, Path(tempfile.gettempdir()))
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is cuda, but PyTorch finds no GPU; set device: auto or cpu")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    # float32 means float32: no TF32 on GPUs.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    if job.precision == "auto":
        return torch.device(device), torch.bfloat16 if fast_bfloat16(device) else torch.float32
    return torch.device(device), getattr(torch, job.precision)


def fast_bfloat16(device: str) -> bool:
    """Whether the processor multiplies bfloat16 in hardware."""
    if device == "cuda":
        return torch.cuda.get_device_capability() >= (8, 0)
    return torch.cpu._is_avx512_bf16_supported()
