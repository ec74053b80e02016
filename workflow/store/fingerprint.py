"""A hash of what a piece of code means: its syntax tree and that of all code it imports with it.

Code of the project counts, and for a plugin outside it the files beside it and those of its own
package. Installed libraries do not: their versions are in the run card. Nor do the modules that
find, configure, store or say things and change no number (``SILENT``).
"""

import ast
import hashlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from workflow.plugins.discovery import PACKAGES, ROOT, file_of

SILENT = (
    "problems.datasets.description",
    "workflow.config",
    "workflow.plugins.discovery",
    "workflow.plugins.params",
    "workflow.store.files",
    "workflow.store.made",
    "workflow.store.provenance",
    "workflow.run.progress",
    "workflow.run.contained",
)
NAMES = ("label", "reference", "samples")  # class attributes that only describe a plugin


def fingerprint(*modules: str) -> str:
    """Hash modules, such as "methods.padis", and everything that they import.

    Comments, docstrings, formatting, imports for type checkers and the names of plugins do not
    count.
    """
    digest = hashlib.sha256()
    for name, path in sorted((_name(path), path) for path in _closure(modules)):
        digest.update(f"{name}\n{_meaning(path)}\n".encode())
    return digest.hexdigest()[:16]


def _closure(modules: tuple[str, ...]) -> set[Path]:
    found, waiting = set(), [file_of(module) for module in modules]
    while waiting:
        path = waiting.pop()
        if path not in found and not _name(path).startswith(SILENT):
            found.add(path)
            waiting.extend(_imports(path))
    return found


def _name(path: Path) -> str:
    if ROOT not in path.parents:
        return path.stem
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    found = []
    tree = ast.parse(path.read_text())
    typing = [n for n in tree.body if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n.test)]
    unused = {id(inner) for node in typing for inner in ast.walk(node)}
    for node in (n for n in ast.walk(tree) if id(n) not in unused):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found += _located(alias.name, path)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found += _located(module, path)
            for alias in node.names:
                found += _located(f"{module.rstrip('.')}.{alias.name}", path)
    return tuple(found)


def _located(module: str, path: Path) -> Iterator[Path]:
    """The file of a module that ``path`` imports, if it counts."""
    name = module.lstrip(".")
    top = name.split(".")[0]
    folders = [ROOT] if top in PACKAGES else []
    if ROOT not in path.parents:
        package = path.parent
        for _ in range(len(module) - len(name) - 1):
            package = package.parent
        folders.append(package)
        while (package / "__init__.py").exists():
            package = package.parent
            folders += [package] if package / top in path.parents else []
    for folder in folders if name else ():
        file = folder / name.replace(".", "/")
        file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
        if file.exists():
            yield file
            return


@cache
def _meaning(path: Path) -> str:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            node.body = [statement for statement in node.body if not _only_names(statement)]
        body = getattr(node, "body", None)
        if not isinstance(body, list) or not body or not isinstance(body[0], ast.Expr):
            continue
        if isinstance(body[0].value, ast.Constant) and isinstance(body[0].value.value, str):
            body[0].value.value = ""
    return _dumped(tree)


def _dumped(tree: ast.AST) -> str:
    """A tree as Python 3.11 writes it: later ones leave out empty lists, and have one more."""
    as_before = {"show_empty": True} if sys.version_info >= (3, 13) else {}
    return ast.dump(tree, **as_before).replace(", type_params=[]", "")


def _only_names(statement: ast.stmt) -> bool:
    given = isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    return bool(given) and all(isinstance(t, ast.Name) and t.id in NAMES for t in targets)
