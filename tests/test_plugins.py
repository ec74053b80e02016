"""Plugins from anywhere: found without being imported, checked, and contained."""

import re
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT

from workflow.config.layers import ConfigError
from workflow.config.resolve import resolve
from workflow.plugins import discovery as plugins
from workflow.plugins.params import PluginError, checked
from workflow.plugins.scaffold import new
from workflow.store.digest import digests

METHOD = '''
"""A method."""
from dataclasses import dataclass
from methods.base import Method
from helper import STEP

class Mine(Method):
    label, reference = "Mine", "nobody"
    label = "Mine"

    @dataclass(frozen=True)
    class Params:
        step: float = STEP  # of nothing

    def reconstruct(self, y, problem, prior, noise, progress):
        return problem.baseline(y)
'''


BAD = """
import numpy as np, torch
from dataclasses import dataclass
from methods.base import Method
from workflow.store import arrays as store

class Bad(Method):
    label = "Bad"

    @dataclass
    class Params:
        levels: int = 1

    def reconstruct(self, y, problem, prior, noise, progress):
        torch.manual_seed(0)
        print("hello")
        y += 1
        x = problem.baseline(y) + np.float32(np.random.rand())
        return x / x.norm()
"""


@pytest.fixture(autouse=True)
def nothing_named():
    yield
    plugins.use([])


@pytest.fixture
def folder(tmp_path):
    """A folder with a method and a file that it imports."""
    (tmp_path / "mine.py").write_text(METHOD)
    (tmp_path / "helper.py").write_text("STEP = 0.5\n")
    return tmp_path


