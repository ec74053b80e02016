"""Reconstructions that failed: rows of the tables with a reason, until they are tried again."""

from pathlib import Path

from workflow.store.arrays import StoreError, load_record


def failed(run: Path) -> dict[Path, str]:
    """Records of failed reconstructions below ``run`` (results/<name>) and their reasons."""
    found = {}
    for path in sorted(Path(run).glob("reconstructions/*/*.json")):
        try:
            record = load_record(path)
        except StoreError:
            continue
        if record["status"] == "failed":
            found[path] = record["reason"]
    return found


def retry(run: Path) -> str:
    """Remove failed records, for the next run to try them again; say how many.

    The array beside each is emptied: Snakemake does not ask for a missing file as long as
    everything that was made of it is there and nothing else has changed.

    Raises:
        StoreError: there is no such run.
    """
    if not Path(run).is_dir():
        raise StoreError(f"there is no run {run}: name its folder, results/<name>")
    paths = failed(run)
    for path in paths:
        path.with_suffix(".npz").write_bytes(b"")
        path.unlink()
    return f"{len(paths)} failed; the next run of snakemake tries again" if paths else "none failed"


def last_lines(run: Path, records: list[str]) -> str:
    """One line per failed reconstruction of ``records`` and what to do; empty if there is none."""
    found = {path: why for path, why in failed(run).items() if str(path) in records}
    lines = [
        f"failed: {path.stem} on {path.parent.name}: {why} "
        f"(log: {run}/logs/reconstruct/{path.parent.name}/{path.stem}.log)"
        for path, why in found.items()
    ]
    again = f"To try again: python -m workflow retry {run}, then snakemake"
    return "\n".join([*lines, f"{len(found)} failed. {again}"] if found else [])
