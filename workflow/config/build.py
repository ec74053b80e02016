"""Methods and problems of a configuration, made."""

from pathlib import Path
from typing import Any

from methods.base import Method
from problems.base import Problem
from workflow.config.resolve import params_of
from workflow.plugins.discovery import load
from workflow.plugins.params import make_params


def build_problem(config: dict[str, Any], name: str, shape: tuple[int, int, int]) -> Problem:
    """Instantiate a problem of the config for images of ``shape`` (C, H, W)."""
    settings = config["problems"][name]
    family = load("problem", settings["family"])
    params = make_params(family.Params, settings["params"], f"problems.{name}")
    return family(shape, params, Path(config["cache"]) / "operators")


def build_method(
    config: dict[str, Any], row: str, problem: str, overrides: dict[str, Any] | None = None
) -> Method:
    """Instantiate the method of a row with its parameters for a problem, and ``overrides``."""
    settings = config["rows"][row]
    method = load("method", settings["method"])
    values = {**params_of(settings, problem), **(overrides or {})}
    return method(make_params(method.Params, values, f"rows.{row}"))
