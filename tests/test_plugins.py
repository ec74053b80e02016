"""Plugins from anywhere: found by their names, imported where they are used, checked."""

import json
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT
from pydantic import PositiveFloat

from workflow.config.check import check_params
from workflow.config.entry import ConfigError
from workflow.config.jobs import Jobs
from workflow.config.resolve import resolve
from workflow.plugins import discovery as plugins
from workflow.plugins.params import PluginError, checked, kinds, make_params, signature
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
        return problem.baseline(y) + np.float32(np.random.rand())
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
    wrong = {"method": "mine", "params": {"stop": 2}}
    with pytest.raises(PluginError, match="no parameter 'stop'; did you mean 'step'"):
        check_params(resolve({**settings, "rows": {"mine": wrong}}))


def test_kinds_of_parameters_are_checked_and_spelled(folder):
    fields = (
        "tuple[NonNegativeInt, ...] | None = None",
        "Annotated[float, Field(gt=0, le=1)] = 1.0",
    )
    text = METHOD.replace("float = STEP  # of nothing", "{}\n        share: {}".format(*fields))
    imports = "from typing import Annotated\nfrom pydantic import Field, NonNegativeInt\n"
    (folder / "mine.py").write_text(imports + text)
    plugins.use([folder])
    params = plugins.load("method", "mine").Params
    assert signature(params) == (
        "step: [int >= 0, ...] or None = None, share: float > 0 and <= 1 = 1.0"
    )
    mine = kinds(params)
    assert checked({"step": ["1e2", 0.0]}, mine, "mine") == {"step": [100, 0]}
    assert checked({"step": None, "share": "5e-1"}, mine, "mine")["share"] == 0.5
    for values, wanted in (
        ({"step": [-1]}, "step must be [int >= 0, ...] or None, not [-1]"),
        ({"share": 0}, "share must be float > 0 and <= 1, not 0"),
        ({"share": float("nan")}, "share must be finite, not nan"),
        ({"share": float("inf")}, "share must be finite, not inf"),
        ({"share": True}, "share must be float"),
    ):
        with pytest.raises(PluginError, match=re.escape(f"mine: {wanted}")):
            checked(values, mine, "mine")
    with pytest.raises(PluginError, match=re.escape("mu must be float > 0, not 'x'")):
        checked({"mu": "x"}, {"mu": PositiveFloat}, "mine")
    with pytest.raises(PluginError, match="values of object cannot be checked"):
        checked({"file": "x"}, {"file": type("object", (), {})}, "mine")


def test_a_job_takes_numbers_as_a_configuration_writes_them():
    params = make_params(plugins.load("method", "padis").Params, {"zeta": "2e-1"}, "padis")
    assert params.zeta == 0.2
    with pytest.raises(PluginError, match="padis: levels must be int > 0, not 0"):
        make_params(type(params), {"levels": 0}, "padis")


EVIL = """
from dataclasses import dataclass
from pathlib import Path
from methods.base import Method

Path(__file__).with_suffix(".imported").touch()

class Evil(Method):
    @dataclass(frozen=True)
    class Params:
        step: "__import__('pathlib').Path('{file}').touch()" = 1.0

    def reconstruct(self, y, problem, prior, noise, progress):
        return problem.baseline(y)
"""


