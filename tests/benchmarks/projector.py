"""Images per second of the sparse projector against ODL's ASTRA CPU ray transform.

Run ``python tests/benchmarks/projector.py``; prints the ratios for 256 x 256 images, 20 views,
batches of 8, forward and adjoint.
"""

import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from problems.physics.tomography import Geometry, Tomography

SIZE, VIEWS, BATCH, REPEATS = 256, 20, 8, 15


def seconds(function) -> float:
    """Median time of a call, after one that is not counted."""
    function()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    geometry = Geometry("parallel", VIEWS)
    physics = Tomography(geometry, SIZE, SIZE)
    transform = geometry.ray_transform(SIZE, SIZE)
    x = torch.rand(BATCH, 1, SIZE, SIZE)
    y = physics.A(x)
    image = transform.domain.element(x[0, 0].numpy())
    sinogram = transform(image)
    print(f"{SIZE} x {SIZE}, {VIEWS} views, {torch.get_num_threads()} threads; images per second:")
    for name, ours, odl in (
        ("forward", lambda: physics.A(x), lambda: transform(image)),
        ("adjoint", lambda: physics.A_adjoint(y), lambda: transform.adjoint(sinogram)),
    ):
        fast, slow = BATCH / seconds(ours), 1 / seconds(odl)
        ratio = fast / slow
        print(f"{name}: sparse, batch of {BATCH}: {fast:.0f}; ODL: {slow:.0f}; ratio {ratio:.1f}")


if __name__ == "__main__":
    main()
