"""The section ``exact`` of a configuration: rows against posteriors that are known."""

# ruff: noqa: RUF012  (pydantic copies the defaults)
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt

from workflow.config.entry import Count, Entry, Int, Name, Number
from workflow.config.yaml import ConfigError
from workflow.plugins.discovery import find, load
from workflow.plugins.params import checked, kinds

Params = dict[str, Any]
FITS = {  # kind of a prior: its parameters
    "gaussian": {},
    "mixture": {"components": PositiveInt},
    "lattice": {"cells": PositiveInt},
}


class Images(Entry):
    """To which the priors are fitted: training images of a source without downloads."""

    source: str
    """File name in problems/datasets."""
    size: Annotated[list[Annotated[Int, Field(ge=4)]], Field(min_length=2, max_length=2)]
    """[height, width] in pixels."""
    params: Params = {}
    """Parameters of the source."""


class Prior(Entry):
    """A prior in closed form."""

    kind: Literal["gaussian", "mixture", "lattice"]
    """Function in workflow/run/exact_priors.py that fits it."""
    label: str
    """Name in tables."""
    params: dict[str, Count] = {}
    """Parameters of the fit."""


class Problem(Entry):
    """A problem whose measurement has noise."""

    family: str
    """File name in problems."""
    label: str
    """Name in tables."""
    params: Params = {}
    """Parameters of the family."""


class Row(Entry):
    """A method with its parameters for all priors and problems."""

    method: str
    """File name in methods."""
    label: str
    """Name in tables."""
    params: Params = {}
    """Parameters of the method."""
    matched: dict[str, str] = {}
    """Parameter to that of the noise level sigma: it is sigma_y^2 / sigma^2."""
    budget: dict[str, Annotated[list[Number], Field(min_length=2, max_length=2)]] = {}
    """Parameter to [each, beyond]: its value v takes each v + beyond evaluations."""
    evaluations: list[Count] | None = None
    """Default is that of all rows."""
    patch: Annotated[Int, Field(ge=2)] | None = None
    """Side of the tiles of a random grid that make up the prior; priors without patches in closed
    form skip the row. Default is the prior of whole images."""


class Exact(Entry):
    """Rows against the exact posterior of every prior and problem (`snakemake exact`)."""

    images: Images
    """To which the priors are fitted."""
    evaluations: Annotated[list[Count], Field(min_length=1)]
    """Of the prior, per sample, at which every row is run."""
    samples: Annotated[Int, Field(ge=10)]
    """Of every row and of the exact posterior."""
    priors: dict[Name, Prior]
    problems: dict[Name, Problem]
    rows: dict[Name, Row]


def check_exact_names(exact: dict[str, Any]) -> None:
    """Check names of a section that is valid in itself; no plugin is imported.

    Raises:
        ConfigError: entries that do not fit each other.
        PluginError: an unknown plugin, or a parameter that a prior does not take.
    """
    find("dataset", exact["images"]["source"])
    for name, prior in exact["priors"].items():
        owner = f"exact.priors.{name}"
        prior["params"] = checked(prior["params"], FITS[prior["kind"]], owner)
        cells = prior["params"].get("cells", 1)
        if any(side % cells for side in exact["images"]["size"]):
            size = exact["images"]["size"]
            raise ConfigError(f"{owner}: {cells} cells do not divide images of {size}")
    for problem in exact["problems"].values():
        find("problem", problem["family"])
    for name, row in exact["rows"].items():
        find("method", row["method"])
        for sigma in row["matched"].values():
            if sigma not in row["params"]:
                raise ConfigError(f"exact.rows.{name}.matched: give {sigma} among its params")


def check_exact_params(exact: dict[str, Any]) -> None:
    """Check parameters of plugins; convert numbers that are text in place.

    Raises:
        ConfigError: a source of images that needs downloads.
        PluginError: a parameter that a plugin does not take.
    """
    images = exact["images"]
    source = load("dataset", images["source"])
    images["params"] = checked(images["params"], kinds(source.Params), "exact.images")
    if source.downloads:
        raise ConfigError(f"exact.images: {images['source']} needs downloads; use source: phantom")
    for name, problem in exact["problems"].items():
        known = kinds(load("problem", problem["family"]).Params)
        problem["params"] = checked(problem["params"], known, f"exact.problems.{name}")
    for name, row in exact["rows"].items():
        owner, known = f"exact.rows.{name}", kinds(load("method", row["method"]).Params)
        row["params"] = checked(row["params"], known, owner)
        used = [*row["budget"], *row["matched"], *row["matched"].values()]
        checked(dict.fromkeys(used, 1), known, owner)
