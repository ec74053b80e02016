"""What the source of a class says: its base classes, attributes and parameters. Imports nothing."""

import ast
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from workflow.plugins.params import PluginError

ROOT = Path(__file__).resolve().parents[2]


class Fields(NamedTuple):
    """Annotations of the fields of a class, and defaults (source text where not a literal)."""

    kinds: dict[str, str]
    defaults: dict[str, Any]


@dataclass(frozen=True)
class Source:
    """A class definition and the file that it stands in."""

    tree: ast.Module
    node: ast.ClassDef
    folder: Path

    def bases(self) -> Iterator["Source"]:
        """Base classes that are defined in the same file, in the project or beside the file."""
        imported = {
            alias.asname or alias.name: (statement.module, alias.name)
            for statement in self.tree.body
            if isinstance(statement, ast.ImportFrom) and statement.module
            for alias in statement.names
        }
        for base in map(ast.unparse, self.node.bases):
            here = _definition(self.tree, base)
            if here is not None:
                yield Source(self.tree, here, self.folder)
            elif base in imported:
                module, name = imported[base]
                places = [ROOT / module.replace(".", "/"), self.folder / module.replace(".", "/")]
                paths = [p.with_suffix(".py") for p in places]
                path = next((p for p in paths if p.is_file()), None)
                node = path and _definition(_parse(path), name)
                if node:
                    yield Source(_parse(path), node, path.parent)

    def descends(self, name: str) -> bool:
        """Whether ``name`` is a base class of this one or of one of its base classes."""
        direct = [ast.unparse(base).rsplit(".", 1)[-1] for base in self.node.bases]
        return name in direct or any(base.descends(name) for base in self.bases())

    def fields(self) -> Fields:
        """Annotated names of this class and its bases."""
        found = Fields({}, {})
        for base in self.bases():
            found = Fields(
                *(mine | theirs for mine, theirs in zip(found, base.fields(), strict=True))
            )
        for node in self.node.body:
            if isinstance(node, ast.AnnAssign):
                found.kinds[node.target.id] = ast.unparse(node.annotation)
                if node.value:
                    found.defaults[node.target.id] = _value(node.value)
        return found

    def params(self) -> Fields:
        """Fields of the inner class ``Params``, its own or inherited."""
        inner = _definition(self.node, "Params")
        if inner is not None:
            return Source(self.tree, inner, self.folder).fields()
        return next(
            (p for p in (base.params() for base in self.bases()) if p.kinds), Fields({}, {})
        )

    def literals(self) -> dict[str, Any]:
        """Class attributes that are literals, inherited ones included."""
        found: dict[str, Any] = {}
        for base in self.bases():
            found |= base.literals()
        for statement in self.node.body:
            if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value:
                targets = getattr(statement, "targets", None) or [statement.target]
                with contextlib.suppress(ValueError):  # not a literal
                    value = ast.literal_eval(statement.value)
                    found |= {ast.unparse(target): value for target in targets}
        return found


def last_class(path: Path, base: str) -> Source | None:
    """The last class of a file that descends from ``base``: others may be bases of it.

    Raises:
        PluginError: the file is not Python.
    """
    tree = _parse(path)
    classes = [Source(tree, n, path.parent) for n in tree.body if isinstance(n, ast.ClassDef)]
    return next((c for c in reversed(classes) if c.descends(base)), None)


@cache
def fields_of(module: str, name: str) -> Fields:
    """Fields of a class of the project."""
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    return Source(_parse(path), _definition(_parse(path), name), path.parent).fields()


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def _definition(tree: ast.AST, name: str) -> ast.ClassDef | None:
    classes = (n for n in getattr(tree, "body", []) if isinstance(n, ast.ClassDef))
    return next((n for n in classes if n.name == name), None)


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text())
    except SyntaxError as error:
        raise PluginError(f"{path.name}, line {error.lineno}: {error.msg}") from None
    except UnicodeDecodeError:
        raise PluginError(f"{path.name} is not a Python file in UTF-8") from None
