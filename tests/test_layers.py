"""problems <- methods <- workflow: nothing imports against the stream."""

import ast

import pytest
from conftest import ROOT

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


def test_methods_do_not_import_each_other():
    from workflow.plugins import discover

    plugins = {p.module for p in discover("method").values()}
    for plugin in discover("method").values():
        assert not plugins & set(imports(plugin.path)), plugin.path


def test_top_level_snakefile_is_short():
    assert len((ROOT / "Snakefile").read_text().splitlines()) <= 60
