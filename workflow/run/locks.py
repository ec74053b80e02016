"""Makes a run go on after its Snakemake was killed, without giving up Snakemake's lock.

Snakemake's lock files outlive it. Beside them, every Snakemake and every job holds a shared lock of
the operating system on one file, which ends with its process: whoever gets it alone knows that
nobody works here. Jobs end soon after the Snakemake that started them.
"""

import fcntl
import os
import threading
import time
from base64 import urlsafe_b64decode
from pathlib import Path

STATE = Path(".snakemake")
PARENT = "BENCHMARK_PARENT"  # environment variable: process that a job must not outlive
_held = []


def join(recover: bool, folder: Path = STATE, patience: float = 5.0) -> None:
    """Hold the shared lock until the process ends; with ``recover``, first clean up if alone.

    Cleaning up removes the locks of a killed Snakemake and the outputs that it was about to write,
    to be made again. Orphaned jobs are given ``patience`` seconds to end.
    """
    folder.mkdir(exist_ok=True)
    file = open(folder / "alive", "w")  # noqa: SIM115 - held until the process ends
    _held.append(file)
    stale = any((folder / "locks").glob("*")) or any((folder / "incomplete").glob("*"))
    if recover and stale:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _clean_up(folder)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    break
                time.sleep(0.1)
    fcntl.flock(file, fcntl.LOCK_SH)


def _clean_up(folder: Path) -> None:
    for lock in (folder / "locks").glob("*"):
        lock.unlink(missing_ok=True)
    for marker in [p for p in (folder / "incomplete").rglob("*") if p.is_file()]:
        # Snakemake names the marker by the output's path in base 64, in folders "@..." if long.
        name = "".join(part.removeprefix("@") for part in marker.relative_to(folder).parts[1:])
        Path(urlsafe_b64decode(name).decode()).unlink(missing_ok=True)
        marker.unlink()


def end_with_parent() -> None:
    """Let this job end within a second of the Snakemake that is named in the environment."""
    parent = os.environ.get(PARENT)
    if parent:
        threading.Thread(target=_watch, args=(int(parent),), daemon=True).start()


def _watch(parent: int) -> None:
    while True:
        try:
            os.kill(parent, 0)
        except ProcessLookupError:
            os._exit(1)
        except PermissionError:
            return
        time.sleep(0.5)
