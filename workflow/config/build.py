"""Methods and problems, made from what a job reads of them."""

from pathlib import Path
from typing import Any

from methods.base import Method
from problems.base import Problem
from workflow.plugins.discovery import load
from workflow.plugins.params import make_params


def build_problem(
    family: str, params: dict[str, Any], shape: tuple[int, int, int], cache: Path | None = None
) -> Problem:
    """Instantiate a problem for images of ``shape`` (C, H, W).

    Args:
        cache: folder for matrices that are slow to compute.
    """
    cls = load("problem", family)
    return cls(tuple(shape), make_params(cls.Params, params, family), cache)


def build_method(name: str, params: dict[str, Any]) -> Method:
    """Instantiate a method with its parameters."""
    cls = load("method", name)
    return cls(make_params(cls.Params, params, name))
