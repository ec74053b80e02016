"""The contract of plugins as checks, each of which explains itself in a sentence."""

from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from workflow.plugins.discovery import defined_in, explained
from workflow.plugins.params import PluginError

Check = Callable[[Any], None]  # takes the case of a plugin, raises what is wrong; docstring: rule


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


def examine(path: Path, params: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Run all checks on the plugins of a file that ``workflow.plugins.discovery.use`` was given.

    Yields:
        A rule, and what is against it or None. A mistake that breaks several rules is said once;
        after an exception of the plugin itself nothing else is run.
    """
    said = set()
    path = Path(path).resolve()
    rule = "The file can be imported."
    try:
        plugins = defined_in(path)
    except PluginError as error:
        yield rule, str(error)
        return
    yield rule, None
    for plugin in plugins:
        make, checks = suite(plugin.kind)
        rule = f"The {plugin.kind} can be made."
        try:
            case = make(plugin.name, params)
        except Exception as error:
            yield rule, explained(error, path)
            return
        yield rule, None
        for check in checks:
            try:
                with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
                    check(case)
            except ContractError as error:
                if str(error) not in said:
                    yield rule_of(check), str(error)
                said.add(str(error))
                if isinstance(error, UnusableError):
                    return
            except Exception as error:
                yield rule_of(check), explained(error, path)
                return
            else:
                yield rule_of(check), None
