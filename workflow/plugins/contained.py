"""Runs the code of a plugin in a process of its own: one that misbehaves costs its row only."""

import ctypes
import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from workflow.plugins.params import PluginError

PARENT = "BENCHMARK_PARENT"  # environment variable: process that a job must not outlive
SUBREAPER = 36  # of prctl (Linux): orphans of children become children of this process
_sealed: list[str] = []


def contained(
    work: Callable[[], Any], minutes: float = 0.0, truth: tuple[Path, ...] = ()
) -> tuple[Any, str]:
    """Run ``work`` in a new process; kill that and all that it has started when ``work`` ends.

    The process is a fork: if this one has computed with several threads of PyTorch, ``work`` waits
    for ever at its first computation with several threads, as OpenMP does not survive a fork.

    Args:
        minutes: that it may take; 0 is no limit.
        truth: folders below which the new process can open no file.

    Returns:
        What ``work`` returned, and "". Or None and in one line why there is no result: it raised,
        ended Python, was killed, or took too long.

    Raises:
        ValueError: ``work`` raised a ValueError other than PluginError, or an OSError: what it was
            given cannot be used, whatever the plugin does.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(SUBREAPER, 1)
    others = set(psutil.Process().children(recursive=True))
    context = multiprocessing.get_context("fork")
    answer, sent = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(work, sent, truth))
    process.start()
    sent.close()
    deadline, found = time.monotonic() + (60 * minutes or float("inf")), None
    try:
        while time.monotonic() < deadline and process.is_alive() and not answer.poll(0.05):
            pass
        found = answer.recv() if answer.poll() else None
    except EOFError:  # it is about to end, or has closed its files
        process.join(min(deadline - time.monotonic(), 1e6))  # more would overflow
    finally:
        code = process.exitcode
        process.kill()
        process.join()
        _kill_others(others)
    if found is None:
        return None, _why(code, minutes)
    value, reason, unusable = found
    if unusable:
        raise ValueError(unusable)
    return value, reason


def _run(work: Callable[[], Any], answer: Any, truth: tuple[Path, ...]) -> None:
    os.setpgid(0, 0)
    threading.Thread(
        target=_end_with, args=(multiprocessing.parent_process(),), daemon=True
    ).start()
    faulthandler.enable(2)
    seal(*truth)
    value, reason, unusable = None, "", ""
    try:
        value = work()
    except BaseException as error:
        if isinstance(error, (ValueError, OSError)) and not isinstance(error, PluginError):
            unusable = str(error) or type(error).__name__
        else:
            traceback.print_exc()
            reason = reason_of(error)
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    answer.send((value, reason, unusable))
    while True:  # until it is killed: threads that it has started are not waited for
        signal.pause()


def _end_with(parent: Any) -> None:
    parent.join()
    os.killpg(0, signal.SIGKILL)


def _kill_others(others: set[psutil.Process]) -> None:
    """Kill all processes below this one but for ``others``."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        started = set(psutil.Process().children(recursive=True)) - others
        if not started:
            return
        for process in started:
            with suppress(psutil.NoSuchProcess):
                process.kill()
            with suppress(ChildProcessError):
                os.waitpid(process.pid, os.WNOHANG)
        time.sleep(0.01)


def _why(code: int | None, minutes: float) -> str:
    if code is None:
        return (
            f"TimeoutError: no result within {minutes:g} minutes: let it do less, or raise "
            "time_limit_minutes"
        )
    if code == -signal.SIGKILL:
        return "killed by SIGKILL, often for lack of memory: lower batch"
    if code < 0:
        name = signal.Signals(-code).name
        return f"killed by {name}, in code that is not Python's: its log says in which line"
    return f"it ended Python with status {code}, as os._exit does: raise an exception instead"


def reason_of(error: BaseException, file: str | Path = "") -> str:
    """An exception in one line: its type, its first line, and where in ``file`` it was raised."""
    if isinstance(error, PluginError):
        return str(error)
    try:
        text = (str(error).strip().splitlines() or [""])[0]
    except BaseException:
        text = "its message cannot be printed"
    frames = [(str(Path(f.filename).resolve()), f.lineno) for f in _frames(error)]
    lines = [line for name, line in frames if file and name == str(Path(file).resolve())]
    where = f" ({Path(file).name}, line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}{': ' if text else ''}{text}{where}"


def _frames(error: BaseException) -> traceback.StackSummary:
    return traceback.extract_tb(error.__traceback__)


@contextmanager
def restored() -> Iterator[None]:
    """Put back what a plugin changes of its process and others rely on.

    These are the working directory, the output streams and PyTorch's defaults.
    """
    folder, streams, torch = os.getcwd(), (sys.stdout, sys.stderr), sys.modules.get("torch")
    defaults = _defaults(torch)
    try:
        yield
    finally:
        os.chdir(folder)
        sys.stdout, sys.stderr = (
            os.fdopen(number, "w", 1, closefd=False) if stream.closed else stream
            for number, stream in enumerate(streams, start=1)
        )
        if torch and _defaults(torch) != defaults:
            torch.set_default_device(None)
            torch.set_default_dtype(defaults[1])
            torch.set_num_threads(defaults[2])


def _defaults(torch: Any) -> tuple | None:
    if torch:
        return torch.get_default_device(), torch.get_default_dtype(), torch.get_num_threads()
    return None


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
