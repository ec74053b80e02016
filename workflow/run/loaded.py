"""A job runs the science code that it was started for, or not at all."""

from contextlib import suppress
from importlib import import_module

from workflow.config import jobs
from workflow.config.spec import JobSpec
from workflow.plugins.discovery import load


def check_code(job: JobSpec) -> None:
    """Import the science code of a job, and compare the files with those that its record names.

    Raises:
        ValueError: a file has changed since the run was started.
    """
    if not job.code:
        return
    kinds = {"source": "dataset", "family": "problem", "method": "method"}
    for field, kind in kinds.items():
        with suppress(Exception):  # a plugin that cannot be imported is the job's to report
            if hasattr(job, field):
                load(kind, getattr(job, field))
    for name in job.code:
        module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if module.startswith("methods.priors."):  # imported by name, as the prior is needed
            import_module(module)
    changed = jobs.changed(job)
    if changed:
        raise ValueError(
            f"{changed[0]} has changed since this run was started: start snakemake again"
        )
