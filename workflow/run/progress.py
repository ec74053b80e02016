"""One line per job and interval: what it does, how far, how fast and how long it will take."""

import re
import sys
import time
from pathlib import Path

from tqdm import tqdm

FORMAT = "{desc}: {whole}/{total} {what} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"
PRINTED = re.compile(r": (\d+/\d+ .+ \[[\d:]+<([\d:]+), .*\])$")


class ProgressLine:
    """Prints ``label: 4/12 images [00:12<00:26, 3.0 s/ images, 130 evaluations/s]`` now and then.

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

    def update(self, done: float, note: str = "", calls: int = 0) -> None:
        """Report that ``done`` of the work is finished.

        Args:
            note: said after the rate.
            calls: evaluations of a prior since the start, whose rate is said, too.
        """
        now = time.monotonic()
        if done < self.total and now - self.last < self.interval:
            return
        self.last = now
        if calls:
            note = f"{calls / (now - self.start):.0f} evaluations/s"
        text = tqdm.format_meter(
            min(done, self.total),
            self.total,
            now - self.start,
            initial=self.initial,
            unit=f" {self.unit}",
            what=self.unit,
            prefix=self.label,
            postfix=note,
            bar_format=FORMAT,
            whole=int(min(done, self.total)),
        )
        print(text, file=sys.stderr, flush=True)


def said_last(log: str, since: float = 0.0) -> tuple[str, float | None]:
    """The last line of the log of a job and the seconds left by it, if it says so.

    Args:
        since: time at which the job started; an older log is of another attempt.
    """
    try:
        with open(log, "rb") as file:
            changed = Path(log).stat().st_mtime
            file.seek(max(0, file.seek(0, 2) - 2000))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return "", None
    text = next((line.strip() for line in reversed(lines) if line.strip()), "")
    if not text or changed < since:
        return "", None
    found = PRINTED.search(text)
    if not found:
        return text, None
    left = 0
    for part in found[2].split(":"):
        left = 60 * left + int(part)
    return found[1], max(left - (time.time() - changed), 0.0)
