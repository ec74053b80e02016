"""Every word of a configuration, with its kind, its default and what it is for.

Presets, ``rows.yaml``, the files in ``experiments/`` and a user's file have these words.
``workflow.config.resolve`` carries out what they say of others (``from``, ``at``, ``grid``).
"""

# ruff: noqa: RUF012  (pydantic copies the defaults)
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveInt, StrictBool

from workflow.config.entry import (
    Count,
    Entry,
    Folder,
    Int,
    Label,
    Name,
    Number,
    Params,
    Positive,
    Size,
    Unset,
    Window,
)


class Dataset(Entry):
    """Images of three splits."""

    source: str  # file name in problems/datasets
    size: Size  # [height, width] in pixels
    params: Params = {}  # of the source
    folds: Count = 1  # of cross-validation, each with its own networks; test images are pooled
    train: Count | None = None  # numbers of images of each fold, or null for all
    validation: Count | None = None
    test: Count | None = None
    hu: Window | None = Unset  # Hounsfield units that 0 and 1 stand for, for scores of the body


class Problem(Entry):
    """What is measured of the images of a dataset."""

    like: str | None = Unset  # the problem that it is `from`, whose tuned parameters it has
    family: str  # file name in problems
    dataset: str  # whose images are measured
    trained_on: str | None = Unset  # dataset of the networks; default is `dataset`, or of `from`
    grid: Count = 1  # oversampling factor of the grid on which the data are simulated
    label: Label  # name in tables
    repeats: Count = 1  # seeds with which methods that draw random numbers run
    # Reconstructions per image of rows that sample, whose spread is judged (docs/posterior.md), in
    # place of `repeats`: other scores, and error bars that are scaled on validation images.
    samples: Annotated[Int, Field(ge=2)] | None = Unset
    params: Params = {}  # of the family


class Foreign(Entry):
    """A network that was not trained here; all datasets and folds have the same."""

    file: str  # Python file with a function `denoiser`, or folder in the format of diffusers
    weights: str | None = None  # file or folder that `denoiser` is called with
    patch: Annotated[Int, Field(ge=2)] | None = None  # side of patches; default is whole images


class Recipe(Entry):
    """A denoiser and its training on a dataset."""

    network: Params = {}  # fields of methods.priors.networks.NetworkParams
    training: Params = {}  # fields of methods.priors.training.TrainingParams


class Network(Recipe):
    """A denoiser and its training, once per dataset and fold, or one that was not trained here."""

    from_: str | None = Field(default=None, alias="from")  # the network that it differs from
    at: dict[str, Recipe] = {}  # dataset to the fields that are others there
    images: Count | None = None  # number of training images, nested; default is all
    foreign: Foreign | None = None  # takes the place of all but `from`


class Prior(Entry):
    """How an image is assembled from what a network makes of its parts."""

    network: str  # whose weights it uses
    assembly: Literal["whole", "random_grid", "fixed_grid", "average", "stitch"]  # of patches
    overlap: Annotated[Int, Field(ge=0)] = 0  # pixels that tiles share, `average` and `stitch`
    label: Label | None = Unset  # name of its samples; default is that of the prior


class Row(Entry):
    """A row of tables: a method, its prior and its parameters (explained in rows.yaml)."""

    from_: str | None = Field(default=None, alias="from")
    method: str | None = None
    prior: str | None = None
    network: str | None = None
    label: Label | None = None
    params: Params = {}
    at: dict[str, Params] = {}
    search: dict[str, list[Any]] | None = None


class InlineRow(Row):
    """A row that only one experiment has."""

    name: Name  # in files and commands
    published: str | None = None  # number beside it: problem/method/variant in results/published


class Plot(Entry):
    """A figure of PSNR against an axis of the grid, or against cost."""

    x: str  # an axis of the grid, or `cost`
    label: str = ""  # of the horizontal axis
    lines: dict[str, dict[Any, str]] = {}  # label to {value: row}, where rows are no grid


def _listed(grid: Any) -> Any:
    return [grid] if isinstance(grid, dict) else grid


Some = Annotated[list[Any], Field(min_length=1)]
Pair = Annotated[list[str], Field(min_length=2, max_length=2)]
Grid = Annotated[list[dict[str, Some]], BeforeValidator(_listed)]


class Experiment(Entry):
    """A table, complete in itself: rows on problems (explained in experiments/table1.yaml)."""

    problems: Annotated[list[str], Field(min_length=1)]
    rows: list[str | InlineRow] = []
    grid: Grid = []
    compare: list[Pair] | None = None
    controls: list[str] = []
    caption: str
    plot: Plot | None = None
    published: dict[str, str] = {}
    ablation: StrictBool = False
    trials: Count | None = None


class Generation(Entry):
    """Samples of the priors, without a measurement."""

    dataset: str  # whose networks are sampled
    priors: Annotated[list[str], Field(min_length=1)]  # that are sampled, each with a `label`
    samples: Annotated[Int, Field(ge=2)] = 12  # per prior
    shown: Count = 8  # samples in the figure
    sampler: Params = {}  # fields of methods.sampling.GenerationParams


