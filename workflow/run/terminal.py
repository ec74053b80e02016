"""What the terminal shows of a run: a line per running job, the share that is done, what failed.

Snakemake's own log is in ``.snakemake/log``, what a job prints in the log of the job. With
``--quiet``, ``--verbose``, ``--logger`` and in dry runs Snakemake's own output stands instead.
"""

import atexit
import logging
import time
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from snakemake.logging import logger
from snakemake_interface_executor_plugins.settings import ExecMode
from snakemake_interface_logger_plugins.common import LogEvent
from tqdm import tqdm

from workflow.run.estimate import guess, pace, spoken
from workflow.run.progress import said_last

HIDDEN = {LogEvent.RUN_INFO, LogEvent.RESOURCES_INFO, LogEvent.PROGRESS, LogEvent.JOB_STARTED}
NOISE = ("Using shell", "Conda environments: ignored", "Select jobs to", "Exiting because a job",
         "Complete log", "Elapsed time")  # fmt: skip


class Terminal(logging.Filter):
    """Sits behind Snakemake's handler of the terminal and prints in its place.

    Attributes:
        active: whether it does; jobs are silent then.
    """

    def __init__(self, workflow: Any):
        super().__init__()
        settings = workflow.output_settings
        named = [h for h in logger.handlers if h.name == "DefaultStreamHandler"]
        asked = settings.dryrun or settings.quiet or settings.verbose or settings.debug_dag
        self.active = bool(named) and not asked and workflow.exec_mode == ExecMode.DEFAULT
        self.workflow, self.lock, self.live = workflow, RLock(), None
        self.begun = self.interrupted = False
        self.jobs, self.running, self.failed = {}, {}, {}
        self.earlier, self.taken = [], []  # guesses of finished jobs and what they took
        if self.active:
            self.handler = named[0]
            self.console = Console(file=self.handler.stream, no_color=settings.nocolor)
            self.handler.addFilter(self)

    def start(self, specs: dict[str, Any]) -> None:
        """Show the jobs that are to run; ``specs`` are their records by the parameter ``spec``."""
        dag, resources = self.workflow.dag, self.workflow.resource_settings
        self.slots = (resources.cores if self.workflow.local_exec else resources.nodes) or 1
        for job in dag.jobs if self.active else []:
            guessed = guess(specs.get(job.params.get("spec"))) if job.is_shell else ("target", 0.0)
            if dag.needrun(job):
                self.jobs[job.jobid] = guessed, min(job.threads, self.slots)
            elif job.benchmark:
                with suppress(OSError, IndexError, ValueError):  # not there, or not whole
                    took = Path(job.benchmark).read_text().splitlines()[1].split()[0]
                    self.earlier.append((guessed, float(took)))
        self.total = len(self.jobs)
        if self.active and self.console.is_terminal:
            self.live = Live(
                get_renderable=self._lines,
                console=self.console,
                refresh_per_second=2,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            atexit.register(self.live.stop)
            self.live.start()

    def end(self, *lines: str) -> None:
        """Say what failed and then ``lines``."""
        if self.live:
            self.live.stop()
        found = [f"failed: {label}: {why} (log: {log})" for label, why, log in self.failed.values()]
        if self.interrupted:
            found = ["interrupted: start it again, and it goes on from here"]
        for line in [*found, *lines] if self.active else []:
            self._print(line)

    def filter(self, record: logging.LogRecord) -> bool:
        """Take in what Snakemake says; True lets Snakemake print it."""
        event = getattr(record, "event", None)
        self.begun = self.begun or event == LogEvent.WORKFLOW_STARTED
        if not self.begun:
            return True
        try:
            with self.lock:
                text = self._text(event, record)
        except Exception:  # of what is shown; it must not end the run
            return True
        if text:
            self._print(text, "red" if record.levelno >= logging.ERROR else None)
        return False

    def _text(self, event: LogEvent | None, record: logging.LogRecord) -> str | None:
        if event == LogEvent.JOB_INFO:
            words = [record.rule_name, "/".join(filter(None, record.wildcards.values()))]
            label = " ".join(word for word in words if word)
            log = record.log[0] if record.log else ""
            self.running[record.jobid] = label, log, time.time()
            self.failed.pop(record.jobid, None)
            return f"started: {label}" if log and not self.live else None
        if event == LogEvent.JOB_FINISHED:
            label, log, since = self.running.pop(record.job_id)
            took = time.time() - since
            self.taken.append((self.jobs.pop(record.job_id)[0], took))
            after = f"finished: {label} in {tqdm.format_interval(took)}; {self._share()[1]}"
            return after if log and not self.live else None
        if event == LogEvent.JOB_ERROR:
            label, log, since = self.running.pop(record.jobid)
            if self.interrupted:  # no failure of its own
                return None
            why = reason(log, since)
            self.failed[record.jobid] = label, (why or ["see above"])[0], log
            if not why or self.workflow.output_settings.show_failed_logs:
                return self.handler.format(record)
            return "\n".join([f"failed: {label} (log: {log})", *why])
        text = self.handler.format(record)
        self.interrupted |= text.startswith(("Terminating processes on", "Will exit after"))
        told = "CalledProcessError" in text or "did not complete successfully" in text
        if event in HIDDEN or text.startswith(NOISE) or (event == LogEvent.ERROR and told):
            return None
        return None if event == LogEvent.WORKFLOW_STARTED else text

    def _print(self, text: str, style: str | None = None) -> None:
        self.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    def _share(self) -> tuple[float, str]:
        """Share of the work that is done, and what is said of it."""
        now, ends = time.time(), {}
        for jobid, (_, log, since) in self.running.items():
            left = said_last(log, since)[1]
            if left is not None:
                ends[jobid] = now - since + left
        seconds = pace(
            [*self.earlier, *self.taken, *((self.jobs[j][0], end) for j, end in ends.items())]
        )
        done, ahead, longest = sum(took for _, took in self.taken), 0.0, 0.0
        for jobid, (guessed, threads) in self.jobs.items():
            gone = now - self.running[jobid][2] if jobid in self.running else 0.0
            whole = ends.get(jobid) or max(seconds(guessed), 1.3 * gone)
            left = max(whole - gone, 1.0)
            done, ahead, longest = done + gone, ahead + left * threads, max(longest, left)
        share = done / max(done + ahead, 1.0)
        left = spoken(max(ahead / self.slots, longest))
        count = f"({self.total - len(self.jobs)} of {self.total} jobs)"
        after = f", roughly {left} left" if self.jobs else ""
        return share, f"{share:.0%} done {count}{after}"

    def _lines(self) -> Group:
        with self.lock:
            rows = []
            for label, log, since in [*self.running.values()][: max(self.console.height - 3, 1)]:
                took = tqdm.format_interval(time.time() - since)
                text = f"{took:>8}  {label}  {said_last(log, since)[0]}"
                rows.append(Text(text, no_wrap=True, overflow="ellipsis"))
            share, text = self._share()
        whole = Table.grid(padding=(0, 1))
        whole.add_row(ProgressBar(total=1.0, completed=share, width=16), Text(text, no_wrap=True))
        return Group(*rows, whole)


def reason(log: str, since: float = 0.0) -> list[str]:
    """Why a job that began at ``since`` failed: what its log says from the last "error: " on, or
    the last line."""
    path = Path(log)
    lines = []
    if path.is_file() and path.stat().st_mtime >= since:
        lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    starts = [k for k, line in enumerate(lines) if line.startswith("error: ")]
    return lines[starts[-1] :][:10] if starts else lines[-1:]
