"""Snakemake logger plugin: one line per running job, progress of the run, and what failed.

Snakemake finds the plugin by the name of this package; profiles/default selects it. Dry runs and
the options --quiet, --verbose, --debug-dag and --show-failed-logs keep Snakemake's own output.
"""

import re
import signal
import time
from dataclasses import dataclass
from logging import WARNING, LogRecord
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text
from snakemake.logging import logger
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from tqdm import tqdm

PROGRESS = re.compile(r"(\d+)% (.*<([\d:]+).*)$")  # as printed by workflow.run.progress
MINUTE = 60.0


@dataclass
class Job:
    """A running job: what Snakemake reports, and what ``read`` finds in its log."""

    rule: str
    label: str
    log: str
    start: float
    expected: float  # seconds
    text: str = ""
    share: float | None = None  # that is done
    seconds: float | None = None  # of the whole job

    def lines(self) -> tuple[list[str], float]:
        """The last lines of the log and when they were written. Logs of earlier runs are empty."""
        try:
            with open(self.log, "rb") as file:
                file.seek(max(file.seek(0, 2) - 4000, 0))
                lines = file.read().decode(errors="replace").splitlines()
            written = Path(self.log).stat().st_mtime
        except OSError:
            return [], 0.0
        return [line for line in lines if line.strip() and written >= self.start], written

    def read(self) -> None:
        """Read the progress from the last line of the log."""
        lines, written = self.lines()
        self.text = "".join(lines[-1:]).strip()
        if found := PROGRESS.search(self.text):
            parts = [int(part) for part in reversed(found[3].split(":"))]
            left = sum(part * 60**k for k, part in enumerate(parts))
            self.text, self.share = found[2], int(found[1]) / 100
            self.seconds = written - self.start + left


def work(finished: list, running: list[Job], waiting: list, now: float) -> tuple[float, ...]:
    """Seconds of work done, seconds ahead, and seconds left of the longest running job.

    Durations scale with the ratio of actual to expected seconds: of the rule as far as it is known,
    otherwise of all jobs.

    Args:
        finished: rule, expected seconds and seconds of each job.
        waiting: rule and expected seconds of each job.
    """
    known = [*finished, *((job.rule, job.expected, job.seconds) for job in running if job.seconds)]

    def ratio(jobs: list, prior: float) -> float:  # a minute of work at ``prior`` is added
        return (sum(j[2] for j in jobs) + MINUTE * prior) / (sum(j[1] for j in jobs) + MINUTE)

    overall = ratio(known, 1.0)
    rules = {job.rule for job in running} | {rule for rule, _ in waiting}
    ratios = {rule: ratio([job for job in known if job[0] == rule], overall) for rule in rules}
    done, ahead, longest = sum(job[2] for job in finished), 0.0, 0.0
    for job in running:
        gone = now - job.start
        left = max((job.seconds or job.expected * ratios[job.rule]) - gone, 0.1 * gone)
        done, ahead, longest = done + gone, ahead + left, max(longest, left)
    return done, ahead + sum(ratios[rule] * seconds for rule, seconds in waiting), longest


