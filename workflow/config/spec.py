"""What a job of the DAG reads: one record per job, named by its key.

A job is given its record and its input files and reads nothing else of the configuration, so that
a change of a label, a caption or another row cannot reach it. Input files stand in a record by the
key of the job that makes them. The key is a hash of the values below and of the science code that
the job runs (``workflow.store.digest``). Code of ``workflow/`` is not in it; two numbers stand for
what that code computes:
"""

import json
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from workflow.store.arrays import load_record
from workflow.store.files import write_text

# Raise it when measurements, controls, the harness, searches, posterior samples or scores of
# unchanged methods come out with other numbers: everything but networks is computed again.
# tests/test_golden.py fails when that is due. Metrics have versions of their own.
PROTOCOL = 1

# Raise it when the same recipe and images give other weights: all networks are trained again. A
# network is known by its recipe, its images and this number, and by no code or library version.
TRAINING = 1

UNKEYED = {"key": False}  # metadata of a field that does not count in the key


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """What all jobs have.

    Attributes:
        code: file of the science code that runs to its digest.
        inputs: what an input is to the key of the job that makes it.
        plugins: files outside the project that define what the job runs.
    """

    code: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    plugins: list[str] = field(default_factory=list, metadata=UNKEYED)

    @property
    def record(self) -> dict[str, Any]:
        """The job as JSON holds it."""
        return {"job": type(self).__name__, **asdict(self)}

    @property
    def keyed(self) -> dict[str, Any]:
        """The part of the record that decides what comes out."""
        kept = {f.name: getattr(self, f.name) for f in fields(self) if not f.metadata}
        if isinstance(kept.get("prior"), Prior):
            kept["prior"] = {k: v for k, v in asdict(kept["prior"]).items() if k != "foreign"}
        automatic = [k for k in ("device", "precision") if kept.get(k) == "auto"]
        return {"job": type(self).__name__, **{k: v for k, v in kept.items() if k not in automatic}}

    @cached_property
    def hash(self) -> str:
        """Its key: 16 hexadecimal digits of the SHA-256 of ``keyed``.

        The order of entries of a mapping counts in what is shown only.
        """
        text = json.dumps(self.keyed, sort_keys=not isinstance(self, Show))
        return sha256(text.encode()).hexdigest()[:16]

    def lines(self, most: int) -> list[str]:
        """``keyed`` as at most so many texts "name: value"; long ones end in a digest."""
        found = []
        for name, value in self.keyed.items():
            if name != "code" and isinstance(value, dict):
                found += [f"{name}.{key}: {inner}" for key, inner in value.items()]
            elif name == "code":
                found += [f"{file} {digest}" for file, digest in value.items()]
            else:
                found.append(f"{name}: {value}")
        if len(found) > most:
            found[most - 1 :] = ["; ".join(found[most - 1 :])]
        return [_cut(text) for text in found]


def _cut(text: str, most: int = 400) -> str:
    digest = sha256(text.encode()).hexdigest()[:8]
    return text if len(text) <= most else f"{text[:most]}... ({digest})"


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

    @property
    def keyed(self) -> dict[str, Any]:
        """Not where a folder of images lies: ``files`` says what is in it."""
        kept = super().keyed
        return {**kept, "params": without_place(self.params) if self.files else self.params}


def without_place(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters of a dataset but for the folder of its images."""
    return {name: value for name, value in params.items() if name != "path"}


@dataclass(frozen=True, kw_only=True)
class Operator(JobSpec):
    """Jobs on a problem: its operator and noise are ``problem_params`` of the plugin ``family``.

    ``contents`` has a digest of the file of each parameter that names one.
    """

    problem: str
    dataset: str
    family: str
    problem_params: dict[str, Any]
    contents: dict[str, str] = field(default_factory=dict)

    @property
    def keyed(self) -> dict[str, Any]:
        """Not where a file lies: the digest stands in the place of its path."""
        kept = super().keyed
        contents = kept.pop("contents")
        return {**kept, "problem_params": {**self.problem_params, **contents}}


@dataclass(frozen=True, kw_only=True)
class Computed(JobSpec):
    """Jobs that compute with networks and random numbers; "auto" is decided by the machine."""

    seed: int
    device: str
    precision: str


@dataclass(frozen=True, kw_only=True)
class Measure(Operator):
    """Measurements of all test images of a problem."""

    protocol: int = PROTOCOL
    seed: int


@dataclass(frozen=True, kw_only=True)
class Controls(Operator):
    """Reference points computed from the truth."""

    protocol: int = PROTOCOL


@dataclass(frozen=True, kw_only=True)
class Score(Operator):
    """Scores of some rows on a problem.

    ``metrics`` are names with versions: "psnr 1"; ``hu`` are those that 0 and 1 stand for.
    """

    protocol: int = PROTOCOL
    rows: list[str]
    metrics: list[str]
    hu: list[float] | None = None


@dataclass(frozen=True, kw_only=True)
class Train(Computed):
    """One network of a fold.

    Attributes:
        dataset: ct, or ct/1 if it has several folds; with ``name`` it decides the random numbers.
        images: source, parameters, size and number of the images of the dataset, the state of the
            user's files, and how many training images of the fold are used, None for all.
        again: the run that trains what is there for others (`train: true`), else empty.
    """

    training_version: int = TRAINING
    dataset: str
    fold: int
    name: str
    network: dict[str, Any]
    training: dict[str, Any]
    images: dict[str, Any]
    validation: dict[str, Any]
    again: str = ""

    @property
    def keyed(self) -> dict[str, Any]:
        """Not where it is computed: a network that is there is used on every machine."""
        left_out = ("device", "precision", *([] if self.again else ["again"]))
        return {k: v for k, v in super().keyed.items() if k not in left_out}


@dataclass(frozen=True, kw_only=True)
class Prior:
    """How an image is assembled; ``networks`` are folders of results/networks, one per fold.

    Of a network that was not trained here they are its name and a hash of its files, and
    ``foreign`` says where it is: its ``name``, and the fields of ``workflow.config.foreign``.
    """

    networks: list[str]
    assembly: str
    overlap: int
    foreign: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Reconstruct(Operator, Computed):
    """One row on all test images of a problem."""

    protocol: int = PROTOCOL
    row: str
    method: str
    params: dict[str, Any]
    prior: Prior | None
    repeats: int
    batch: int = field(metadata=UNKEYED)


@dataclass(frozen=True, kw_only=True)
class Tune(Reconstruct):
    """The search of a row on validation images; ``params`` are those that it does not vary.

    ``search`` is parameter to [least, largest] value, and of which other parameter these are
    multiples; ``axes`` its names in order; ``starts`` are parameter values to try first.
    """

    axes: list[str]
    search: dict[str, list[Any]]
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

    protocol: int = PROTOCOL
    name: str
    prior: Prior
    samples: int
    sampler: dict[str, Any]
    batch: int = field(metadata=UNKEYED)


@dataclass(frozen=True, kw_only=True)
class Exact(JobSpec):
    """Rows against the exact posterior of a prior in closed form, which ``prior`` names."""

    protocol: int = PROTOCOL
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
    """Write a record to a file that is named by its key, unless it has it already."""
    text = json.dumps(spec.record, indent=1) + "\n"
    if not Path(path).exists() or Path(path).read_text() != text:
        write_text(path, text)


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
