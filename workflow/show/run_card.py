"""The card of a run: what it was made with."""

from pathlib import Path
from typing import Any

from workflow.run.device import setup
from workflow.store.arrays import save_record
from workflow.store.provenance import hashes, made_with


def run_card(config: dict[str, Any], results: list[Path], code: str, out: Path) -> None:
    """Write what the run was made with, its configuration and the hashes of its results."""
    setup(config)
    card = {"made_with": made_with(code, []), "results": hashes(results), "config": config}
    save_record(out, card)