class LogHandler(LogHandlerBase):
    """Displays the events of a run. Called in the thread of Snakemake's log queue."""

    writes_to_stream = True
    writes_to_file = has_filter = has_formatter = needs_rulegraph = False

    def __post_init__(self) -> None:
        asked = self.common_settings
        flags = asked.dryrun, asked.quiet, asked.verbose, asked.debug_dag, asked.show_failed_logs
        self.writes_to_stream = not any(flags)  # Snakemake prints its own output then
        self.console = Console(stderr=True, no_color=asked.nocolor or None)
        self.live, self.interrupted, self.cause = None, False, ""
        self.begin, self.total, self.finished = 0.0, 0, []
        self.waiting, self.running, self.failed = {}, {}, {}
        handle = signal.getsignal(signal.SIGINT)

        def interrupt(*arguments):
            self.interrupted = True
            handle(*arguments)

        if self.writes_to_stream and callable(handle):
            signal.signal(signal.SIGINT, interrupt)

    def emit(self, record: LogRecord) -> None:
        try:
            if self.writes_to_stream:
                self._show(getattr(record, "event", None), record)
        except Exception:  # an error of the display must not end the run
            self.handleError(record)

    def close(self) -> None:
        """Stop the display and list what failed. Snakemake calls this more than once."""
        if self.live:
            self.live.stop()
        if self.interrupted:
            self._print("Interrupted. Run the same command again to continue.")
        for text in filter(None, [*self.failed.values(), self.cause]):
            self._print(text, "red")
        self.failed, self.interrupted, self.cause = {}, False, ""
        super().close()

    def _show(self, event: str | None, record: LogRecord) -> None:
        match event:
            case LogEvent.RUN_INFO:
                self.begin, counts = record.created, dict(record.stats)
                self.total = counts.pop("total")
                self.waiting = {(r, k): (r, MINUTE) for r, n in counts.items() for k in range(n)}
                if self.console.is_terminal and not self.console.is_dumb_terminal:
                    show = {"get_renderable": self._table, "refresh_per_second": 2}
                    self.live = Live(console=self.console, transient=True, **show)
                    self.live.start()
            case "expected_seconds":  # the workflow knows better than a minute
                self.waiting = dict(record.jobs)  # rule and seconds by job id
            case LogEvent.JOB_INFO:
                same = [key for key, (rule, _) in self.waiting.items() if rule == record.rule_name]
                key = record.jobid if record.jobid in self.waiting else [*same, None][0]
                _, expected = self.waiting.pop(key, ("", MINUTE))
                label = f"{record.rule_name} {'/'.join(filter(None, record.wildcards.values()))}"
                job = Job(record.rule_name, label.strip(), "", record.created, expected)
                job.log = [*record.log, ""][0]
                self.running[record.jobid] = job
                self.failed.pop(record.jobid, None)  # tried again
                if not self.live:
                    self._print(f"started: {job.label}")
            case LogEvent.JOB_FINISHED:
                job = self.running.pop(record.job_id)
                took = record.created - job.start
                self.finished.append((job.rule, job.expected, took))
                if not self.live:
                    after = tqdm.format_interval(took)
                    self._print(f"finished: {job.label} in {after}; {self._share()[1]}")
            case LogEvent.ERROR | LogEvent.JOB_ERROR if self.interrupted:
                pass  # the interrupt ended the jobs
            case LogEvent.JOB_ERROR:
                job = self.running.pop(record.jobid)
                lines, self.cause = job.lines()[0][-5:] or [self.cause], ""
                self.failed[record.jobid] = f"failed: {job.label}: {lines[-1]} (log: {job.log})"
                self._print("\n".join([f"failed: {job.label} (log: {job.log})", *lines]), "red")
            case LogEvent.ERROR if self.running and record.exception == "RuleException":
                self.cause = record.getMessage()  # long; printed if the log of the job is empty
            case LogEvent.ERROR:
                self._print(self.format(record), "red")
            case LogEvent.SHELLCMD:  # with --printshellcmds
                self._print(self.format(record))
            case None if record.levelno >= WARNING or not self.total or record.name != logger.name:
                self._print(self.format(record), "yellow" if record.levelno >= WARNING else None)

    def _print(self, text: str, style: str | None = None) -> None:
        self.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    def _share(self) -> tuple[float, str]:
        """Share of the work that is done, and a text with the time left."""
        running, now = [*self.running.values()], time.time()
        for job in running:
            job.read()
        done, ahead, longest = work(self.finished, running, [*self.waiting.values()], now)
        share = done / (done + ahead) if ahead else 1.0
        text = f"{share:.0%} done ({len(self.finished)} of {self.total} jobs)"
        if running or self.waiting:
            at_once = max(done / max(now - self.begin, 1.0), len(running), 1.0)
            minutes = max(ahead / at_once, longest) / 60
            left = f"{minutes:.0f} minutes" if minutes < 90 else f"{minutes / 60:.1f} hours"
            text += f", about {left if minutes >= 1.5 else 'a minute'} left"
        return share, text

    def _table(self) -> Group:
        """The display in a terminal: the running jobs, and below them the whole run."""
        share, text = self._share()
        rows = Table.grid(Column(width=16), "", Column(no_wrap=True), "", padding=(0, 1))
        for job in [*self.running.values()][: self.console.height - 3]:
            bar = "" if job.share is None else ProgressBar(total=1.0, completed=job.share)
            after = tqdm.format_interval(time.time() - job.start)
            rows.add_row(
                bar, after, Text(job.label), Text(job.text, no_wrap=True, overflow="ellipsis")
            )
        run = Table.grid(Column(width=16), Column(no_wrap=True), padding=(0, 1))
        run.add_row(ProgressBar(total=1.0, completed=share), text)
        return Group(rows, run)
