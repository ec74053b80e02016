"""Finds methods, problems and datasets by the names of their files; imports those that are used.

A plugin is a Python file with a subclass of ``Method``, ``Problem`` or ``Dataset``. It is in a
folder of the project, named in the configuration (``plugins``), or a module of an installed package
with an entry point of the group ``padis_benchmark.methods``, ``.problems`` or ``.datasets``.
"""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from hashlib import sha256
from importlib.machinery import PathFinder
from importlib.metadata import entry_points
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from workflow.plugins.contained import contained, reason_of, restored
from workflow.plugins.params import PluginError, nearest

ROOT = Path(__file__).resolve().parents[2]
KINDS = {  # package, base class, and files of the package that are not plugins
    "method": (
        "methods",
        "Method",
        {"base", "sampling", "sampler", "dps", "proximal", "deepinv_adapter"},
    ),
    "problem": ("problems", "Problem", {"base", "files", "noise", "seeds"}),
    "dataset": ("problems.datasets", "Dataset", {"base", "sources", "description"}),
}
PACKAGES = ("problems", "methods", "workflow")
OUTSIDE = "plugins"  # package name of modules that are files outside the project
IMPORT_MINUTES = 2  # after which a file counts as one that cannot be imported
_named: list[Path] = []  # files and folders that ``use`` was given


@dataclass(frozen=True)
class Plugin:
    """A plugin; it is imported when ``cls`` is read.

    Attributes:
        name: file name without suffix, or name of the entry point; used in the config and in paths.
        kind: "method", "problem" or "dataset".
        module: dotted name to import.
        path: the file.
    """

    name: str
    kind: str
    module: str
    path: Path

    @cached_property
    def cls(self) -> type:
        """Its class: the last one of the file, as earlier ones may be bases of it.

        Raises:
            PluginError: the file cannot be imported, or defines no class of this kind.
        """
        if self._class is None:
            raise PluginError(f"{self.path.name} defines no subclass of {KINDS[self.kind][1]}")
        return self._class

    @property
    def outside(self) -> bool:
        """Whether it is a file that the configuration names."""
        return self.module.startswith(f"{OUTSIDE}.")

    @property
    def defined(self) -> bool:
        """Whether the file has a class of this kind; a file outside the project is imported."""
        return not self.outside or self._class is not None

    @cached_property
    def _class(self) -> type | None:
        module = _imported(self)
        package, name, _ = KINDS[self.kind]
        base = getattr(sys.modules.get(f"{package}.base"), name, None)  # imported with subclasses
        found = [c for c in vars(module).values() if isinstance(c, type) and base in c.__mro__]
        return next((c for c in reversed(found) if c.__module__ == self.module), None)


def use(paths: Sequence[str | Path]) -> None:
    """Add plugins outside the project: files, and folders whose files are looked through.

    They take the place of those of an earlier call. Paths are relative to the working directory.

    Raises:
        PluginError: a path does not exist, or is a file that is not Python.
    """
    _named[:] = [Path(path).expanduser().resolve() for path in paths]
    _candidates.cache_clear()
    for given, path in zip(paths, _named, strict=True):
        if not path.exists():
            raise PluginError(f"plugins: there is no file or folder {given}: name one that is")
        if path.is_file() and path.suffix != ".py":
            raise PluginError(f"plugins: {given} is no Python file: a plugin's name ends in .py")
    for path in _outside():
        if path.parent == Path.cwd() and is_module(path.stem):
            raise PluginError(
                f"{path.name} takes the place of the module {path.stem} of Python or of a package "
                "for all that runs in this folder: rename the file"
            )


def is_module(name: str) -> bool:
    """Whether Python or an installed package has a module of this name."""
    elsewhere = [path for path in sys.path if Path(path).resolve() != Path.cwd()]
    return name in (*sys.stdlib_module_names, *PACKAGES) or bool(
        PathFinder.find_spec(name, elsewhere)
    )


def discover(kind: str) -> dict[str, Plugin]:
    """All plugins of ``kind`` ("method", "problem" or "dataset") by name; nothing is imported.

    Of files outside the project only the names are known here, so that a helper file or a plugin of
    another kind may be among them: ``Plugin.defined`` says whether it is one.
    """
    return {name: plugins[0] for name, plugins in _candidates(kind).items()}


def find(kind: str, name: str) -> Plugin:
    """The plugin called ``name``. Where several files have the name, they are imported to choose.

    Raises:
        PluginError: there is none, or several; the message names the nearest known name.
    """
    known = _candidates(kind)
    if name not in known:
        raise PluginError(f"unknown {kind} {name!r}{nearest(name, known)}")
    found = known[name]
    if len(found) > 1:
        found = [plugin for plugin in found if plugin.defined] or found
    if len(found) > 1:
        first, second, *_ = [plugin.path for plugin in found]
        raise PluginError(f"{second}: there is a {kind} {name!r} already, {first}; rename the file")
    return found[0]


def load(kind: str, name: str) -> type:
    """Import a plugin and return its class."""
    return find(kind, name).cls


