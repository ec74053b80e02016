"""A job runs the science code that it was started for, or not at all."""

from contextlib import suppress
from importlib import import_module

from workflow.config import jobs
from workflow.config.spec import JobSpec
from workflow.plugins.discovery import load
from workflow.plugins.params import PluginError


def check_code(job: JobSpec, method: bool) -> None:
    """Import the science code of a job, and compare the files with those that its record names.

    Args:
        method: whether its method runs in this process; if not, it is not imported.

    Raises:
        PluginError: the file of the method or problem is gone.
        ValueError: a file has changed since the run was started.
    """
    if not job.code:
        return
    kinds = {"source": "dataset", "family": "problem"} | ({"method": "method"} if method else {})
    for field, kind in kinds.items():
        with suppress(Exception):  # a plugin that cannot be imported is the job's to report
            if hasattr(job, field):
                load(kind, getattr(job, field))
    for name in job.code:
        module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if module.startswith("methods.priors."):  # imported by name, as the prior is needed
            import_module(module)
    try:
        changed = jobs.changed(job)
    except PluginError:
        if method:
            raise
        return
    if changed:
        raise ValueError(
            f"{changed[0]} has changed since this run was started: start snakemake again"
        )
