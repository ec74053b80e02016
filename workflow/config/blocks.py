"""The words of a row and of an experiment, as people write them in YAML.

``rows.yaml`` and every file in ``experiments/`` start with the same words and what they mean.
"""

# ruff: noqa: RUF012  (pydantic copies the defaults)
from typing import Any

from pydantic import Field, StrictBool

from workflow.config.entry import Count, Entry, Name, Number
from workflow.config.foreign import Foreign

Params = dict[str, Any]


class RowBlock(Entry):
    """A row of tables: a method, its prior and its parameters."""

    from_: str | None = Field(default=None, alias="from")
    """The row that this one differs from, in what is written here."""
    method: str | None = None
    """File name in methods/."""
    prior: str | None = None
    """Name in the configuration's priors; default is the prior of the method."""
    network: str | None = None
    """Network that takes the place of the prior's."""
    label: str | None = None
    """Name in tables; default is the label of the method."""
    params: Params = {}
    """Parameters of the method on every problem."""
    at: dict[str, Params] = {}
    """Parameters on one problem, or on all problems of a family; the problem wins."""
    search: dict[str, list[Any]] | None = None
    """Parameters that `snakemake tune` searches: [least, largest] value, or [least, largest,
    parameter] for multiples of that parameter."""


class InlineRow(RowBlock):
    """A row that only one experiment has."""

    name: Name
    """Of the row, in files and commands."""
    published: str | None = None
    """Published number beside it: problem/method/variant in results/published."""


class Plot(Entry):
    """A figure of PSNR against an axis of the grid, or against cost."""

    x: str
    """An axis of the grid, or `cost`."""
    label: str = ""
    """Of the horizontal axis."""
    lines: dict[str, dict[Any, str]] = {}
    """Label of a line to value on the axis to row, where the rows are not a grid."""


class Experiment(Entry):
    """A table, complete in itself: rows on problems."""

    problems: list[str] = Field(min_length=1)
    """Columns."""
    rows: list[str | InlineRow] = []
    """Rows, in order: names, or blocks of rows that no other experiment has."""
    grid: list[dict[str, list[Any]]] | dict[str, list[Any]] = []
    """Rows by every combination: `row`, and one of `images` (training images), `training`
    (repetition of the training), `network`, `prior` or a parameter; the value `own` (or `all`
    images) is the row itself."""
    compare: list[list[str]] | None = None
    """Pairs of rows; the second is subtracted from the first. In a grid, pairs of its `row`s are
    compared at every value. Default is every row minus padis; in ablations nothing."""
    controls: list[str] = []
    """Rows, mean_image or oracle below the table, which are not ranked."""
    caption: str
    """Above the table."""
    plot: Plot | None = None
    """Figure of the experiment."""
    published: dict[str, str] = {}
    """Row to published number (problem/method/variant) that is not of its own name."""
    ablation: StrictBool = False
    """Belongs to the target `ablations`, not to the leaderboard."""
    trials: Count | None = None
    """Of the searches of rows that the grid makes."""


class Recipe(Entry):
    """A denoiser and its training on a dataset."""

    network: Params = {}
    """Fields of methods.priors.networks.NetworkParams."""
    training: Params = {}
    """Fields of methods.priors.training.TrainingParams."""


class NetworkBlock(Recipe):
    """A denoiser and its training, or one that was not trained here."""

    from_: str | None = Field(default=None, alias="from")
    """The network that this one differs from."""
    at: dict[str, Recipe] = {}
    """Dataset to the fields that are others there, as of `network` and `training`."""
    images: Count | None = None
    """Number of training images; default is all. Sets are nested."""
    foreign: Foreign | None = None
    """A network that was not trained here, which takes the place of all but `from`."""


Value = Number | str
