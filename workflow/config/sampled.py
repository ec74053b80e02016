"""Problems with `samples`: which they are, and their jobs (``workflow.config.spec``)."""

from typing import Any

from workflow.config import jobs, spec
from workflow.config.views import params_of
from workflow.plugins.discovery import find

Config = dict[str, Any]


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


def sample(config: Config, problem: str, row: str) -> spec.Samples:
    """Samples of a row, and their scores."""
    values = jobs.of_row(config, problem, row)
    values["inputs"]["measurements"] = jobs.measure(config, problem).hash
    values["repeats"] = samples(config, problem, row)
    return jobs.coded(spec.Samples(**values))
