"""problems <- methods <- workflow: nothing imports against the stream."""

import ast
import subprocess
import sys

import pytest
from conftest import ROOT

from workflow.config.commands import MODULES

FORBIDDEN = {"problems": ("methods", "workflow"), "methods": ("workflow",)}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_point_one_way(package):
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        for module in imports(path):
            assert module.split(".")[0] not in FORBIDDEN[package], f"{path} imports {module}"


ORDER = ("plugins", "store", "config", "score", "run", "show")  # each may import those before it
LISTS = ("workflow.score.scores", "workflow.score.published")  # names of metrics and published rows


def test_imports_of_the_workflow_go_down():
    found = set()
    for path in (ROOT / "workflow").rglob("*.py"):
        package = path.relative_to(ROOT).parts[1]
        for module in imports(path) if package in ORDER else ():
            parts = (module or "").split(".")
            if parts[0] == "workflow" and len(parts) > 1 and module not in LISTS:
                found.add(package)
                assert ORDER.index(parts[1]) <= ORDER.index(package), f"{path} imports {module}"
    assert found == set(ORDER)


def test_methods_do_not_import_each_other():
    from workflow.plugins.discovery import discover

    plugins = {p.module for p in discover("method").values()}
    for plugin in discover("method").values():
        assert not plugins & set(imports(plugin.path)), plugin.path


LIGHT = (
    *("prepare", "tuned", "table", "claims", "metrics", "sensitivity", "training", "report"),
    *("exact", "samples"),
)


def test_jobs_without_networks_start_without_torch():
    """Each of hundreds of jobs starts a Python of its own, in which torch alone takes seconds."""
    modules = ", ".join(sorted({MODULES[name] for name in LIGHT}))
    code = f"import sys, {modules}; print({{'torch', 'deepinv', 'scipy.stats'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stdout + done.stderr
