"""Makes a run go on after its Snakemake was killed, without giving up Snakemake's lock."""

import fcntl
from base64 import urlsafe_b64decode
from pathlib import Path

_held = []


def recover_from_kill(folder: Path = Path(".snakemake")) -> None:
    """Clear what a killed Snakemake left behind; leave that of a living one alone.

    A lock of the operating system ends with its process, Snakemake's own does not. Whoever gets
    the former knows that no other Snakemake works here: its locks are removed, and so are outputs
    that it was about to write, to be made again.

    Args:
        folder: where Snakemake keeps its state.
    """
    folder.mkdir(exist_ok=True)
    file = open(folder / "alive", "w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    _held.append(file)  # held until the process ends
    for lock in (folder / "locks").glob("*"):
        lock.unlink(missing_ok=True)
    for marker in [p for p in (folder / "incomplete").rglob("*") if p.is_file()]:
        # Snakemake names the marker by the output's path in base 64, in folders "@..." if long.
        name = "".join(part.removeprefix("@") for part in marker.relative_to(folder).parts[1:])
        Path(urlsafe_b64decode(name).decode()).unlink(missing_ok=True)
        marker.unlink()
