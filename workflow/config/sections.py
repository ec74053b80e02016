"""Sections of a configuration (``workflow.config.schema``) that are not lists of named entries."""

# ruff: noqa: RUF012  (pydantic copies the defaults)
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from workflow.config.entry import Count, Entry, Int, Number, Positive, rising

Window = Annotated[list[Number], Field(min_length=2, max_length=2), AfterValidator(rising)]
Params = dict[str, Any]  # of a plugin, which says what they are


class Generation(Entry):
    """Samples of the priors, without a measurement."""

    dataset: str
    """Whose networks are sampled."""
    priors: list[str]
    """That are sampled, each with a `label`."""
    samples: Annotated[Int, Field(ge=2)] = 12
    """Per prior."""
    shown: Count = 8
    """Number of samples in the figure."""
    sampler: Params = {}
    """Fields of methods.sampling.GenerationParams."""


class Tuning(Entry):
    """What `snakemake tune` runs the rows' searches on."""

    problems: list[str] = []
    """On which every row of their tables is tuned."""
    trials: Count = 12
    """Of every search, for every row the same."""
    images: Count = 5
    """Number of validation images."""
    margin: Positive = 1.0
    """A trial ends early when its mean over the images so far is this much below the best, dB."""
    split: Literal["validation", "test"] = "validation"
    """`test` makes rows that are marked as oracles, which know the test images."""


class Figures(Entry):
    """Reconstructions that are shown."""

    images: Count = 2
    """Number of test images."""
    window: Window = [0, 1]
    """Pixel values shown black and white."""
    error_max: Positive = 0.2
    """Absolute error shown white."""


class Needs(Entry):
    """What a cluster is asked for by each job of a rule."""

    mem_mb: Count = 4000
    """Memory, MB."""
    runtime: Count = 60
    """Minutes after which the cluster ends it."""


class Resources(Entry):
    """Of the rules that run on a cluster's nodes; a run on one machine is not limited by them."""

    prepare: Needs = Needs()
    measure: Needs = Needs()
    train: Needs = Needs()
    tune_row: Needs = Needs(runtime=240)
    reconstruct: Needs = Needs()
    generate: Needs = Needs()
