"""Finds methods, problems and datasets by file name, without running them."""

import ast
import difflib
import importlib
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

ROOT = Path(__file__).resolve().parent.parent
KINDS = {
    "method": ("methods", "Method", {"base", "sampling"}),
    "problem": ("problems", "Problem", {"base", "noise"}),
    "dataset": ("problems.datasets", "Dataset", {"base", "sources"}),
}


class PluginError(ValueError):
    """A plugin that is unknown, or parameters that it does not take; one line."""


@dataclass(frozen=True)
class Plugin:
    """What is known of a plugin before it is imported.

    Attributes:
        name: file name without suffix, used in the config and in paths.
        module: dotted name to import.
        path: the file.
        attributes: literal class attributes (label, reference, prior, downloads, ...).
        params: names of the fields of its ``Params``.
    """

    name: str
    module: str
    path: Path
    attributes: dict[str, Any]
    params: tuple[str, ...]


@cache
def discover(kind: str) -> dict[str, Plugin]:
    """All plugins of ``kind`` ("method", "problem" or "dataset") by name."""
    package, base, shared = KINDS[kind]
    found = {}
    for path in sorted((ROOT / package.replace(".", "/")).glob("*.py")):
        if path.stem.startswith("_") or path.stem in shared:
            continue
        tree = _parse(path)
        node = _class(tree, lambda c: base in [ast.unparse(b) for b in c.bases])
        if node is None:
            raise PluginError(f"{path.relative_to(ROOT)} defines no subclass of {base}")
        params = _class(node, lambda c: c.name == "Params")
        names = _fields(tree, params) if params else ()
        module = f"{package}.{path.stem}"
        found[path.stem] = Plugin(path.stem, module, path, _literals(node), names)
    return found


def find(kind: str, name: str) -> Plugin:
    """The plugin called ``name``.

    Raises:
        PluginError: there is none; the message names the nearest known name.
    """
    plugins = discover(kind)
    if name not in plugins:
        raise PluginError(f"unknown {kind} {name!r}{nearest(name, plugins)}")
    return plugins[name]


def load(kind: str, name: str) -> type:
    """Import a plugin and return its class."""
    plugin = find(kind, name)
    module = importlib.import_module(plugin.module)
    base = getattr(importlib.import_module(f"{KINDS[kind][0]}.base"), KINDS[kind][1])
    classes = [
        c
        for c in vars(module).values()
        if isinstance(c, type) and issubclass(c, base) and c.__module__ == plugin.module
    ]
    if len(classes) != 1:
        raise PluginError(f"{plugin.path.name} must define one {KINDS[kind][1]}")
    return classes[0]


def make_params(cls: type, values: dict[str, Any], owner: str) -> Any:
    """Build a params dataclass or named tuple from configuration values.

    Lists become tuples; unknown names and values outside a ``Literal`` are refused.

    Raises:
        PluginError: one line that names ``owner``, the parameter and the nearest known name.
    """
    names = [f.name for f in fields(cls)] if is_dataclass(cls) else list(cls._fields)
    hints = get_type_hints(cls)
    for name, value in values.items():
        if name not in names:
            raise PluginError(f"{owner} has no parameter {name!r}{nearest(name, names)}")
        allowed = get_args(hints[name]) if get_origin(hints[name]) is Literal else None
        if allowed and value not in allowed:
            raise PluginError(f"{owner}: {name} must be one of {allowed}, not {value!r}")
    return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def nearest(name: str, known) -> str:
    """A clause for error messages: the nearest known name, or all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(str(name), known, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text())
    except SyntaxError as error:
        raise PluginError(f"{path.name}, line {error.lineno}: {error.msg}") from None


def _class(tree: ast.AST, wanted: Callable[[ast.ClassDef], bool]) -> ast.ClassDef | None:
    classes = (n for n in getattr(tree, "body", []) if isinstance(n, ast.ClassDef))
    return next(filter(wanted, classes), None)


def _fields(tree: ast.Module, node: ast.ClassDef) -> tuple[str, ...]:
    """Names of a dataclass's fields, those of bases that the project defines included."""
    names = [n.target.id for n in node.body if isinstance(n, ast.AnnAssign)]
    for base in map(ast.unparse, node.bases):
        for statement in tree.body:
            if isinstance(statement, ast.ImportFrom) and base in [a.name for a in statement.names]:
                source = _parse((ROOT / statement.module.replace(".", "/")).with_suffix(".py"))
                names += _fields(source, _class(source, lambda c, base=base: c.name == base))
    return tuple(names)


def _literals(node: ast.ClassDef) -> dict[str, Any]:
    found = {}
    for statement in node.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            try:
                found[ast.unparse(statement.targets[0])] = ast.literal_eval(statement.value)
            except ValueError:
                continue
    return found
