"""The jobs of a configuration: for each what it reads (``workflow.config.spec``)."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache, wraps
from hashlib import sha256
from pathlib import Path
from typing import Any

from methods.priors.assembly import MODULES
from workflow.config import spec
from workflow.config.views import (
    CONTROLS,
    VALIDATION,
    contents_of,
    foreign_of,
    images_of,
    measured_splits,
    networks_for,
    networks_of,
    params_of,
    prior_of,
    recipe,
    trials_of,
)
from workflow.plugins.discovery import ROOT, Plugin, find
from workflow.score.scores import protocols
from workflow.store.arrays import file_hash
from workflow.store.digest import digests

NETWORKS = "results/networks"  # all runs share it
EXACT = ("base", "lattice", "mixture", "patches")  # modules of methods.priors.exact
PLUGINS = {"source": "dataset", "family": "problem", "method": "method"}  # fields that name one


def described(make: Callable[..., spec.JobSpec]) -> Callable[..., Any]:
    """A method that describes a job: once, with the digests of the science code that it runs."""

    @cache
    @wraps(make)
    def made(*args: Any) -> spec.JobSpec:
        job = make(*args)
        return replace(job, code=dict(_digests(tuple(sources(job)))))

    return made


@cache
def _digests(paths: tuple[Path, ...]) -> dict[str, str]:
    return digests(paths)


def sources(job: spec.JobSpec) -> list[Path]:
    """Files with the science code that a job runs; they import others."""
    if isinstance(job, (spec.Train, spec.Show)):
        return []
    plugins = [(kind, getattr(job, name)) for name, kind in PLUGINS.items() if hasattr(job, name)]
    names = [] if isinstance(job, spec.Prepare) else ["problems.noise"]
    theirs: list[Path] = []  # the file of a network that was not trained here
    if isinstance(job, spec.Exact):
        plugins += [("method", row["method"]) for row in job.rows]
        names += [f"methods.priors.exact.{name}" for name in EXACT]
    elif isinstance(job, spec.Generate):
        names += ["methods.sampling"]
    if isinstance(getattr(job, "prior", None), spec.Prior):
        names += ["methods.priors.assembly", "methods.priors.networks"]
        names += [MODULES[job.prior.assembly][0]]
        if job.prior.foreign:
            names += ["methods.priors.foreign"]
            theirs = [path for path in files_of(job.prior.foreign)[:1] if path.suffix == ".py"]
    own = [ROOT / f"{name.replace('.', '/')}.py" for name in names]
    return sorted({*own, *theirs, *(find(*plugin).path for plugin in plugins)})


def changed(job: spec.JobSpec) -> list[str]:
    """Files that are no longer what they were when the job was described.

    They are science code, and what parameters of the problem name.
    """
    now = digests(sources(job))
    names = [name for name in sorted({*now, *job.code}) if now.get(name) != job.code.get(name)]
    before = getattr(job, "contents", {})
    after = contents_of(getattr(job, "problem_params", {}))
    return names + [job.problem_params[k] for k in before if after[k] != before[k]]


def files_of(foreign: dict[str, Any]) -> list[Path]:
    """Files of a network that was not trained here, absolute; of folders all but hidden ones."""
    places = [foreign["file"], *([foreign["weights"]] if foreign["weights"] else [])]
    found: list[Path] = []
    for place in (Path(name).expanduser().absolute() for name in places):
        inside = sorted(path for path in place.rglob("*") if path.is_file())
        shown = [p for p in inside if not any(n[0] == "." for n in p.relative_to(place).parts)]
        found += shown if place.is_dir() else [place]
    return found


def known_as(name: str, foreign: dict[str, Any]) -> str:
    """Name and a hash of what a network is, in place of the folder of one that is trained here.

    A Python file is not in the hash: its digest is among those of the code of a job.
    """
    hashes = [_hash(p, p.stat().st_mtime_ns) for p in files_of(foreign) if p.suffix != ".py"]
    text = json.dumps([hashes, foreign["patch"]])
    return f"{name}-{sha256(text.encode()).hexdigest()[:16]}"


@cache
def _hash(path: Path, changed: int) -> str:
    return file_hash(path)


class Jobs:
    """The jobs of a configuration; each is described once."""

    def __init__(self, config: dict[str, Any]):
        self.config = config

    @described
    def prepare(self, dataset: str, split: str, grid: int = 1) -> spec.Prepare:
        """One split of a dataset, on a grid so many times finer than its size."""
        images = images_of(self.config, dataset, split)
        size = [grid * side for side in images["size"]]
        return _prepare(dataset, split, {**images, "size": size}, images[split])

    @described
    def measure(self, problem: str) -> spec.Measure:
        """Measurements of the images of a problem."""
        images = {
            f"{split}, {kind}": key
            for split in measured_splits(self.config, problem)
            for kind, key in self._measured(problem, split).items()
        }
        return spec.Measure(**self._operator(problem), seed=self.config["seed"], inputs=images)

    @described
    def controls(self, problem: str) -> spec.Controls:
        """The controls of a problem."""
        settings = self.config["problems"][problem]
        images = {"test": settings["dataset"], "train": settings["trained_on"]}
        keys = {split: self.prepare(name, split).hash for split, name in images.items()}
        return spec.Controls(**self._operator(problem), inputs=keys)

    @described
    def train(self, network: str) -> spec.Train:
        """One network of a fold: ct/1/patch, or ct/patch where there is one fold."""
        fold, _, name = network.rpartition("/")
        dataset, _, number = fold.partition("/")
        made = recipe(self.config, name, dataset)
        images, validation = (
            images_of(self.config, dataset, split) for split in ("train", "validation")
        )
        if images["files"]:
            images["params"] = spec.without_place(images["params"])
        return spec.Train(
            dataset=fold,
            fold=int(number or 1),
            name=name,
            network=made["network"],
            training=made["training"],
            images={**images, "validation": validation["validation"], "used": made["images"]},
            validation=VALIDATION,
            again=self.config["name"] if self.config["train"] else "",
            **self._computed(),
        )

    def network_folder(self, network: str) -> str:
        """Folder of a network of a fold, which all runs share."""
        job = self.train(network)
        return f"{NETWORKS}/{job.dataset.split('/')[0]}-{job.fold}-{job.name}-{job.hash}"

    @described
    def reconstruct(self, problem: str, row: str) -> spec.Reconstruct:
        """One row on the test images of a problem."""
        measurements = {"measurements": self.measure(problem).hash}
        return spec.Reconstruct(**self._of_row(problem, row), inputs=measurements)

    @described
    def sample(self, problem: str, row: str) -> spec.Samples:
        """Samples of a row on a problem with `samples`, and their scores."""
        measurements = {"measurements": self.measure(problem).hash}
        values = {
            **self._of_row(problem, row),
            "repeats": self.config["problems"][problem]["samples"],
        }
        return spec.Samples(**values, inputs=measurements)

    @described
    def tune(self, problem: str, row: str) -> spec.Tune:
        """The search of a row on a problem; it does not depend on what an earlier one has found."""
        values, tuning = self._of_row(problem, row), self.config["tuning"]
        search = self.config["rows"][row]["search"]
        values["params"] = {k: v for k, v in values["params"].items() if k not in search}
        return spec.Tune(
            **values,
            inputs=self._measured(problem, tuning["split"]),
            axes=list(search),
            search=search,
            starts=self.starts_of(problem, row),
            trials=trials_of(self.config, row),
            images=tuning["images"],
            margin=tuning["margin"],
        )

    def starts_of(self, problem: str, row: str) -> list[dict[str, float]]:
        """Points at which a search starts: the values of the row itself and of its kin.

        Kin are rows of one sampler with other priors, which search the same parameters.
        """
        search, rows = list(self.config["rows"][row]["search"]), self.config["rows"]
        tables = [t for t in self.config["tables"].values() if not t["ablation"]]
        shown = {r for t in tables if problem in t["problems"] for r in t["rows"]}
        kin = [r for r in rows if r in shown and r != row and list(rows[r]["search"]) == search]
        found = []
        for name in [row, *kin]:
            values = params_of(rows[name], problem)
            point = {parameter: values[parameter] for parameter in search if parameter in values}
            if point and point not in found:
                found.append(point)
        return found[: trials_of(self.config, row) // 2]

    @described
    def generate(self, name: str) -> spec.Generate:
        """Samples of the prior ``name``."""
        settings, prior = self.config["generation"], self.config["priors"][name]
        network = networks_of(self.config, settings["dataset"], prior["network"])[0]
        return spec.Generate(
            name=name,
            prior=self._prior([network], prior),
            samples=settings["samples"],
            sampler=settings["sampler"],
            batch=self.config["batch"],
            **self._computed(),
        )

    def score(self, problem: str, rows: Iterable[str]) -> spec.Score:
        """Scores of rows and controls on a problem."""
        return self._score(problem, tuple(rows))

    @described
    def _score(self, problem: str, rows: tuple[str, ...]) -> spec.Score:
        keys = {
            row: (
                self.controls(problem) if row in CONTROLS else self.reconstruct(problem, row)
            ).hash
            for row in rows
        }
        operator, metrics = self._operator(problem), protocols()
        hu = self.config["datasets"][operator["dataset"]].get("hu")
        return spec.Score(**operator, rows=list(rows), metrics=metrics, hu=hu, inputs=keys)

    @described
    def exact_images(self) -> spec.Prepare:
        """The training images to which the priors of `exact` are fitted."""
        images = {**self.config["exact"]["images"], "folds": 1, "files": ""}
        return _prepare("exact", "train", images, None)

    @described
    def exact(self, prior: str, problem: str) -> spec.Exact:
        """All rows on one problem with one prior in closed form; labels do not reach it."""
        exact = self.config["exact"]
        chosen, fitted = exact["problems"][problem], exact["priors"][prior]
        found = [find("problem", chosen["family"])]
        found += [find("method", row["method"]) for row in exact["rows"].values()]
        rows = [{**row, "row": name} for name, row in exact["rows"].items()]
        return spec.Exact(
            seed=self.config["seed"],
            prior={"name": prior, "kind": fitted["kind"], "params": fitted["params"]},
            problem=problem,
            family=chosen["family"],
            problem_params=chosen["params"],
            rows=[{k: v for k, v in row.items() if k != "label"} for row in rows],
            evaluations=exact["evaluations"],
            samples=exact["samples"],
            inputs={"images": self.exact_images().hash},
            plugins=outside(*found),
        )

    def foreign_files(self, row: str) -> list[str]:
        """Files of the network of a row that was not trained here; none of others."""
        prior = None if row in CONTROLS else prior_of(self.config, row)
        foreign = prior and foreign_of(self.config, prior)
        return [str(path) for path in files_of(foreign)] if foreign else []

    def _measured(self, problem: str, split: str) -> dict[str, str]:
        """The images of a problem, and the same ones on the grid on which they are measured."""
        settings = self.config["problems"][problem]
        return {
            kind: self.prepare(settings["dataset"], split, grid).hash
            for kind, grid in (("images", 1), ("measured", settings["grid"]))
        }

    def _operator(self, problem: str) -> dict[str, Any]:
        """Fields of ``spec.Operator``."""
        settings = self.config["problems"][problem]
        return {
            "problem": problem,
            "dataset": settings["dataset"],
            "family": settings["family"],
            "problem_params": settings["params"],
            "contents": contents_of(settings["params"]),
            "plugins": outside(find("problem", settings["family"])),
        }

    def _of_row(self, problem: str, row: str) -> dict[str, Any]:
        """Fields of ``spec.Reconstruct`` but for its inputs and its code."""
        asked, settings = self.config["problems"][problem], self.config["rows"][row]
        prior = prior_of(self.config, row)
        foreign = prior and foreign_of(self.config, prior)
        fields = self._operator(problem) | self._computed()
        if foreign and fields["precision"] == "auto":
            fields["precision"] = "float32"  # no one knows what bfloat16 does to it
        if foreign:
            folds = self.config["datasets"][asked["dataset"]]["folds"]
            made = spec.Prior(
                networks=[known_as(prior["network"], foreign)] * folds,
                assembly=prior["assembly"],
                overlap=prior["overlap"],
                foreign={"name": prior["network"], **foreign},
            )
        else:
            made = prior and self._prior(networks_for(self.config, problem, row), prior)
        plugins = [find("problem", asked["family"]), find("method", settings["method"])]
        return fields | {
            "row": row,
            "method": settings["method"],
            "params": params_of(settings, problem),
            "prior": made,
            "repeats": asked["repeats"],
            "batch": self.config["batch"],
            "plugins": outside(*plugins),
        }

    def _prior(self, networks: list[str], prior: dict[str, Any]) -> spec.Prior:
        folders = [Path(self.network_folder(name)).name for name in networks]
        return spec.Prior(networks=folders, assembly=prior["assembly"], overlap=prior["overlap"])

    def _computed(self) -> dict[str, Any]:
        return {key: self.config[key] for key in ("seed", "device", "precision")}


def _prepare(dataset: str, split: str, images: dict[str, Any], count: int | None) -> spec.Prepare:
    kept = {key: images[key] for key in ("source", "params", "folds", "size", "files")}
    plugins = outside(find("dataset", images["source"]))
    return spec.Prepare(dataset=dataset, split=split, count=count, plugins=plugins, **kept)


def outside(*plugins: Plugin) -> list[str]:
    """Files of plugins outside the project."""
    return sorted({str(plugin.path) for plugin in plugins if plugin.outside})