def workflow(*arguments, cwd=None, status=0):
    """Run ``python -m workflow``; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "workflow", *map(str, arguments)],
        cwd=cwd, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


# ---- where they come from -----------------------------------------------------------------------


@pytest.mark.parametrize("named", ["mine.py", "."], ids=["file", "folder"])
def test_a_method_outside_the_project_is_a_row(folder, named):
    settings = {"preset": "smoke", "plugins": [str(folder / named)]}
    config = resolve({**settings, "rows": {"mine": {"method": "mine", "params": {"step": 2}}}})
    assert "mine" in config["tables"]["table1"]["rows"]
    assert plugins.load("method", "mine").Params().step == 0.5
    with pytest.raises(ConfigError, match="no parameter 'stop'; did you mean 'step'"):
        resolve({**settings, "rows": {"mine": {"method": "mine", "params": {"stop": 2}}}})


def test_kinds_of_parameters_are_read_checked_and_spelled(folder):
    kinds = (
        "tuple[NonNegativeInt, ...] | None = None",
        "Annotated[float, Field(gt=0, le=1)] = 1.0",
    )
    text = METHOD.replace("float = STEP  # of nothing", "{}\n        share: {}".format(*kinds))
    (folder / "mine.py").write_text(text)
    plugins.use([folder])
    mine = plugins.find("method", "mine")
    assert mine.signature == "step: [int >= 0, ...] or None = None, share: float > 0 and <= 1 = 1.0"
    assert checked({"step": ["1e2", 0.0]}, mine.params, "mine") == {"step": [100, 0]}
    assert checked({"step": None, "share": "5e-1"}, mine.params, "mine")["share"] == 0.5
    for values, wanted in (
        ({"step": [-1]}, "step must be [int >= 0, ...] or None, not [-1]"),
        ({"share": 0}, "share must be float > 0 and <= 1, not 0"),
        ({"share": float("nan")}, "share must be finite, not nan"),
        ({"share": True}, "share must be float"),
    ):
        with pytest.raises(PluginError, match=re.escape(f"mine: {wanted}")):
            checked(values, mine.params, "mine")
    with pytest.raises(PluginError, match="Path is no kind of a parameter"):
        checked({"file": "x"}, {"file": "Path"}, "mine")


def test_plugins_of_one_configuration_are_not_known_to_the_next(folder):
    resolve({"preset": "smoke", "plugins": [str(folder)]})
    with pytest.raises(ConfigError, match="unknown method 'mine'"):
        resolve({"preset": "smoke", "rows": {"mine": {"method": "mine"}}})


def test_an_installed_package_brings_methods(tmp_path, monkeypatch):
    package, record = tmp_path / "their_package", tmp_path / "their_package-1.dist-info"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "inner" / "__init__.py").write_text("")
    text = METHOD.replace("from helper", "from their_package.inner.helper")
    (package / "inner" / "theirs.py").write_text(text)
    (package / "inner" / "helper.py").write_text("STEP = 0.5\n")
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1\n")
    entry = "[padis_benchmark.methods]\ntheirs = their_package.inner.theirs:Mine\n"
    (record / "entry_points.txt").write_text(entry)
    monkeypatch.syspath_prepend(tmp_path)
    plugins.use([])
    assert plugins.find("method", "theirs").attributes["label"] == "Mine"  # and nothing is imported
    theirs = [package / "inner" / "theirs.py"]
    before = digests(theirs)
    assert "their_package/inner/helper.py" in before
    (package / "inner" / "helper.py").write_text("STEP = 0.25\n")
    assert digests(theirs) != before
    (package / "__init__.py").write_text("")
    assert plugins.load("method", "theirs").Params().step == 0.25


def test_a_method_may_refine_another(tmp_path):
    (tmp_path / "finer.py").write_text(
        "from methods.whole_image_diffusion import WholeImageDiffusion\n"
        "class Finer(WholeImageDiffusion):\n    label = 'Finer'\n"
    )
    plugins.use([tmp_path])
    finer = plugins.find("method", "finer")
    assert finer.attributes["prior"] == "whole"
    assert finer.params == plugins.find("method", "whole_image_diffusion").params
    assert plugins.load("method", "finer").label == "Finer"


def test_what_a_plugin_imports_beside_it_counts(folder):
    mine = [folder / "mine.py"]
    first = digests(mine)
    assert {"mine.py", "helper.py", "methods/base.py"} <= set(first)
    (folder / "helper.py").write_text("STEP = 0.5  # the same\n")
    assert digests(mine) == first
    (folder / "helper.py").write_text("STEP = 0.25\n")
    second = digests(mine)
    assert {name for name in second if second[name] != first[name]} == {"helper.py"}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("missing.py", None, "there is no file or folder"),
        ("empty.py", "x = 1\n", "defines no subclass of Method, Problem or Dataset"),
        ("broken.py", "def\n", "broken.py, line 1: invalid syntax"),
        ("padis.py", METHOD, "there is a method 'padis' already"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=message):
        resolve({"preset": "smoke", "plugins": [str(tmp_path / name)]})


# ---- commands -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["method", "problem"])
def test_a_new_file_keeps_the_contract_untouched(tmp_path, kind):
    said = workflow("new", kind, "my_own", cwd=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["my_own.py"]
    found = workflow("check", "my_own.py", cwd=tmp_path)
    assert "all rules are kept" in found
    assert "BROKEN" not in found
    settings = yaml.safe_load(said.split("my.yaml being\n")[1])
    settings["plugins"] = [str(tmp_path / "my_own.py")]
    tables = resolve({"preset": "smoke", **settings})["tables"]
    assert any("my_own" in (*table["rows"], *table["problems"]) for table in tables.values())


@pytest.mark.parametrize("name", ["My", "padis", "there"])
def test_a_name_that_cannot_be_used_is_refused(tmp_path, name):
    (tmp_path / "there.py").write_text("kept")
    with pytest.raises((PluginError, FileExistsError), match=r"no name|already"):
        new("method", name, tmp_path / f"{name}.py")
    assert (tmp_path / "there.py").read_text() == "kept"


def test_every_broken_rule_is_explained(tmp_path):
    (tmp_path / "bad.py").write_text(BAD)
    found = workflow("check", tmp_path / "bad.py", status=1)
    for words in (
        *("two runs with equal seeds differ", "by 0.", "y was changed", "seed nothing"),
        *("it prints 'hello", "not frozen", "lacks reference", "it imports workflow", "9 broken"),
    ):
        assert words in found, words


def test_an_exception_names_its_line(tmp_path):
    (tmp_path / "bad.py").write_text(METHOD.replace("from helper import STEP", "1 / 0"))
    found = workflow("check", tmp_path / "bad.py", status=1)
    assert "bad.py, line 5: ZeroDivisionError: division by zero" in found


def test_the_list_names_everything_without_importing_torch(folder):
    code = (
        "import sys; from workflow.__main__ import main; sys.argv.insert(1, 'list'); main();"
        "assert not {'torch', 'pandas', 'deepinv'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for kind in plugins.KINDS:
        for plugin in plugins.discover(kind).values():
            assert f"{plugin.attributes['label']}. {plugin.attributes['reference']}" in done.stdout
    for words in ("Mine", "step: float", "padis: network patch, assembly random_grid"):
        assert words in done.stdout
