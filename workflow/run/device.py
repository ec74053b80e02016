"""Where and in which precision a job computes."""

import numpy as np
import torch

from workflow.config.spec import Computed

SHARE = 0.25  # of the free memory of a GPU that the images of a training may take


def setup(job: Computed, threads: int) -> tuple[torch.device, torch.dtype]:
    """Set the number of threads and return device and precision of the networks of a job.

    Raises:
        ValueError: it asks for a GPU that is not there.
    """
    torch.set_num_threads(threads)
    device = job.device
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
    """Whether the processor multiplies bfloat16 in hardware, and PyTorch may use that."""
    if device == "cuda":
        return torch.cuda.get_device_capability() >= (8, 0)
    used = torch.backends.cpu.get_cpu_capability()  # ATEN_CPU_CAPABILITY may lower it
    return used.startswith("AVX512") and torch.cpu._is_avx512_bf16_supported()


def held(pixels: np.ndarray, device: torch.device) -> torch.Tensor:
    """Memory-mapped images as a tensor: on the GPU where they fit, else on the map."""
    images = torch.from_numpy(pixels)
    if device.type == "cuda" and images.nbytes < SHARE * torch.cuda.mem_get_info(device)[0]:
        return images.to(device)
    return images
