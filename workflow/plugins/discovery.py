"""Finds methods, problems and datasets by reading their files, and imports them when asked to.

A plugin is a Python file with one subclass of ``Method``, ``Problem`` or ``Dataset``. It is in a
folder of the project, named in the configuration (``plugins``), or a module of an installed package
with an entry point of the group ``padis_benchmark.methods``, ``.problems`` or ``.datasets``.
"""

import ast
import contextlib
import importlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from workflow.plugins.params import PluginError, nearest

ROOT = Path(__file__).resolve().parents[2]
KINDS = {  # package, base class, and files of the package that are no plugins
    "method": ("methods", "Method", {"base", "sampling", "dps", "proximal", "deepinv_adapter"}),
    "problem": ("problems", "Problem", {"base", "noise"}),
    "dataset": ("problems.datasets", "Dataset", {"base", "sources"}),
}
PACKAGES = ("problems", "methods", "workflow")
OUTSIDE = "plugins"  # package name of modules that are files outside the project
_named: list[Path] = []  # files and folders that ``use`` was given


@dataclass(frozen=True)
class Plugin:
    """What is known of a plugin before it is imported.

    Attributes:
        name: file name without suffix, or name of the entry point; used in the config and in paths.
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


def use(paths: Sequence[str | Path]) -> None:
    """Add plugins outside the project: files, and folders whose files are looked through.

    They take the place of those of an earlier call. Paths are relative to the working directory.

    Raises:
        PluginError: a path does not exist, or a file defines no plugin.
    """
    _named[:] = [Path(path).expanduser().resolve() for path in paths]
    discover.cache_clear()
    for given, path in zip(paths, _named, strict=True):
        if not path.exists():
            raise PluginError(f"plugins: there is no file or folder {given}")
        if path.is_file() and not any(_class_of(path, kind) for kind in KINDS):
            raise PluginError(f"{given} defines no subclass of Method, Problem or Dataset")


@cache
def discover(kind: str) -> dict[str, Plugin]:
    """All plugins of ``kind`` ("method", "problem" or "dataset") by name.

    Raises:
        PluginError: two have one name, or a file of the project has no plugin.
    """
    package, base, shared = KINDS[kind]
    found: dict[str, Plugin] = {}
    for path in _files(ROOT / package.replace(".", "/")):
        if path.stem not in shared:
            node = _class_of(path, kind)
            if node is None:
                raise PluginError(f"{path.relative_to(ROOT)} defines no subclass of {base}")
            found[path.stem] = _plugin(path.stem, f"{package}.{path.stem}", path, node)
    outside = [(path.stem, f"{OUTSIDE}.{path.stem}", path) for path in _outside()]
    for name, module, path in [*outside, *_installed(kind)]:
        node = _class_of(path, kind)
        if node is None:
            continue
        if name in found:
            raise PluginError(
                f"{path}: there is a {kind} {name!r} already, {found[name].path}; rename the file"
            )
        found[name] = _plugin(name, module, path, node)
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


def kinds_of(path: Path) -> list[str]:
    """Kinds of the plugins that a file defines."""
    return [kind for kind in KINDS if _class_of(Path(path).resolve(), kind)]


def load(kind: str, name: str) -> type:
    """Import a plugin and return its class.

    Raises:
        PluginError: the file has no class of this kind of its own, or several.
        Exception: whatever the file raises when it is imported.
    """
    plugin = find(kind, name)
    module = _import(plugin)
    base = getattr(importlib.import_module(f"{KINDS[kind][0]}.base"), KINDS[kind][1])
    classes = [
        c
        for c in vars(module).values()
        if isinstance(c, type) and issubclass(c, base) and c.__module__ == plugin.module
    ]
    if len(classes) != 1:
        raise PluginError(f"{plugin.path.name} must define one {KINDS[kind][1]}")
    return classes[0]


def _import(plugin: Plugin) -> Any:
    if not plugin.module.startswith(f"{OUTSIDE}."):
        return importlib.import_module(plugin.module)
    known = sys.modules.get(plugin.module)
    if known is not None and known.__file__ == str(plugin.path):
        return known
    spec = spec_from_file_location(plugin.module, plugin.path)
    module = sys.modules[plugin.module] = module_from_spec(spec)
    if str(plugin.path.parent) not in sys.path:
        sys.path.append(str(plugin.path.parent))  # for files beside it
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[plugin.module]
        raise
    return module


# ---- where plugins are ------------------------------------------------------------------------


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")]


def _outside() -> list[Path]:
    paths = [p for path in _named for p in (_files(path) if path.is_dir() else [path])]
    return [path for path in dict.fromkeys(paths) if not _own(path)]


def _own(path: Path) -> bool:
    """Whether a file is found by its folder in the project."""
    return path.parent in {ROOT / package.replace(".", "/") for package, _, _ in KINDS.values()}


def _installed(kind: str) -> Iterator[tuple[str, str, Path]]:
    for entry in sorted(entry_points(group=f"padis_benchmark.{kind}s")):
        top, *inner = entry.module.split(".")
        spec = find_spec(top)  # imports nothing, as it has no parent
        if spec is None or not spec.origin:
            raise PluginError(f"entry point {entry.name}: there is no module {entry.module}")
        path = Path(spec.origin)
        if inner:
            path = path.parent.joinpath(*inner)
            path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if not path.is_file():
            raise PluginError(f"entry point {entry.name}: there is no module {entry.module}")
        yield entry.name, entry.module, path


def file_of(module: str) -> Path:
    """File of a plugin or of another module of the project, which need not exist; no import."""
    if module.split(".")[0] not in PACKAGES:
        plugins = [plugin for kind in KINDS for plugin in discover(kind).values()]
        return next(plugin.path for plugin in plugins if plugin.module == module)
    path = ROOT / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


# ---- what their files say ---------------------------------------------------------------------


@dataclass(frozen=True)
class _Class:
    """A class definition and the file that it stands in."""

    tree: ast.Module
    node: ast.ClassDef
    folder: Path

    def bases(self) -> Iterator["_Class"]:
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
                yield _Class(self.tree, here, self.folder)
            elif base in imported:
                module, name = imported[base]
                places = [ROOT / module.replace(".", "/"), self.folder / module.replace(".", "/")]
                paths = [p.with_suffix(".py") for p in places]
                path = next((p for p in paths if p.is_file()), None)
                node = path and _definition(_parse(path), name)
                if node:
                    yield _Class(_parse(path), node, path.parent)

    def descends(self, name: str) -> bool:
        """Whether ``name`` is a base class of this one or of one of its base classes."""
        direct = [ast.unparse(base).rsplit(".", 1)[-1] for base in self.node.bases]
        return name in direct or any(base.descends(name) for base in self.bases())

    def fields(self) -> dict[str, str]:
        """Annotated names of this class and its bases."""
        found: dict[str, str] = {}
        for base in self.bases():
            found |= base.fields()
        own = (n for n in self.node.body if isinstance(n, ast.AnnAssign))
        return found | {n.target.id: ast.unparse(n.annotation) for n in own}

    def params(self) -> dict[str, str]:
        """Fields of the inner class ``Params``, its own or inherited."""
        inner = _definition(self.node, "Params")
        if inner is not None:
            return _Class(self.tree, inner, self.folder).fields()
        return next((p for p in (base.params() for base in self.bases()) if p), {})

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


def _class_of(path: Path, kind: str) -> _Class | None:
    """The plugin of ``kind`` in a file, the last one where a class is the base of another."""
    tree, base = _parse(path), KINDS[kind][1]
    classes = [_Class(tree, n, path.parent) for n in tree.body if isinstance(n, ast.ClassDef)]
    return next((c for c in reversed(classes) if c.descends(base)), None)


def _plugin(name: str, module: str, path: Path, found: _Class) -> Plugin:
    return Plugin(name, module, path, found.literals(), found.params())


@cache
def fields_of(module: str, name: str) -> dict[str, str]:
    """Fields and annotations of a class of the project, without importing its module."""
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    return _Class(_parse(path), _definition(_parse(path), name), path.parent).fields()


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
