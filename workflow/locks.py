"""Makes a run go on after its Snakemake was killed, without giving up Snakemake's lock."""

import fcntl
from base64 import urlsafe_b64decode
from pathlib import Path

_held = []


def is_alone(path: Path) -> bool:
    """Take a lock that ends with this process; False if a living process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = open(path, "w")  # noqa: SIM115 - held until the process ends
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    _held.append(file)
    return True


def recover_from_kill(folder: Path = Path(".snakemake")) -> None:
    """Clear what a killed Snakemake left behind. Only for who knows to be alone in ``folder``.

    Snakemake's own locks outlive it: they are removed, and so are outputs that it was about to
    write, to be made again.

    Args:
        folder: where Snakemake keeps its state.
    """
    for lock in (folder / "locks").glob("*"):
        lock.unlink(missing_ok=True)
    for marker in [p for p in (folder / "incomplete").rglob("*") if p.is_file()]:
        # Snakemake names the marker by the output's path in base 64, in folders "@..." if long.
        name = "".join(part.removeprefix("@") for part in marker.relative_to(folder).parts[1:])
        Path(urlsafe_b64decode(name).decode()).unlink(missing_ok=True)
        marker.unlink()
