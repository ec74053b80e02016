"""What a job depends on."""

from typing import Any

from workflow.config.resolve import ASSEMBLIES, prior_of
from workflow.plugins.discovery import find
from workflow.store.fingerprint import fingerprint


def code_of(config: dict[str, Any], problem: str, row: str) -> str:
    """Fingerprint of the method, the problem and the prior of a reconstruction."""
    modules = [find("method", config["rows"][row]["method"]).module]
    modules.append(find("problem", config["problems"][problem]["family"]).module)
    prior = prior_of(config, row)
    return fingerprint(*modules, *([ASSEMBLIES[prior["assembly"]]] if prior else []))
