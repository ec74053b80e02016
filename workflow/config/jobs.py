"""The jobs of a configuration: for each what it reads (``workflow.config.spec``)."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from methods.priors.assembly import MODULES
from workflow.config import spec
from workflow.config.foreign import files_of, known_as
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
from workflow.plugins.discovery import ROOT, find
from workflow.score.scores import protocols
from workflow.store.digest import digests

Config = dict[str, Any]
NETWORKS = "results/networks"  # all runs share it
EXACT = ("base", "lattice", "mixture", "patches")  # modules of methods.priors.exact


def coded(job: Any) -> Any:
    """``job`` with the digests of the science code that it runs."""
    return replace(job, code=dict(_digests(tuple(sources(job)))))


@cache
def _digests(paths: tuple[Path, ...]) -> dict[str, str]:
    return digests(paths)


def sources(job: spec.JobSpec) -> list[Path]:
    """Files with the science code that a job runs; they import others."""
    if isinstance(job, (spec.Train, spec.Show)):
        return []
    kinds = {"source": "dataset", "family": "problem", "method": "method"}
    plugins = [(kind, getattr(job, name)) for name, kind in kinds.items() if hasattr(job, name)]
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


class Jobs:
    """The jobs of a configuration; each is described once."""

    def __init__(self, config: Config):
        self.config = config

    @cache  # noqa: B019
    def prepare(self, dataset: str, split: str, grid: int = 1) -> spec.Prepare:
        """One split of a dataset, on a grid so many times finer than its size."""
        chosen = images_of(self.config, dataset, split)
        source = find("dataset", chosen["source"])
        job = spec.Prepare(
            dataset=dataset,
            split=split,
            folds=chosen["folds"],
            source=chosen["source"],
            params=chosen["params"],
            size=[grid * side for side in chosen["size"]],
            count=chosen[split],
            files=chosen["files"],
            plugins=outside(source),
        )
        return coded(job)

    @cache  # noqa: B019
    def measure(self, problem: str) -> spec.Measure:
        """Measurements of the images of a problem."""
        job = spec.Measure(
            **self._operator(problem),
            seed=self.config["seed"],
            inputs={
                f"{split}, {kind}": job
                for split in measured_splits(self.config, problem)
                for kind, job in self._measured(problem, split).items()
            },
        )
        return coded(job)

    @cache  # noqa: B019
    def controls(self, problem: str) -> spec.Controls:
        """The controls of a problem."""
        settings = self.config["problems"][problem]
        images = {"test": settings["dataset"], "train": settings["trained_on"]}
        job = spec.Controls(
            **self._operator(problem),
            inputs={split: self.prepare(name, split).hash for split, name in images.items()},
        )
        return coded(job)

    def train(self, fold: str, network: str) -> spec.Train:
        """One network of a fold: of ct/1, or ct where there is one."""
        dataset, _, number = fold.partition("/")
        made = recipe(self.config, network, dataset)
        return spec.Train(
            dataset=fold,
            fold=int(number or 1),
            name=network,
            network=made["network"],
            training=made["training"],
            images={**self._described(dataset), "used": made["images"]},
            validation=VALIDATION,
            again=self.config["name"] if self.config["train"] else "",
            **self._computed(),
        )

    def _described(self, dataset: str) -> dict[str, Any]:
        """What is known of training and validation images before they are there."""
        train, validation = (
            images_of(self.config, dataset, split) for split in ("train", "validation")
        )
        params = spec.without_place(train["params"]) if train["files"] else train["params"]
        return {**train, "params": params, "validation": validation["validation"]}

    @cache  # noqa: B019
    def network_folder(self, fold: str, network: str) -> str:
        """Folder of a network of a fold: of ct/1, or ct where there is one. All runs share it."""
        dataset, _, number = fold.partition("/")
        key = self.train(fold, network).hash
        return f"{NETWORKS}/{dataset}-{number or 1}-{network}-{key}"

    @cache  # noqa: B019
    def reconstruct(self, problem: str, row: str) -> spec.Reconstruct:
        """One row on the test images of a problem."""
        values = self.of_row(problem, row)
        values["inputs"]["measurements"] = self.measure(problem).hash
        return coded(spec.Reconstruct(**values))

    def sample(self, problem: str, row: str) -> spec.Samples:
        """Samples of a row on a problem with `samples`, and their scores."""
        values = self.of_row(problem, row)
        values["inputs"]["measurements"] = self.measure(problem).hash
        values["repeats"] = self.config["problems"][problem]["samples"]
        return coded(spec.Samples(**values))

    def tune(self, problem: str, row: str) -> spec.Tune:
        """The search of a row on a problem; it does not depend on what an earlier one has found."""
        values = self.of_row(problem, row)
        settings, tuning = self.config["rows"][row], self.config["tuning"]
        values["params"] = {
            k: v for k, v in values["params"].items() if k not in settings["search"]
        }
        values["inputs"] |= self._measured(problem, tuning["split"])
        job = spec.Tune(
            **values,
            axes=list(settings["search"]),
            search=settings["search"],
            starts=self.starts_of(problem, row),
            trials=trials_of(self.config, row),
            images=tuning["images"],
            margin=tuning["margin"],
        )
        return coded(job)

    def starts_of(self, problem: str, row: str) -> list[dict[str, float]]:
        """Points at which a search starts: the values of the row itself and of its kin.

        Kin are rows of one sampler with other priors, which search the same parameters.
        """
        search, rows = self.config["rows"][row]["search"], self.config["rows"]
        tables = [t for t in self.config["tables"].values() if not t["ablation"]]
        shown = {r for t in tables if problem in t["problems"] for r in t["rows"]}
        kin = [
            r for r in rows if r in shown and r != row and list(rows[r]["search"]) == list(search)
        ]
        found = []
        for name in [row, *kin]:
            values = params_of(rows[name], problem)
            point = {parameter: values[parameter] for parameter in search if parameter in values}
            if point and point not in found:
                found.append(point)
        return found[: trials_of(self.config, row) // 2]

    def generate(self, name: str) -> spec.Generate:
        """Samples of the prior ``name``."""
        settings, prior = self.config["generation"], self.config["priors"][name]
        network = networks_of(self.config, settings["dataset"], prior["network"])[0]
        job = spec.Generate(
            name=name,
            prior=self._prior([network], prior),
            samples=settings["samples"],
            sampler=settings["sampler"],
            batch=self.config["batch"],
            **self._computed(),
        )
        return coded(job)

    def score(self, problem: str, rows: list[str]) -> spec.Score:
        """Scores of rows and controls on a problem."""
        made = {
            row: (self.controls(problem) if row in CONTROLS else self.reconstruct(problem, row))
            for row in rows
        }
        job = spec.Score(
            **self._operator(problem),
            rows=rows,
            metrics=protocols(),
            inputs={row: job.hash for row, job in made.items()},
        )
        return coded(job)

    def _measured(self, problem: str, split: str) -> dict[str, str]:
        """The images of a problem, and the same ones on the grid on which they are measured."""
        settings = self.config["problems"][problem]
        images, measured = (
            self.prepare(settings["dataset"], split, grid) for grid in (1, settings["grid"])
        )
        return {"images": images.hash, "measured": measured.hash}

    def _operator(self, problem: str) -> dict[str, Any]:
        """Fields of ``spec.Operator``."""
        settings = self.config["problems"][problem]
        family = find("problem", settings["family"])
        return {
            "problem": problem,
            "dataset": settings["dataset"],
            "family": settings["family"],
            "problem_params": settings["params"],
            "contents": contents_of(settings["params"]),
            "plugins": outside(family),
        }

    def of_row(self, problem: str, row: str) -> dict[str, Any]:
        """Fields of ``spec.Reconstruct`` but for its measurements and its code."""
        fields = self._operator(problem)
        settings, prior = self.config["rows"][row], prior_of(self.config, row)
        method = find("method", settings["method"])
        fields |= {
            "row": row,
            "method": settings["method"],
            "params": params_of(settings, problem),
            "prior": self._prior_of_row(problem, row, prior) if prior else None,
            "repeats": self.config["problems"][problem]["repeats"],
            "batch": self.config["batch"],
            "inputs": {},
            "plugins": sorted({*fields["plugins"], *outside(method)}),
            **self._computed(),
        }
        if prior and foreign_of(self.config, prior) and fields["precision"] == "auto":
            fields["precision"] = "float32"  # no one knows what bfloat16 does to it
        return fields

    def _prior_of_row(self, problem: str, row: str, prior: dict[str, Any]) -> spec.Prior:
        foreign = foreign_of(self.config, prior)
        if not foreign:
            return self._prior(networks_for(self.config, problem, row), prior)
        dataset = self.config["problems"][problem]["dataset"]
        named = known_as(prior["network"], foreign)
        return spec.Prior(
            networks=[named] * self.config["datasets"][dataset]["folds"],
            assembly=prior["assembly"],
            overlap=prior["overlap"],
            foreign={"name": prior["network"], **foreign},
        )

    def foreign_files(self, row: str) -> list[str]:
        """Files of the network of a row that was not trained here; none of others."""
        prior = None if row in CONTROLS else prior_of(self.config, row)
        foreign = prior and foreign_of(self.config, prior)
        return [str(path) for path in files_of(foreign)] if foreign else []

    def _prior(self, networks: list[str], prior: dict[str, Any]) -> spec.Prior:
        folders = [Path(self.network_folder(*name.rsplit("/", 1))).name for name in networks]
        return spec.Prior(networks=folders, assembly=prior["assembly"], overlap=prior["overlap"])

    def _computed(self) -> dict[str, Any]:
        return {key: self.config[key] for key in ("seed", "device", "precision")}

    def plugins_of(self, rows: Iterable[str]) -> list[str]:
        """Files outside the project that define the methods of rows."""
        methods = {self.config["rows"][row]["method"] for row in rows}
        return sorted(path for name in methods for path in outside(find("method", name)))


def outside(plugin: Any) -> list[str]:
    return [str(plugin.path)] if plugin.outside else []