def defined_in(path: Path) -> list[Plugin]:
    """Plugins that a file defines; it is imported.

    Raises:
        PluginError: it defines none.
    """
    file = Path(path).resolve()
    known = [p for kind in KINDS for ps in _candidates(kind).values() for p in ps]
    found = [plugin for plugin in known if plugin.path == file and plugin.defined]
    if not found:
        raise PluginError(f"{path} defines no subclass of Method, Problem or Dataset")
    return found


def check_files(used: Iterable[str] = ()) -> None:
    """Refuse a file that ``use`` was given and that defines no plugin.

    Args:
        used: names of methods whose files are left out: their jobs fail and say why.
    """
    for path in _named:
        if path.is_file() and path.stem not in used:
            defined_in(path)


def described(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Rows with ``prior`` and ``label``; the methods of those that lack one are imported.

    That is done in other processes, since reading a configuration must survive what a file does
    when it is imported. A row whose method cannot be imported has no prior and its name as label.
    """
    methods = {row["method"] for row in rows.values() if not {"prior", "label"} <= set(row)}
    known = _said_by(sorted(methods)) if methods else {}
    return {
        name: {"prior": None, "label": name} | known.get(row["method"], {}) | row
        for name, row in rows.items()
    }


def _said_by(methods: list[str]) -> dict[str, dict[str, Any]]:
    """Prior and label of the methods that can be imported."""
    if "torch" not in sys.modules:  # a process that forks must have it, and this may do without
        code = "from workflow.plugins import discovery as d; d.print_said_by()"
        asked = json.dumps([list(map(str, _named)), methods])
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, input=asked, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        return json.loads(done.stdout.splitlines()[-1])

    def said(name: str) -> dict[str, Any]:
        cls = load("method", name)
        return {"prior": cls.prior, "label": getattr(cls, "label", name)}

    found = {name: contained(partial(said, name), IMPORT_MINUTES)[0] for name in methods}
    return {name: text for name, text in found.items() if text}


def print_said_by() -> None:
    """Do the work of another process, which has sent what it asks for."""
    paths, methods = json.load(sys.stdin)
    use(paths)
    importlib.import_module("methods.base")  # with PyTorch, once for all
    print("\n" + json.dumps(_said_by(methods)))


def draws(method: Any) -> bool:
    """Whether the results of a method, with its parameters, are samples of a posterior."""
    said, params = method.samples, method.params
    if not isinstance(said, dict):
        return bool(said)
    return all(getattr(params, name) in values for name, values in said.items())


def imported(path: Path) -> Any:
    """The module of a Python file outside the project that is no plugin.

    Raises:
        PluginError: it cannot be imported; one line that says where.
    """
    file = Path(path).expanduser().resolve()
    return _imported(Plugin(file.stem, "file", _module_of(file), file))


def _imported(plugin: Plugin) -> Any:
    try:
        with restored():
            if not plugin.outside:
                return importlib.import_module(plugin.module)
            if plugin.module not in sys.modules:
                _import_outside(plugin)
            return sys.modules[plugin.module]
    except BaseException as error:
        reason = reason_of(error, plugin.path)
        if isinstance(error, SystemExit):
            reason += ': put what ends Python under `if __name__ == "__main__":`'
        raise PluginError(reason) from error


def _import_outside(plugin: Plugin) -> None:
    """Import a file as a module of a package of all such files, which pickle finds again."""
    package = sys.modules.setdefault(OUTSIDE, ModuleType(OUTSIDE))
    folders = package.__dict__.setdefault("__path__", [])
    if str(plugin.path.parent) not in folders:
        folders.append(str(plugin.path.parent))  # for relative imports
        sys.path.append(str(plugin.path.parent))  # for files beside it
    spec = spec_from_file_location(plugin.module, plugin.path)
    module = sys.modules[plugin.module] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[plugin.module]
        raise


# ---- where plugins are ------------------------------------------------------------------------


@cache
def _candidates(kind: str) -> dict[str, list[Plugin]]:
    """Name to files that may define a plugin of this kind and name, those of the project first."""
    package, _, shared = KINDS[kind]
    own = [path for path in _files(_folder(kind)) if path.stem not in shared]
    places = [(path.stem, f"{package}.{path.stem}", path) for path in own]
    places += [(path.stem, _module_of(path), path) for path in _outside()]
    found: dict[str, list[Plugin]] = {}
    for name, module, path in [*places, *_installed(kind)]:
        found.setdefault(name, []).append(Plugin(name, kind, module, path))
    return found


def _folder(kind: str) -> Path:
    return ROOT / KINDS[kind][0].replace(".", "/")


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")]


def _outside() -> list[Path]:
    paths = [p for path in _named for p in (_files(path) if path.is_dir() else [path])]
    own = {_folder(kind) for kind in KINDS}  # whose files are found there
    return [path for path in dict.fromkeys(paths) if path.parent not in own]


def _module_of(path: Path) -> str:
    """A module name that no file of the same name in another folder has."""
    return f"{OUTSIDE}.{path.stem}_{sha256(str(path).encode()).hexdigest()[:8]}"


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
