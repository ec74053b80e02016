"""Every key of a configuration, with its type, its default and what it is for.

Presets, and a user's file over one, differ in values only. ``workflow.config.resolve`` makes it of
what people write, whose words for rows and experiments are in ``workflow.config.blocks``.
"""

# ruff: noqa: RUF012  (pydantic copies the defaults)
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool

from workflow.config.entry import Count, Entry, Int, Name, Number, Positive, Unset
from workflow.config.exact import Exact
from workflow.config.foreign import Foreign
from workflow.config.sections import Figures, Generation, Params, Resources, Tuning

Pair = Annotated[list[str], Field(min_length=2, max_length=2)]


class Dataset(Entry):
    """Images of three splits."""

    source: str
    """File name in problems/datasets."""
    size: Annotated[list[Annotated[Int, Field(ge=4)]], Field(min_length=2, max_length=2)]
    """[height, width] in pixels."""
    params: Params = {}
    """Parameters of the source."""
    folds: Count = 1
    """Cross-validation folds, each with its own networks; their test images are pooled."""
    train: Count | None = None
    validation: Count | None = None
    test: Count | None = None
    """Numbers of images of each fold, or null for all."""


class Problem(Entry):
    """What is measured of the images of a dataset."""

    like: str | None = Unset
    """Problem whose family and params this has, and what was trained and tuned for it."""
    family: str
    """File name in problems."""
    dataset: str
    """Whose images are measured."""
    trained_on: str | None = Unset
    """Dataset of the networks; default is `dataset`, with `like` that of the other problem."""
    grid: Count = 1
    """Oversampling factor of the grid on which the data are simulated."""
    label: str
    """Name in tables."""
    repeats: Count = 1
    """Seeds with which methods that draw random numbers run."""
    samples: Annotated[Int, Field(ge=2)] | None = Unset
    """Reconstructions per image of rows that sample, whose spread is judged (docs/posterior.md);
    takes the place of `repeats`. Its tables have other scores, and error bars that are scaled on
    validation images."""
    params: Params = {}
    """Parameters of the family."""


class Network(Entry):
    """A denoiser and its training, once per dataset."""

    network: Params = {}
    """Fields of methods.priors.networks.NetworkParams."""
    training: Params = {}
    """Fields of methods.priors.training.TrainingParams."""
    at: dict[str, dict[str, Params]] = {}
    """Dataset to the fields of `network` and `training` that are others there."""
    images: Count | None = None
    """Number of training images or null for all; nested: a larger number adds images."""
    foreign: Foreign | None = Unset
    """A network that was not trained here, which takes the place of all others."""


class Prior(Entry):
    """How an image is assembled from what a network makes of its parts."""

    network: str
    """Whose weights it uses."""
    assembly: Literal["whole", "random_grid", "fixed_grid", "average", "stitch"]
    """Of patches, or `whole` for a network of whole images."""
    overlap: Annotated[Int, Field(ge=0)] = 0
    """Pixels that tiles share, `average` and `stitch` only."""
    label: str | None = Unset
    """Name of its samples; default is that of the prior."""


class Row(Entry):
    """A method with its prior and parameters: a row of tables."""

    like: str | None = Unset
    """Row whose method, prior and parameters this has, apart from what is written here."""
    method: str
    """File name in methods."""
    label: str | None = Unset
    """Name in tables; default is that of the method."""
    prior: str | None = Unset
    """Default is the prior of the method."""
    network: str | None = Unset
    """Takes the place of the network of the prior."""
    only_named: StrictBool = False
    """Only in tables that name the row."""
    params: Params = {}
    """Parameters of the method."""
    params_for: dict[str, Params] = {}
    """Problem to parameters, on top of params."""
    search: dict[str, list[Any]] = {}
    """Parameters that `snakemake tune` varies on validation images."""
    trials: Count | None = Unset
    """Of the search on one problem; default is tuning.trials."""
    at_edge: dict[str, list[str]] = {}
    """Problem to the parameters whose search ended at the last value tried; `tune` writes it."""


class Plot(Entry):
    """A figure of PSNR against a number that rows differ in."""

    label: str
    """Of the horizontal axis."""
    series: dict[str, Annotated[list[tuple[Any, str]], Field(min_length=1)]]
    """Label of a line to its points, each [number, row]."""


class Table(Entry):
    """Rows on problems."""

    problems: Annotated[list[str], Field(min_length=1)]
    """Columns."""
    sweep: dict[str, dict[str, Annotated[list[Number], Field(min_length=1)]]] | None = Unset
    """Row to parameter to its values: makes rows (workflow/config/sweeps.py, which has a second
    form for networks), drawn as quality against cost."""
    trials: Count | None = Unset
    """Of the searches of the rows of a sweep."""
    rows: list[str] | None = Unset
    """Default is all rows that are not only_named."""
    controls: list[str] = []
    """Rows, mean_image or oracle, shown below and not ranked."""
    caption: str
    """Below the table."""
    ablation: StrictBool = False
    """Belongs to the target `ablations`."""
    extra: StrictBool = False
    """Made by the target of its name only, not by `all`."""
    published: dict[str, str] = {}
    """Row to a published number (problem/method/variant) that is not of its problem and method."""
    differences: list[Pair] | None = Unset
    """Pairs of rows; the second is subtracted from the first, image by image. Default is every row
    minus padis, in ablations nothing."""
    plot: Plot | None = Unset
    """Figure of the table."""


class Config(Entry):
    """A configuration."""

    name: Name
    """The run is written to results/<name>."""
    cache: str = "results/cache"
    """Folder for downloads and matrices that all runs share."""
    plugins: list[str] = []
    """Files or folders with plugins outside the project, relative to the file that names them."""
    differs: str = ""
    """How the protocol differs from the paper's, whose numbers are then not comparable."""
    means_nothing: str = ""
    """Why the numbers of the run say nothing of its methods: no row is called the best, no claim of
    the paper is judged on the page."""
    seed: Int = 0
    """Every random number of the run is derived from it and from names."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` takes the GPU where there is one."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the networks; `auto` is bfloat16 where the processor computes in it, else float32."""
    train: bool = False  # Snakemake's command line gives text
    """Train the networks of the run although networks of their recipes are there."""
    devices: Count = 1
    """GPUs, or processes on CPUs, that train one network; results differ by rounding only."""
    jobs_per_gpu: Count = 1
    """That share a GPU of this machine; small networks leave most of one idle."""
    threads: Count = 1
    """Cores per job; rows run side by side."""
    batch: Count = 8
    """Images that a method reconstructs at a time; a killed run resumes at the next batch."""
    checkpoint_seconds: Annotated[Number, Field(ge=0)] = 30
    """How often training can be resumed from."""
    time_limit_minutes: Positive | None = None
    """Of one attempt at a row on a problem, which then counts as failed; the next attempt goes on
    at the next batch; null is no limit."""
    resources: Resources = Resources()
    datasets: dict[Name, Dataset]
    problems: dict[Name, Problem]
    networks: dict[Name, Network]
    priors: dict[Name, Prior]
    rows: dict[Name, Row]
    tables: dict[Name, Table]
    generation: Generation | None = Unset
    exact: Exact | None = Unset
    tuning: Tuning = Tuning()
    figures: Figures = Figures()
