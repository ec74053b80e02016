"""Digests of science code: files of a plugin and all of methods/ and problems/ it imports.

Comments, docstrings, formatting, labels and references of plugins, and the arguments of exceptions
do not count. Nothing is imported. For a plugin outside the project, files beside it and those of
its own package count too.
"""

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCIENCE = ("methods", "problems")
WORDS = ("label", "reference")  # class attributes of plugins that only describe them


def digests(paths: Iterable[Path]) -> dict[str, str]:
    """File name to digest, for ``paths`` and every file that they import."""
    found, waiting = {}, [Path(path).resolve() for path in paths]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path], imported = _read(path, path.read_bytes())
            waiting += imported
    named: dict[str, list[str]] = {}  # two plugins outside the project may have one file name
    for path, digest in found.items():
        named.setdefault(path.relative_to(_top(path)).as_posix(), []).append(digest)
    return {name: " ".join(sorted(named[name])) for name in sorted(named)}


def _top(path: Path) -> Path:
    """The folder from which ``path`` is imported: the project, or that of its package."""
    if any(ROOT / package in path.parents for package in SCIENCE):
        return ROOT
    folder = path.parent
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return folder


@cache
def _read(path: Path, text: bytes) -> tuple[str, list[Path]]:
    """The digest of a file, and the files that it imports; none if it is no valid Python."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return hashlib.sha256(text).hexdigest()[:8], []
    imported = list(_imports(tree, path))
    return _digest(tree), imported


def _imports(tree: ast.Module, path: Path) -> Iterator[Path]:
    typing = [n for n in tree.body if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n.test)]
    unused = {id(inner) for node in typing for inner in ast.walk(node)}
    for node in (n for n in ast.walk(tree) if id(n) not in unused):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _located(alias.name, 0, path)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            for name in (module, *(f"{module}.{alias.name}".lstrip(".") for alias in node.names)):
                yield from _located(name, node.level, path)


def _located(module: str, level: int, path: Path) -> Iterator[Path]:
    """The file of a module that ``path`` imports, if it counts."""
    if level:
        folders = [path.parents[level - 1]]
    else:
        folders = [ROOT] if module.split(".")[0] in SCIENCE else []
        folders += [] if _top(path) == ROOT else [path.parent, _top(path)]
    for folder in folders if module else ():
        file = folder.joinpath(*module.split("."))
        file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
        if file.exists():
            yield file.resolve()
            return


def _digest(tree: ast.Module) -> str:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.bases:
            node.body = [statement for statement in node.body if not _describes(statement)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            node.exc.args, node.exc.keywords = [], []
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str):
            first.value.value = ""  # a docstring
    # Later versions of Python leave out empty lists, and have one more.
    as_before = {"show_empty": True} if sys.version_info >= (3, 13) else {}
    meaning = ast.dump(tree, **as_before).replace(", type_params=[]", "")
    return hashlib.sha256(meaning.encode()).hexdigest()[:8]


def _describes(statement: ast.stmt) -> bool:
    given = isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    return bool(given) and all(isinstance(t, ast.Name) and t.id in WORDS for t in targets)
