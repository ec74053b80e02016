"""Peak memory of the patch prior against the prior of whole images, by the side of the image.

Run ``python tests/benchmarks/memory.py``; prints MB above those before the call and seconds for one
image of 256, 512 and 1024 pixels a side with the networks of the preset paper, float32: an
evaluation, and one with its gradient. Each case has a process of its own: on a GPU where there is
one, else on one thread of the CPU with at most 8 GB and the seconds of the processor.
``python tests/benchmarks/memory.py quick 64 128`` takes another preset and other sides.
"""

import resource
import subprocess
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from methods.priors.assembly import assemble
from methods.priors.networks import NetworkParams, build_network
from problems.noise import ImageNoise
from workflow.config.resolve import resolve
from workflow.plugins.params import make_params
from workflow.run.costs import seconds_of

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
LIMIT = 8 * 2**30  # bytes, on a CPU
MORE = f"more than {LIMIT / 2**30:.0f} GB"
PRIORS = {"patch": "random_grid", "whole": "whole"}  # network: assembly


def peak() -> float:
    """Largest memory of this process so far in MB: on a GPU, or resident (Linux)."""
    if DEVICE.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def one(preset: str, name: str, side: int, jacobian: bool) -> str:
    """MB and seconds of one evaluation of the network ``name`` on a grey image of ``side``."""
    torch.set_num_threads(1)
    recipe, shape = resolve({"preset": preset})["networks"][name], (1, side, side)
    network = build_network(1, make_params(NetworkParams, recipe["network"], name)).eval()
    network.requires_grad_(False).to(DEVICE, memory_format=torch.channels_last)
    prior = assemble(network, shape, PRIORS[name], recipe["training"].get("patch", 0), 0)
    prior = prior.bind(ImageNoise([0], DEVICE))
    x = torch.rand(1, *prior.state_shape, device=DEVICE, requires_grad=jacobian)

    def evaluate() -> None:
        if jacobian:
            torch.autograd.grad(prior.denoise(x, 0.1).sum(), x)
        else:
            with torch.inference_mode():
                prior.denoise(x, 0.1)

    before = peak()
    if DEVICE.type == "cpu":
        resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT))
    try:
        seconds = seconds_of(evaluate, DEVICE)
    except (RuntimeError, MemoryError) as error:
        return f"does not fit: {str(error).splitlines()[0]}" if DEVICE.type == "cuda" else MORE
    return f"{peak() - before:.0f} MB, {seconds:.3g} s"


def main() -> None:
    preset, *sides = sys.argv[1:] or ("paper", 256, 512, 1024)
    for jacobian in (False, True):
        for name in PRIORS:
            for side in sides:
                case = [preset, name, str(side), *(["jacobian"] if jacobian else [])]
                command = [sys.executable, __file__, "one", *case]
                done = subprocess.run(command, capture_output=True, text=True)
                said = done.stdout.strip() or MORE
                kind = "with Jacobian" if jacobian else "inference"
                print(f"{name}, {side} x {side}, {kind}: {said}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        print(one(sys.argv[2], sys.argv[3], int(sys.argv[4]), "jacobian" in sys.argv))
    else:
        main()
