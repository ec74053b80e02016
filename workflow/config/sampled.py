"""Problems with `samples`: which they are, and their jobs (``workflow.config.spec``)."""

from typing import Any

from workflow.config import jobs, shown, spec
from workflow.config.commands import MODULES
from workflow.config.views import params_of
from workflow.plugins.discovery import find

Config = dict[str, Any]
SPLITS = ("test", "validation")  # whose images are measured and sampled, in this order


def problems(config: Config) -> list[str]:
    """Names of the problems with `samples`."""
    return [name for name, problem in config["problems"].items() if "samples" in problem]


def tables(config: Config) -> list[str]:
    """Names of the tables of such problems."""
    known = problems(config)
    return [n for n, table in config["tables"].items() if set(table["problems"]) <= set(known)]


def samples(config: Config, problem: str, row: str) -> int:
    """Number of samples of a row per image; 1 if it is a point estimator."""
    settings = config["rows"][row]
    draws = find("method", settings["method"]).samples(params_of(settings, problem))
    return config["problems"][problem]["samples"] if draws else 1


def measure(config: Config, problem: str) -> spec.Measure:
    """Measurements of the test and validation images of a problem."""
    operator, code = jobs.of_operator(config, problem)
    images = {
        f"{split}, {kind}": job
        for split in SPLITS
        for kind, job in jobs.measured_images(config, problem, split).items()
    }
    code = jobs.fingerprint("workflow.run.measure_splits", *code)
    return spec.Measure(**operator, seed=config["seed"], inputs=images, code=code)


def sample(config: Config, problem: str, row: str) -> spec.Samples:
    """Samples of a row, and their scores."""
    values, code = jobs.of_row(config, problem, row)
    values["inputs"]["measurements"] = measure(config, problem).hash
    values["repeats"] = samples(config, problem, row)
    return spec.Samples(**values, code=jobs.fingerprint("workflow.run.sample", *code))


def show(config: Config, table: str) -> spec.Show:
    """The table of scores and its curves."""
    return _show(config, table, "samples")


def maps(config: Config, table: str) -> spec.Show:
    """Maps of the rows of a table on one of its problems."""
    return _show(config, table, "maps")


def _show(config: Config, table: str, command: str) -> spec.Show:
    settings = shown.part(config, [table])
    code = jobs.fingerprint(MODULES[command])
    plugins = jobs.plugins_of(config, settings["rows"])
    return spec.Show(name=table, settings=settings, code=code, plugins=plugins)
