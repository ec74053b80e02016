"""Speed of the networks of a preset beside the peak of the processor or GPU, by precision.

Run ``python tests/benchmarks/speed.py`` for the preset paper (``... speed.py quick`` for another).
Prints milliseconds per 256 x 256 pixels that a network sees, of an evaluation, one with its
gradient and a training step, and the share of the peak that the step reaches: the peak is that of
a product of two matrices in the same precision. A CPU has one thread, and its own seconds.
"""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from workflow.config.resolve import resolve
from workflow.run.costs import measured, seconds_of

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SIDE = {"cuda": 8192, "cpu": 2048}[DEVICE.type]  # of the matrices
PIXELS = 256 * 256


def peak(precision: torch.dtype) -> float:
    """Operations per second of a product of two matrices of random numbers."""
    a, b = (torch.randn(SIDE, SIDE, device=DEVICE).to(precision) for _ in range(2))
    return 2 * SIDE**3 / seconds_of(lambda: a @ b, DEVICE)


def main() -> None:
    preset = sys.argv[1] if len(sys.argv) > 1 else "paper"
    torch.set_num_threads(1)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    networks = resolve({"preset": preset})["networks"]
    for precision in (torch.float32, torch.bfloat16):
        best = peak(precision)
        print(f"{DEVICE}, {precision}: peak {best / 1e12:.3g} TFLOP/s", flush=True)
        for name in ("patch", "whole", "gaussian"):
            rate = measured(networks[name], [256, 256], DEVICE, precision)
            times = (1e3 * PIXELS * t for t in (rate.inference, rate.gradient, rate.training))
            evaluated, gradient, step = (f"{t:.3g} ms" for t in times)
            done = 3 * rate.flops / rate.training
            print(
                f"  {name}: evaluation {evaluated}, with gradient {gradient}, training {step}; "
                f"{1 / (PIXELS * rate.training):.3g} images/s, {done / 1e12:.3g} TFLOP/s, "
                f"{done / best:.0%} of the peak",
                flush=True,
            )


if __name__ == "__main__":
    main()