def test_reading_a_configuration_neither_evaluates_nor_imports_a_plugin(tmp_path):
    (tmp_path / "evil.py").write_text(EVIL.replace("{file}", str(tmp_path / "evaluated")))
    row = {"method": "evil", "prior": "padis", "label": "Evil", "params": {"step": 2}}
    config = resolve({"preset": "smoke", "plugins": [str(tmp_path)], "rows": {"evil": row}})
    assert config["rows"]["evil"]["params"] == {"step": 2}
    assert Jobs(config).reconstruct("ct20", "evil").params == {"step": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["evil.py"]


def test_reading_the_snakefile_imports_no_torch():
    code = (
        "import sys\nfrom workflow.config.jobs import Jobs\n"
        "from workflow.config.resolve import resolve\n"
        "for preset in ('quick', 'small', 'smoke'):\n"
        "    config = resolve({'preset': preset})\n"
        "    Jobs(config).reconstruct('ct20', 'padis'), Jobs(config).measure('ct20')\n"
        "from workflow.plugins.discovery import discover, load\n"
        "for name in discover('dataset'): load('dataset', name)\n"
        "assert not {'torch', 'deepinv'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


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
    assert plugins.find("method", "theirs").module == "their_package.inner.theirs"
    with pytest.raises(PluginError, match="RuntimeError: imported"):
        plugins.load("method", "theirs")
    theirs = [package / "inner" / "theirs.py"]
    before = digests(theirs)
    assert "their_package/inner/helper.py" in before
    (package / "inner" / "helper.py").write_text("STEP = 0.25\n")
    assert digests(theirs) != before
    (package / "__init__.py").write_text("")
    assert plugins.load("method", "theirs").Params().step == 0.25


@pytest.mark.parametrize(
    ("start", "base"),
    [
        ("from methods.whole_image_diffusion import WholeImageDiffusion", "WholeImageDiffusion"),
        ("from methods import whole_image_diffusion as w", "w.WholeImageDiffusion"),
        ("from methods import base, whole_image_diffusion as w\nclass Between"
         "(w.WholeImageDiffusion):\n    pass", "Between"),
    ],
    ids=["class", "module", "class between"],
)  # fmt: skip
def test_a_method_may_refine_another(tmp_path, start, base):
    (tmp_path / "finer.py").write_text(f"{start}\nclass Finer({base}):\n    label = 'Finer'\n")
    plugins.use([tmp_path])
    finer = plugins.load("method", "finer")
    whole = plugins.load("method", "whole_image_diffusion")
    assert (finer.label, finer.prior, finer.starts_at) == ("Finer", "whole", whole.starts_at)
    assert kinds(finer.Params) == kinds(whole.Params)
    row = {"method": "finer", "params": {}}
    written = {**row, "prior": None, "label": "Mine"}
    found = plugins.described({"a": row, "b": written, "c": {"method": "none"}})
    assert found["a"] == {**row, "prior": "whole", "label": "Finer"}
    assert found["b"] == written
    assert found["c"] == {"method": "none", "prior": None, "label": "c"}


def test_what_a_plugin_imports_beside_it_counts(folder):
    mine = [folder / "mine.py"]
    first = digests(mine)
    assert {"mine.py", "helper.py", "methods/base.py"} <= set(first)
    (folder / "helper.py").write_text("STEP = 0.5  # the same\n")
    assert digests(mine) == first
    (folder / "helper.py").write_text("STEP = 0.25\n")
    second = digests(mine)
    assert {name for name in second if second[name] != first[name]} == {"helper.py"}


def test_files_of_one_name_are_told_apart(tmp_path):
    for kind, folder in (("method", "a"), ("problem", "b")):
        new(kind, "foo", tmp_path / folder / "foo.py")
    plugins.use([tmp_path / "a", tmp_path / "b"])
    method, problem = (plugins.find(kind, "foo") for kind in ("method", "problem"))
    assert (method.path.parent.name, problem.path.parent.name) == ("a", "b")
    assert method.module != problem.module
    assert method.cls.__module__ == method.module
    assert hasattr(problem.cls, "measure")
    (tmp_path / "b" / "foo.py").write_text((tmp_path / "a" / "foo.py").read_text())
    plugins.use([tmp_path / "a", shutil.copytree(tmp_path / "b", tmp_path / "c")])
    with pytest.raises(PluginError, match=r"c/foo.py: there is a method 'foo' already, .*a/foo.py"):
        plugins.find("method", "foo")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("missing.py", None, "there is no file or folder"),
        ("empty.py", "x = 1\n", "defines no subclass of Method, Problem or Dataset"),
        ("broken.py", "def\n", r"SyntaxError: invalid syntax \(broken.py, line 1\)"),
        (
            "padis.py",
            METHOD.replace("STEP", "1.0").replace("from helper import 1.0", ""),
            "there is a method 'padis' already",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises((ConfigError, PluginError), match=message) as error:
        check_params(resolve({"preset": "smoke", "plugins": [str(tmp_path / name)]}))
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_a_file_named_as_a_module_breaks_nothing_and_is_refused(tmp_path):
    for name in ("copy", "queue", "random", "torch"):
        (tmp_path / f"{name}.py").write_text("1 / 0\n")
    found = workflow("check", "random.py", cwd=tmp_path, status=1)
    assert found.startswith("error: random.py takes the place of the module random of Python")
    assert found.count("\n") == 1


# ---- commands -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["method", "problem"])
def test_a_new_file_keeps_the_contract_untouched(tmp_path, kind):
    said = workflow("new", kind, "my_own", cwd=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["my_own.py"]
    found = workflow("check", "my_own.py", cwd=tmp_path)
    assert "all rules are kept" in found
    assert "BROKEN" not in found
    settings = yaml.safe_load(said.split("my.yaml being\n")[1])
    assert kind == "problem" or settings["rows"]["my_own"] == {
        "method": "my_own",
        "prior": "padis",
        "label": "My own",
    }
    settings["plugins"] = [str(tmp_path / "my_own.py")]
    tables = resolve({"preset": "smoke", **settings})["tables"]
    assert any("my_own" in (*table["rows"], *table["problems"]) for table in tables.values())


@pytest.mark.parametrize("name", ["My", "padis", "there", "queue", "torch", "workflow"])
def test_a_name_that_cannot_be_used_is_refused(tmp_path, name):
    (tmp_path / "there.py").write_text("kept")
    with pytest.raises(
        (PluginError, FileExistsError), match=r"cannot be a name|already|the place of"
    ):
        new("method", name, tmp_path / f"{name}.py")
    assert (tmp_path / "there.py").read_text() == "kept"


@pytest.mark.slow
def test_every_broken_rule_is_explained(tmp_path):
    (tmp_path / "bad.py").write_text(BAD)
    found = workflow("check", tmp_path / "bad.py", status=1)
    for words in (
        *("y was changed", "seed nothing", "it prints 'hello", "not frozen", "lacks reference"),
        *("it imports workflow", "6 broken"),
    ):
        assert words in found, words


@pytest.mark.slow
def test_an_exception_names_its_line(tmp_path):
    (tmp_path / "bad.py").write_text(METHOD.replace("from helper import STEP", "1 / 0"))
    found = workflow("check", tmp_path / "bad.py", status=1)
    assert "ZeroDivisionError: division by zero (bad.py, line 5)" in found


@pytest.mark.slow
def test_the_list_names_everything(folder):
    (folder / "broken.py").write_text("1 / 0\n")
    (folder / "ends.py").write_text("import os; os._exit(0)\n")
    found = workflow("list", folder, cwd=ROOT)
    for kind in plugins.KINDS:
        for plugin in plugins.discover(kind).values():
            assert f"{plugin.cls.label}. {plugin.cls.reference}" in found
    for words in ("Mine", "step: float", "padis: network patch, assembly random_grid"):
        assert words in found
    assert "cannot be used: ZeroDivisionError: division by zero (broken.py, line 1)" in found
    assert "cannot be used: it ended Python with status 0" in found
    assert "helper" not in found


@pytest.mark.slow
def test_a_run_ends_where_a_plugin_does_not_take_its_parameters(folder):
    row = {"method": "mine", "prior": None, "label": "Mine", "params": {"step": "far"}}
    config = resolve({"preset": "smoke", "plugins": [str(folder)], "rows": {"mine": row}})
    done = subprocess.run(
        [sys.executable, "-m", "workflow", "validate"],
        cwd=ROOT, input=json.dumps(config), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "error: rows.mine: step must be float, not 'far'\n"
