"""Runs the checks on a file and says what was found, a line per rule."""

import sys
from pathlib import Path
from typing import Any

from workflow.plugins.contract import examine
from workflow.plugins.discovery import use
from workflow.plugins.params import PluginError
from workflow.run.contained import fork

MINUTES = 5  # after which a plugin counts as one that never ends


def check(file: Path, params: dict[str, Any]) -> None:
    """Print every rule, and what is against it.

    Args:
        file: with a method, problem or dataset.
        params: that differ from the defaults.

    Raises:
        PluginError: the file cannot be used.
        SystemExit: status 1 if a rule is broken.
    """
    use([file])
    if file.is_dir():
        raise PluginError(f"{file} is a folder: name a file")
    reason = fork(60 * MINUTES)
    if reason:
        sys.exit(f"BROKEN  It ends and fits into memory.\n        {reason}")
    broken = 0
    for rule, wrong in examine(file, params):
        print(f"{'BROKEN' if wrong else 'ok':8}{rule}", flush=True)
        if wrong:
            print(f"        {wrong}", flush=True)
            broken += 1
    print(f"{file}: {broken} broken" if broken else f"{file}: all rules are kept")
    sys.exit(bool(broken))
