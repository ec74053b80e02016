"""One line per job and interval: what it does, how far, how fast and how long it will take."""

import sys
import time

from tqdm import tqdm


class ProgressLine:
    """Prints ``label: 40/300 [00:12<01:18, 3.3 evaluations/s]`` at most every ``interval`` seconds.

    Args:
        label: names the job.
        total: amount of work in ``unit``.
        unit: plural name of what is counted.
        done: work that an earlier run did already.
        interval: seconds between lines.
    """

    def __init__(self, label: str, total: int, unit: str, done: int = 0, interval: float = 10.0):
        self.label, self.total, self.unit, self.initial = label, total, unit, done
        self.interval = interval
        self.start = self.last = time.monotonic()
        if done:
            print(f"{label}: resumed at {done} of {total} {unit}", file=sys.stderr, flush=True)

    def update(self, done: int, note: str = "") -> None:
        """Report that ``done`` of the work is finished."""
        now = time.monotonic()
        if done < self.total and now - self.last < self.interval:
            return
        self.last = now
        text = tqdm.format_meter(
            done,
            self.total,
            now - self.start,
            initial=self.initial,
            unit=f" {self.unit}",
            prefix=self.label,
            postfix=note,
            bar_format="{desc}: {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]",
        )
        print(text, file=sys.stderr, flush=True)
