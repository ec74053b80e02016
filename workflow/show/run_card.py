"""The card of a run: what it was made with, and the hashes of its results."""

from pathlib import Path

from workflow.config.spec import Show
from workflow.store.arrays import save_record
from workflow.store.provenance import hashes, made_with

KEPT = ("images.csv", "tables/*", "figures/**/*.png", "tuning/**/*.csv")


def kept(run: Path) -> list[Path]:
    """Files of a run (results/<name>) that a reference keeps, beside its cards."""
    return sorted({path for pattern in KEPT for path in run.glob(pattern) if path.is_file()})


def run_card(job: Show, out: Path, *results: Path) -> None:
    """Write what the run was made with, its configuration and the hashes of its results.

    These are ``results`` and whatever else a reference would keep, such as extra tables.
    """
    made = made_with(job.code, [])
    save_record(
        out,
        {
            "made_with": made,
            "results": hashes(sorted({*results, *kept(out.parent)})),
            "config": job.settings,
        },
    )
