"""Runs a job in its own process: one that never ends or lacks memory has a result, too."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PARENT = "BENCHMARK_PARENT"  # environment variable: process that a job must not outlive
_sealed: list[str] = []


def isolate(minutes: float, truth: tuple[Path, ...]) -> str | None:
    """Go on in a new process that ends after ``minutes`` and cannot open the folders ``truth``.

    Returns:
        In the new process None. Here the reason why it was killed (``fork``).
    """
    reason = fork(60 * minutes if minutes else None)
    if reason is None:
        seal(*truth)
    return reason


def apart(function: Callable[[], None], minutes: float, truth: tuple[Path, ...]) -> str | None:
    """Run ``function`` in a new process of ``isolate``, and go on here when it has ended.

    Returns:
        The reason why it was killed, or None.

    Raises:
        SystemExit: it failed, and has said why.
    """
    try:
        reason = isolate(minutes, truth)
    except SystemExit as ended:
        if ended.code:
            raise
        return None
    if reason is None:
        function()
        sys.exit()
    return reason


def seal(*folders: Path) -> None:
    """Let this process open no file below ``folders`` from now on.

    It prevents accidental reads of the truth; it does not stop deliberate access.
    """
    if not _sealed:
        sys.addaudithook(_refuse)
    _sealed.extend(os.path.realpath(folder) + os.sep for folder in folders)


def _refuse(event: str, arguments: tuple) -> None:
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], (str, Path)):
        path = os.path.realpath(arguments[0]) + os.sep
        if any(path.startswith(folder) for folder in _sealed):
            raise PermissionError(f"{arguments[0]} holds the truth, which no method may read")


def fork(seconds: float | None) -> str | None:
    """Go on in a new process, which ends with this one, and wait for it here.

    Returns:
        In the new process None. Here the reason why it was killed: by us after ``seconds``, or from
        outside, as the system does when memory runs out. What it started is killed, too.

    Raises:
        SystemExit: here, with the status of the new process, if it ended by itself.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    deadline = time.monotonic() + (seconds or float("inf"))
    orphaned, waiting = os.pipe()  # closes when this process ends
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)  # a group of its own: what a method starts ends with it
        os.close(waiting)
        threading.Thread(target=_end_after, args=(orphaned,), daemon=True).start()
        return None
    os.close(orphaned)
    with suppress(OSError):  # it has done so itself, or has ended
        os.setpgid(child, child)
    try:
        # Until _kill has run the child is not reaped: no other process can have its number.
        while not (ended := _has_ended(child)) and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        _kill(child)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if not ended and code == -signal.SIGKILL:
        return f"TimeoutError: no result within {seconds / 60:g} minutes (time_limit_minutes)"
    if code == -signal.SIGKILL:
        return "killed by SIGKILL, often for lack of memory: lower batch"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    sys.exit(code)


def _has_ended(child: int) -> bool:
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kill(group: int) -> None:
    """Kill a process and those that it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _end_after(pipe: int) -> None:
    os.read(pipe, 1)
    _kill(os.getpid())


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
