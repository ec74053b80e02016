"""The contract of plugins as checks, each of which explains itself in a sentence."""

import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from threading import Timer
from typing import Any

from workflow.plugins.contained import contained, reason_of, restored
from workflow.plugins.discovery import defined_in, use
from workflow.plugins.params import PluginError

Check = Callable[[Any], None]  # takes the case of a plugin, raises what is wrong; docstring: rule
MINUTES = 5  # after which a plugin counts as one that never ends
SECONDS = 5  # after which a rule that is still being checked is named


class ContractError(AssertionError):
    """What a plugin does against the contract, in a sentence that names the fix."""


class UnusableError(ContractError):
    """What no other check can say more of."""


def require(condition: object, message: str) -> None:
    """Raise ``message`` as a violation unless ``condition`` holds."""
    if not condition:
        raise ContractError(message)


def labelled(case: Any) -> None:
    """It has a label for the tables and a reference."""
    for name in ("label", "reference"):
        found = getattr(case.cls, name, "")
        require(found, f"the class lacks {name}: set {name} = '...' in its body")


def rule_of(check: Check) -> str:
    """The rule that a check tests."""
    return " ".join((check.__doc__ or "").split())


def suite(kind: str) -> tuple[Callable[..., Any], list[Check]]:
    """What makes the case of a plugin of ``kind`` from (name, parameters), and its checks."""
    from workflow.plugins.contract import datasets, methods, problems

    found = {"method": methods, "problem": problems, "dataset": datasets}[kind]
    return found.Case, found.CHECKS


def examine(path: Path, params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Run all checks on the plugins of a file that ``workflow.plugins.discovery.use`` was given.

    A rule that takes long to check is printed meanwhile.

    Yields:
        A rule, and what is against it or "". A mistake that breaks several rules is said once;
        after an exception of the plugin itself nothing else is run.
    """
    said, path, out = set(), Path(path).resolve(), sys.stdout

    def tried(rule: str, function: Callable[[], Any]) -> tuple[Any, str, bool]:
        """What it returns, what is wrong, and whether more can be said of the plugin."""
        text = f"waiting {rule} More than {SECONDS} s so far."
        timer = Timer(SECONDS, print, [text], {"file": out, "flush": True})
        timer.start()
        try:
            with redirect_stdout(StringIO()), redirect_stderr(StringIO()), restored():
                return function(), "", True
        except ContractError as error:
            return None, str(error), not isinstance(error, UnusableError)
        except BaseException as error:
            return None, reason_of(error, path), False
        finally:
            timer.cancel()

    rule = "The file can be imported."
    plugins, wrong, _ = tried(rule, partial(defined_in, path))
    yield rule, wrong
    for plugin in plugins or ():
        make, checks = suite(plugin.kind)
        rule = f"The {plugin.kind} can be made."
        case, wrong, more = tried(rule, partial(make, plugin.name, params))
        yield rule, wrong
        for check in checks if more else ():
            _, wrong, more = tried(rule_of(check), partial(check, case))
            if not wrong or wrong not in said:
                yield rule_of(check), wrong
            said.add(wrong)
            if not more:
                return


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
    broken, reason = contained(partial(_broken, file, params), MINUTES)
    if reason:
        print(f"BROKEN  It ends.\n        {reason.removesuffix(', or raise time_limit_minutes')}")
        broken = "at least 1"
    print(f"{file}: {broken} broken" if broken else f"{file}: all rules are kept")
    sys.exit(bool(broken))


def _broken(file: Path, params: dict[str, Any]) -> int:
    """Print the rules; how many are broken."""
    broken = 0
    for rule, wrong in examine(file, params):
        print(f"{'BROKEN' if wrong else 'ok':8}{rule}", flush=True)
        if wrong:
            print(f"        {wrong}", flush=True)
            broken += 1
    return broken