class Tuning(Entry):
    """What `snakemake tune` runs the rows' searches on."""

    problems: list[str] = []  # on which every row of their tables is tuned
    trials: Count = 12  # of every search, for every row the same
    images: Count = 5  # number of validation images
    margin: Positive = 1.0  # dB below the best mean so far at which a trial ends early
    # `test` makes rows that are marked as oracles, which know the test images.
    split: Literal["validation", "test"] = "validation"


class Figures(Entry):
    """Reconstructions that are shown."""

    images: Count = 2  # number of test images
    window: Window = [0, 1]  # pixel values shown black and white
    error_max: Positive = 0.2  # absolute error shown white


class Needs(Entry):
    """What a cluster is asked for by each job of a rule."""

    mem_mb: Count = 4000
    runtime: Count = 60  # minutes after which the cluster ends it


class Resources(Entry):
    """Of the rules that run on a cluster's nodes; a run on one machine is not limited by them."""

    prepare: Needs = Needs()
    measure: Needs = Needs()
    train: Needs = Needs()
    tune_row: Needs = Needs(runtime=240)
    reconstruct: Needs = Needs()
    generate: Needs = Needs()


class ExactImages(Entry):
    """To which the priors of `exact` are fitted."""

    source: str  # file name in problems/datasets, one without downloads
    size: Size
    params: Params = {}


class ExactPrior(Entry):
    """A prior in closed form."""

    kind: Literal["gaussian", "mixture", "lattice"]  # function in workflow/run/exact_priors.py
    label: Label
    params: dict[str, Count] = {}  # of the fit


class ExactProblem(Entry):
    """A problem whose measurement has noise."""

    family: str
    label: Label
    params: Params = {}


class ExactRow(Entry):
    """A method with its parameters for all priors and problems (explained in exact.yaml)."""

    method: str
    label: Label
    params: Params = {}
    matched: dict[str, str] = {}
    budget: dict[str, Annotated[list[Number], Field(min_length=2, max_length=2)]] = {}
    evaluations: list[Count] | None = None
    patch: Annotated[Int, Field(ge=2)] | None = None


class Exact(Entry):
    """Rows against the exact posterior of every prior and problem (`snakemake exact`)."""

    images: ExactImages
    evaluations: Annotated[list[Count], Field(min_length=1)]  # of the prior, per sample
    samples: Annotated[Int, Field(ge=10)]  # of every row and of the exact posterior
    priors: dict[Name, ExactPrior]
    problems: dict[Name, ExactProblem]
    rows: dict[Name, ExactRow]


FITS = {  # kind of an exact prior: its parameters
    "gaussian": {},
    "mixture": {"components": PositiveInt},
    "lattice": {"cells": PositiveInt},
}
Resolved = dict[str, Any]  # made of a Network, Row or Experiment by workflow.config.resolve


class Config(Entry):
    """A configuration."""

    preset: str = Field(default="quick", exclude=True)  # what the file is laid over
    experiments: list[str] = Field(default=[], exclude=True)  # that `all` makes
    more: list[str] = Field(default=[], exclude=True)  # experiments that are targets of their own
    name: Name  # the run is written to results/<name>
    cache: Folder = "results/cache"  # folder for downloads and matrices that all runs share
    plugins: list[str] = []  # files or folders, relative to the file that names them
    differs: str = ""  # how the protocol differs from the paper's
    # Why the numbers of the run say nothing of its methods: no row is called the best, no claim of
    # the paper is judged on the page.
    means_nothing: str = ""
    seed: Int = 0  # every random number of the run is derived from it and from names
    device: Literal["auto", "cpu", "cuda"] = "auto"  # `auto` takes the GPU where there is one
    # Of the networks; `auto` is bfloat16 where the processor computes in it, else float32.
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    train: bool = False  # train networks although those of their recipes are there
    devices: Count = 1  # GPUs, or processes on CPUs, that train one network
    jobs_per_gpu: Count = 1  # that share a GPU; small networks leave most of one idle
    threads: Count = 1  # cores per job; rows run side by side
    batch: Count = 8  # images at a time; a killed run resumes at the next batch
    checkpoint_seconds: Annotated[Number, Field(ge=0)] = 30  # of training
    # Of one attempt at a row on a problem, which then counts as failed; the next attempt goes on
    # at the next batch; null is no limit.
    time_limit_minutes: Positive | None = None
    resources: Resources = Resources()
    datasets: dict[Name, Dataset]
    problems: dict[Name, Problem]
    networks: dict[Name, Resolved]
    priors: dict[Name, Prior]
    rows: dict[Name, Resolved]
    tables: dict[Name, Resolved]
    generation: Generation | None = Unset
    exact: Exact | None = Unset
    tuning: Tuning = Tuning()
    figures: Figures = Figures()
