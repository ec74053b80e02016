"""The contract of ``problems.base.Problem``."""

import math
from typing import Any

import torch

from problems.noise import ImageNoise
from problems.physics.unit_norm import measured
from workflow.plugins.contract import Check, ContractError, UnusableError, labelled, require
from workflow.plugins.discovery import find
from workflow.plugins.params import PluginError, defaults, make_params

GREY, COLOUR = (1, 32, 28), (3, 24, 20)


class Case:
    """A problem for small grey images."""

    def __init__(self, name: str, params: dict[str, Any]):
        self.name, self.given = name, params
        self.plugin = find("problem", name)
        self.cls = self.plugin.cls
        make_params(self.cls.Params, defaults(self.cls.Params), name)  # within their own limits
        self.problem = self.build()
        self.physics = self.problem.physics

    def build(self, shape=GREY, **more):
        """The problem for images of a shape."""
        return self.cls(shape, make_params(self.cls.Params, {**self.given, **more}, self.name))

    @staticmethod
    def image(count: int = 2, shape=GREY) -> torch.Tensor:
        """Random images in [0, 1]."""
        return torch.rand(count, *shape, generator=torch.Generator().manual_seed(0))


def usable(case: Case) -> None:
    """A is linear and maps real images to real measurements."""
    x, z = case.image(4).split(2)
    try:
        left = measured(case.physics, 2 * x - z)
    except ValueError as error:
        raise UnusableError(str(error)) from None
    right = 2 * case.physics.A(x) - case.physics.A(z)
    far = float((left - right).norm() / right.norm())
    if far > 1e-4:
        raise UnusableError(f"A(2 x - z) and 2 A x - A z differ by {far:.1g} of their norm")


def adjoint(case: Case) -> None:
    """A_adjoint is the transpose of A: <A x, v> = <x, A_adjoint v>."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, *GREY, generator=generator)
    ax = case.physics.A(x)
    v = torch.randn(ax.shape, generator=generator)
    left, right = (ax * v).sum(), (x * case.physics.A_adjoint(v)).sum()
    far = float(abs(left - right) / (ax.norm() * v.norm()))
    require(far <= 1e-5, f"<A x, v> and <x, A_adjoint v> differ by {far:.1g} |A x| |v|")


def gradient(case: Case) -> None:
    """The gradient of A is its adjoint."""
    x = case.image().requires_grad_(True)
    y = case.physics.A(x)
    require(y.requires_grad, "A is not differentiable: methods need the gradient through it")
    v = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    (found,) = torch.autograd.grad(y, x, v)
    wanted = case.physics.A_adjoint(v)
    far = float((found - wanted).abs().max() / wanted.abs().max())
    require(far <= 1e-4, f"the gradient of <A x, v> differs from A_adjoint v by {far:.1g} of it")


def unit_norm(case: Case) -> None:
    """The spectral norm of A is 1, so that step sizes mean the same for every problem."""
    pixels = math.prod(GREY)
    gram = case.physics.A_adjoint(case.physics.A(torch.eye(pixels).reshape(pixels, *GREY)))
    norm = float(torch.linalg.eigvalsh(gram.reshape(pixels, pixels)).max().sqrt())
    require(
        abs(norm - 1) <= 2e-3,
        f"the spectral norm is {norm:.4g}: return UnitNorm(physics, self.shape) from `build`",
    )


def measuring(case: Case) -> None:
    """Measuring depends on the image and its own random numbers alone."""
    x = case.image()
    both = case.problem.measure(x, ImageNoise([1, 2]))
    again = case.problem.measure(x, ImageNoise([1, 2]))
    require(torch.equal(both, again), "two measurements with equal seeds differ")
    second = case.problem.measure(x[1:], ImageNoise([2]))
    far = float((both[1:] - second).abs().max())
    require(
        far <= 1e-5 * max(1.0, float(both.abs().max())),
        f"the second image of a batch is measured differently alone, by {far:.1g}",
    )


def baseline(case: Case) -> None:
    """The baseline is an image in [0, 1], grey or RGB as the truth."""
    for shape in (GREY, COLOUR):
        problem, x = case.build(shape), case.image(2, shape)
        found = problem.baseline(problem.measure(x, ImageNoise([1, 2])))
        wanted = tuple(x.shape)
        require(tuple(found.shape) == wanted, f"its shape is {tuple(found.shape)}, not {wanted}")
        require(torch.isfinite(found).all(), "the baseline holds NaN or infinite values")
        require(
            found.min() >= 0 and found.max() <= 1,
            "the baseline leaves [0, 1]: use .clamp(0, 1)",
        )


def size_checked(case: Case) -> None:
    """Images of another size are refused."""
    try:
        case.physics.A(torch.zeros(1, 1, GREY[1] - 2, GREY[2]))
    except ValueError as error:
        require(str(GREY[1]) in str(error), f"the message does not name the size: {error}")
    else:
        raise ContractError("A takes images of another size: UnitNorm refuses them")


def parameters(case: Case) -> None:
    """Unknown parameters are refused, and noise_level is among the known ones."""
    try:
        case.build(no_such_parameter=1)
    except PluginError:
        require(
            hasattr(case.problem.params, "noise_level"),
            "Params lacks noise_level: add `noise_level: float = 0.0`",
        )
    else:
        raise ContractError("Params takes any parameter: make it a dataclass")


CHECKS: list[Check] = [
    *(usable, adjoint, gradient, unit_norm, measuring, baseline, size_checked, parameters),
    labelled,
]
