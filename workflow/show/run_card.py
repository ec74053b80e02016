"""The card of a run: what it was made with."""

from pathlib import Path

from workflow.config.spec import Show
from workflow.store.arrays import save_record
from workflow.store.provenance import hashes, made_with


def run_card(job: Show, out: Path, *results: Path) -> None:
    """Write what the run was made with, its configuration and the hashes of its results."""
    made = made_with(job.code, [])
    save_record(out, {"made_with": made, "results": hashes(results), "config": job.settings})
