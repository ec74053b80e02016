"""A hash of what a piece of code means: its syntax tree and that of all project code it imports."""

import ast
import hashlib
from functools import cache
from pathlib import Path

from workflow.plugins import ROOT

PACKAGES = ("problems", "methods", "workflow")


def fingerprint(*modules: str) -> str:
    """Hash modules, such as "methods.padis", and everything of the project that they import.

    Comments, docstrings, formatting and imports for type checkers do not count.
    """
    digest = hashlib.sha256()
    for module in sorted(_closure(modules)):
        digest.update(f"{module}\n{_meaning(_file(module))}\n".encode())
    return digest.hexdigest()[:16]


def _closure(modules: tuple[str, ...]) -> set[str]:
    found, waiting = set(), list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting.extend(_imports(_file(module)))
    return found


def _file(module: str) -> Path:
    path = ROOT / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _imports(path: Path) -> tuple[str, ...]:
    found = []
    tree = ast.parse(path.read_text())
    typing = [n for n in tree.body if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n.test)]
    unused = {id(inner) for node in typing for inner in ast.walk(node)}
    for node in (n for n in ast.walk(tree) if id(n) not in unused):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [node.module, *(n for n in names if _file(n).exists())]
    return tuple(m for m in found if m.split(".")[0] in PACKAGES and _file(m).exists())


@cache
def _meaning(path: Path) -> str:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list) or not body or not isinstance(body[0], ast.Expr):
            continue
        if isinstance(body[0].value, ast.Constant) and isinstance(body[0].value.value, str):
            body[0].value.value = ""
    return ast.dump(tree)
