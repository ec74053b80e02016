"""Problems with `samples`: which they are, and their jobs (``workflow.config.spec``)."""

from typing import Any

from workflow.config import jobs, spec

Config = dict[str, Any]


def problems(config: Config) -> list[str]:
    """Names of the problems with `samples`."""
    return [name for name, problem in config["problems"].items() if "samples" in problem]


def tables(config: Config) -> list[str]:
    """Names of the tables of such problems."""
    known = problems(config)
    return [n for n, table in config["tables"].items() if set(table["problems"]) <= set(known)]


def sample(config: Config, problem: str, row: str) -> spec.Samples:
    """Samples of a row, and their scores."""
    values = jobs.of_row(config, problem, row)
    values["inputs"]["measurements"] = jobs.measure(config, problem).hash
    values["repeats"] = config["problems"][problem]["samples"]  # 1 for a point estimator
    return jobs.coded(spec.Samples(**values))
