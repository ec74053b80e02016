"""Controls: what could be had without a method, made from what no method is given.

They bound a table. Their names and labels are in ``workflow.config.views.CONTROLS``.
"""

from pathlib import Path

import numpy as np
import torch
from deepinv.optim.linear import conjugate_gradient

from problems.base import Problem
from problems.datasets.base import Images
from workflow.config.build import build_problem
from workflow.config.machine import Machine
from workflow.config.spec import Controls
from workflow.store.arrays import save_arrays, save_record
from workflow.store.images import Split, load_images, open_images

ITERATIONS = 1000  # of conjugate gradients


def mean_image(problem: Problem, truth: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
    """m, the mean training image of the fold: what is known without a measurement."""
    return mean


def oracle(problem: Problem, truth: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
    """m + A^+ A (x - m): the measured part of the truth x without noise, the rest from m.

    A^+ A is the projection onto the range of A^T, by conjugate gradients on least squares in double
    precision. Directions that hardly reach the measurement count as null-space: how weak they are
    is decided by the number of iterations. ``problem`` is in double precision afterwards.
    """
    physics = problem.physics.double()

    def normal(x):
        return physics.A_adjoint(physics.A(x))

    b = normal((truth - mean).double())
    start = torch.zeros_like(b)
    step = conjugate_gradient(
        normal, b, ITERATIONS, tol=1e-12, eps=1e-30, parallel_dim=[0], init=start
    )
    return mean + step.float()


def training_means(truth: Images, training: Split) -> torch.Tensor:
    """The mean training image of the fold of every test image, (n, C, H, W).

    Where the training images are of a dataset with fewer folds, it is that of its last one, as with
    networks.
    """
    last = int(training.names["fold"].max())
    means = {fold: training.of_fold(min(fold, last)).mean() for fold in set(truth.folds)}
    return torch.from_numpy(np.stack([means[fold] for fold in truth.folds]))


CONTROLS = {"mean_image": mean_image, "oracle": oracle}


def controls(job: Controls, out: Path, images: Path, train: Path, machine: Machine) -> None:
    """Write the controls of a problem, in place of reconstructions.

    Args:
        out: NPZ file of one of them; <control>.npz and a record (JSON) of each are beside it.
        images: the test images.
        train: the training images of the networks of the problem.
    """
    truth, training = load_images(images), open_images(train)
    pixels = torch.from_numpy(truth.pixels)
    mean = training_means(truth, training)
    for name, control in CONTROLS.items():
        path = out.with_name(f"{name}.npz")
        problem = build_problem(job.family, job.problem_params, pixels.shape[1:], machine.operators)
        with torch.no_grad():
            x_hat = control(problem, pixels, mean)
        save_arrays(path, x_hat=x_hat.clamp(0, 1).numpy())
        record = {"status": "ok", "reason": "", "images": [{"id": id_} for id_ in truth.ids]}
        names = {"problem": job.problem, "method": name}
        save_record(path.with_suffix(".json"), {**record, **names, "spec": job.record})
