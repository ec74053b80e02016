"""Finds methods, problems and datasets by reading their files, and imports them when asked to.

A plugin is a Python file with one subclass of ``Method``, ``Problem`` or ``Dataset``. It is in a
folder of the project, named in the configuration (``plugins``), or a module of an installed package
with an entry point of the group ``padis_benchmark.methods``, ``.problems`` or ``.datasets``.
"""

import importlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from workflow.plugins.params import PluginError, nearest, spelled
from workflow.plugins.reading import ROOT, Source, last_class

KINDS = {  # package, base class, and files of the package that are no plugins
    "method": ("methods", "Method", {"base", "sampling", "dps", "proximal", "deepinv_adapter"}),
    "problem": ("problems", "Problem", {"base", "noise"}),
    "dataset": ("problems.datasets", "Dataset", {"base", "sources", "description"}),
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
        defaults: of these fields.
    """

    name: str
    module: str
    path: Path
    attributes: dict[str, Any]
    params: dict[str, str]
    defaults: dict[str, Any]

    def samples(self, params: dict[str, Any]) -> bool:
        """Whether a method with ``params``, others being the defaults, samples a posterior."""
        said = self.attributes.get("samples", False)
        if not isinstance(said, dict):
            return bool(said)
        chosen = {**self.defaults, **params}
        return all(chosen[name] in values for name, values in said.items())

    @property
    def signature(self) -> str:
        """Names, kinds and defaults of its parameters, for people."""
        kinds = {name: spelled(kind) for name, kind in self.params.items()}
        values = {name: f" = {value}" for name, value in self.defaults.items()}
        return ", ".join(f"{name}: {kind}{values.get(name, '')}" for name, kind in kinds.items())


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


def _class_of(path: Path, kind: str) -> Source | None:
    return last_class(path, KINDS[kind][1])


def _plugin(name: str, module: str, path: Path, found: Source) -> Plugin:
    return Plugin(name, module, path, found.literals(), *found.params())


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
