"""What a job of the DAG reads: one record per job, named by its hash.

A job is given its record and its input files and reads nothing else of the configuration, so that
a change of a label, a caption or another row cannot reach it. Input files stand in a record by the
hash of the record of the job that makes them.
"""

import json
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from workflow.store.arrays import load_record
from workflow.store.files import write_text


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """What all jobs have.

    Attributes:
        code: fingerprint of the code that runs (``workflow.store.fingerprint``).
        inputs: what an input is to the hash of the record of the job that makes it.
        plugins: files outside the project that define what the job runs.
    """

    code: str
    inputs: dict[str, str] = field(default_factory=dict)
    plugins: list[str] = field(default_factory=list)

    @property
    def record(self) -> dict[str, Any]:
        """The job as JSON holds it."""
        return {"job": type(self).__name__, **asdict(self)}

    @property
    def hash(self) -> str:
        """Its name: 16 hexadecimal digits of the SHA-256 of the record.

        The order of entries counts in what is shown only.
        """
        text = json.dumps(self.record, sort_keys=not isinstance(self, Show))
        return sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Prepare(JobSpec):
    """One split of a dataset. ``files`` is the state of a folder of the user's own images."""

    dataset: str
    split: str
    folds: int
    source: str
    params: dict[str, Any]
    size: list[int]
    count: int | None
    files: str


@dataclass(frozen=True, kw_only=True)
class Operator(JobSpec):
    """Jobs on a problem: its operator and noise are ``problem_params`` of the plugin ``family``."""

    problem: str
    dataset: str
    family: str
    problem_params: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Computed(JobSpec):
    """Jobs that compute with networks and random numbers; "auto" is decided by the machine."""

    seed: int
    device: str
    precision: str


@dataclass(frozen=True, kw_only=True)
class Measure(Operator):
    """Measurements of all test images of a problem."""

    seed: int


@dataclass(frozen=True, kw_only=True)
class Controls(Operator):
    """What could be had of a problem without a method."""


@dataclass(frozen=True, kw_only=True)
class Score(Operator):
    """Scores of some rows on a problem."""

    rows: list[str]


@dataclass(frozen=True, kw_only=True)
class Train(Computed):
    """One network of a fold. ``images`` is the number of training images, None for all."""

    dataset: str
    fold: int
    name: str
    network: dict[str, Any]
    training: dict[str, Any]
    images: int | None
    validation: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Prior:
    """How an image is assembled from a network; ``networks`` are folders, one per fold."""

    networks: list[str]
    assembly: str
    overlap: int


@dataclass(frozen=True, kw_only=True)
class Reconstruct(Operator, Computed):
    """One row on all test images of a problem."""

    row: str
    method: str
    params: dict[str, Any]
    prior: Prior | None
    repeats: int
    batch: int


@dataclass(frozen=True, kw_only=True)
class Tune(Reconstruct):
    """The search of a row on validation images; ``params`` are those that it does not vary.

    ``starts`` are further points to try first, in the units of the axes.
    """

    search: dict[str, dict[str, Any]]
    starts: list[dict[str, float]]
    trials: int
    images: int
    margin: float


@dataclass(frozen=True, kw_only=True)
class Samples(Reconstruct):
    """Samples of one row on test and validation images, and their scores."""


@dataclass(frozen=True, kw_only=True)
class Generate(Computed):
    """Samples of a prior, called ``name``."""

    name: str
    prior: Prior
    samples: int
    sampler: dict[str, Any]
    batch: int


@dataclass(frozen=True, kw_only=True)
class Exact(JobSpec):
    """Rows against the exact posterior of a prior in closed form, which ``prior`` names."""

    seed: int
    prior: dict[str, Any]
    problem: str
    family: str
    problem_params: dict[str, Any]
    rows: list[dict[str, Any]]
    evaluations: list[int]
    samples: int


@dataclass(frozen=True, kw_only=True)
class Show(JobSpec):
    """A table, a figure or a page: ``settings`` is the part of the configuration that it shows."""

    name: str
    settings: dict[str, Any]


KINDS = {
    kind.__name__: kind
    for kind in (
        *(Prepare, Measure, Controls, Score, Train, Reconstruct, Tune, Samples, Generate, Exact),
        Show,
    )
}


def save_spec(path: Path, spec: JobSpec) -> None:
    """Write a record to a file that is named by its hash, if it is not there."""
    if not Path(path).exists():
        write_text(path, json.dumps(spec.record, indent=1) + "\n")


def load_spec(path: Path) -> JobSpec:
    """Read what ``save_spec`` wrote."""
    return parse(load_record(path))


def parse(record: dict[str, Any]) -> JobSpec:
    """The job of a record.

    Raises:
        ValueError: it is of another version of this benchmark.
    """
    values = dict(record)
    kind = KINDS.get(values.pop("job", None))
    if isinstance(values.get("prior"), dict) and kind is not Exact:
        values["prior"] = Prior(**values["prior"])
    try:
        return kind(**values)
    except TypeError:
        raise ValueError("a job of another version of this benchmark: run snakemake") from None
