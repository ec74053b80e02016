"""Progress lines of a job: how far it is, how long it will take, and how fast it is."""

import sys
import time

from tqdm import tqdm

# The display in the terminal (snakemake_logger_plugin_padis) reads the share and the time left.
FORMAT = (
    "{desc}: {percentage:.0f}% {done}/{total} {what} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"
)


class ProgressLine:
    """Prints ``label: 33% 4/12 images [00:12<00:26, 3.0 s/ images, 130 evaluations/s]`` regularly.

    Args:
        label: name of the job.
        total: amount of work in ``unit``.
        unit: plural name of what is counted.
        done: work that an earlier run finished.
        interval: seconds between lines.
    """

    def __init__(self, label: str, total: int, unit: str, done: int = 0, interval: float = 10.0):
        self.label, self.total, self.unit, self.initial = label, total, unit, done
        self.interval = interval
        self.start = self.last = time.monotonic()
        if done:
            print(f"{label}: resumed at {done} of {total} {unit}", file=sys.stderr, flush=True)

    def update(self, done: float, note: str = "", calls: int = 0) -> None:
        """Report that ``done`` of the work is finished.

        Args:
            note: printed after the rate.
            calls: evaluations of a prior since the start, to print their rate as well.
        """
        now = time.monotonic()
        if done < self.total and now - self.last < self.interval:
            return
        self.last = now
        if calls:
            note = f"{calls / (now - self.start):.0f} evaluations/s"
        done = min(done, self.total)
        text = tqdm.format_meter(
            done, self.total, now - self.start, initial=self.initial, unit=f" {self.unit}",
            what=self.unit, prefix=self.label, postfix=note, bar_format=FORMAT, done=int(done),
        )  # fmt: skip
        print(text, file=sys.stderr, flush=True)
