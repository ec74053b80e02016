"""The card of a run: what it was made with, and the hashes of its results."""

from pathlib import Path
from typing import Any

from workflow.store.arrays import save_record
from workflow.store.provenance import hashes, made_with

KEPT = ("images.csv", "tables/*", "figures/**/*.png", "tuning/**/*.csv")


def kept(run: Path) -> list[Path]:
    """Files of a run (results/<name>) that a reference keeps, beside its cards."""
    return sorted({path for pattern in KEPT for path in run.glob(pattern) if path.is_file()})


def run_card(run: Path, config: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Write run.json: what the run was made with, its configuration and hashes of its results.

    Args:
        run: results/<name>.
        config: the configuration.
        asked: the part of it that is not of the preset.
    """
    made = made_with({}, [])
    card = {"made_with": made, "results": hashes(kept(run)), "config": config, "asked": asked}
    save_record(run / "run.json", card)
    return card
