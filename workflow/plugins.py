"""Finds methods, problems and datasets by file name, without running them."""

import ast
import difflib
import importlib
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

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
        params: fields of its ``Params`` with their annotations.
    """

    name: str
    module: str
    path: Path
    attributes: dict[str, Any]
    params: dict[str, str]


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
        names = _fields(tree, params) if params else {}
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
    """Build a params dataclass or named tuple from checked values; lists become tuples.

    Raises:
        PluginError: one line that names ``owner``, the parameter and the nearest known name.
    """
    names = [f.name for f in fields(cls)] if is_dataclass(cls) else list(cls._fields)
    for name in values:
        if name not in names:
            raise PluginError(f"{owner} has no parameter {name!r}{nearest(name, names)}")
    return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def nearest(name: str, known) -> str:
    """A clause for error messages: the nearest known name, or all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(str(name), known, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def _file(module: str) -> Path:
    return (ROOT / module.replace(".", "/")).with_suffix(".py")


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text())
    except SyntaxError as error:
        raise PluginError(f"{path.name}, line {error.lineno}: {error.msg}") from None


def _class(tree: ast.AST, wanted: Callable[[ast.ClassDef], bool]) -> ast.ClassDef | None:
    classes = (n for n in getattr(tree, "body", []) if isinstance(n, ast.ClassDef))
    return next(filter(wanted, classes), None)


def _fields(tree: ast.Module, node: ast.ClassDef) -> dict[str, str]:
    """A class's fields and their annotations, those of bases that the project defines included."""
    found = {}
    imported = {
        alias.name: statement.module
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    for base in map(ast.unparse, node.bases):
        if base in imported and _file(imported[base]).exists():
            found |= fields_of(imported[base], base)
    own = (n for n in node.body if isinstance(n, ast.AnnAssign))
    return found | {n.target.id: ast.unparse(n.annotation) for n in own}


@cache
def fields_of(module: str, name: str) -> dict[str, str]:
    """Fields and annotations of a class of the project, without importing its module."""
    tree = _parse(_file(module))
    return _fields(tree, _class(tree, lambda c: c.name == name))


def checked(values: dict[str, Any], annotations: dict[str, str], owner: str) -> dict[str, Any]:
    """Parameter values from a configuration, numbers such as 2e-4 (text in YAML) converted.

    Raises:
        PluginError: an unknown name or a value of the wrong type; one line that names both.
    """
    result = {}
    for name, value in values.items():
        if name not in annotations:
            raise PluginError(f"{owner} has no parameter {name!r}{nearest(name, annotations)}")
        try:
            result[name] = _converted(value, annotations[name])
        except ValueError:
            wanted = annotations[name].removeprefix("Literal")
            raise PluginError(f"{owner}: {name} must be {wanted}, not {value!r}") from None
    return result


def _converted(value: Any, annotation: str) -> Any:
    if " | " in annotation:
        kinds = annotation.split(" | ")
        if value is None and "None" in kinds:
            return None
        return _converted(value, next(k for k in kinds if k != "None"))
    if annotation.startswith("Literal"):
        if value in ast.literal_eval(annotation.removeprefix("Literal")):
            return value
    elif annotation.startswith("tuple"):
        inner = annotation[len("tuple[") : -1].split(", ")
        if isinstance(value, (list, tuple)) and ("..." in inner or len(value) == len(inner)):
            return [_converted(v, inner[0]) for v in value]
    elif annotation == "float" and not isinstance(value, bool):
        if isinstance(value, (int, float, str)):
            return float(value)
    elif annotation == "int" and not isinstance(value, bool):
        if isinstance(value, int) or (
            isinstance(value, (float, str)) and float(value).is_integer()
        ):
            return int(float(value))
    elif type(value).__name__ == annotation:
        return value
    raise ValueError


def _literals(node: ast.ClassDef) -> dict[str, Any]:
    found = {}
    for statement in node.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            try:
                found[ast.unparse(statement.targets[0])] = ast.literal_eval(statement.value)
            except ValueError:
                continue
    return found
