"""Peak memory of the patch prior against the prior of whole images, by the side of the image.

Run ``python tests/benchmarks/memory.py``; prints MB above those before the call and the seconds
of the processor for one image of 256, 512 and 1024 pixels a side with the networks of the preset
paper, one thread, float32: an evaluation, and one with its gradient. Each case has a process of its
own that may take 8 GB.
``python tests/benchmarks/memory.py quick 64 128`` takes another preset and other sides.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from methods.priors.assembly import assemble
from methods.priors.networks import NetworkParams, build_network
from problems.noise import ImageNoise
from workflow.config.resolve import resolve
from workflow.plugins.params import make_params

LIMIT = 8 * 2**30  # bytes
PRIORS = {"patch": "random_grid", "whole": "whole"}  # network: assembly


def peak() -> float:
    """Largest resident memory of this process so far, in MB (Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def one(preset: str, name: str, side: int, jacobian: bool) -> str:
    """MB and seconds of one evaluation of the network ``name`` on a grey image of ``side``."""
    torch.set_num_threads(1)
    recipe, shape = resolve({"preset": preset})["networks"][name], (1, side, side)
    network = build_network(1, make_params(NetworkParams, recipe["network"], name)).eval()
    network.requires_grad_(False).to(memory_format=torch.channels_last)
    prior = assemble(network, shape, PRIORS[name], recipe["training"].get("patch", 0), 0)
    prior = prior.bind(ImageNoise([0], "cpu"))
    x = torch.rand(1, *prior.state_shape)
    before = peak()
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT))
    start = time.process_time()
    try:
        if jacobian:
            x.requires_grad_()
            torch.autograd.grad(prior.denoise(x, 0.1).sum(), x)
        else:
            with torch.inference_mode():
                prior.denoise(x, 0.1)
    except (RuntimeError, MemoryError):
        return f"more than {LIMIT / 2**30:.0f} GB"
    return f"{peak() - before:.0f} MB, {time.process_time() - start:.1f} s"


def main() -> None:
    preset, *sides = sys.argv[1:] or ("paper", 256, 512, 1024)
    for jacobian in (False, True):
        for name in PRIORS:
            for side in sides:
                case = [preset, name, str(side), *(["jacobian"] if jacobian else [])]
                command = [sys.executable, __file__, "one", *case]
                done = subprocess.run(command, capture_output=True, text=True)
                said = done.stdout.strip() or f"more than {LIMIT / 2**30:.0f} GB"
                kind = "with Jacobian" if jacobian else "inference"
                print(f"{name}, {side} x {side}, {kind}: {said}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        print(one(sys.argv[2], sys.argv[3], int(sys.argv[4]), "jacobian" in sys.argv))
    else:
        main()
