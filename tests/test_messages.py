"""What a person got wrong ends in one line that names the fix, and another exit status than 0."""

import os
import subprocess
import sys

import pytest
import typer
import yaml
from conftest import ROOT
from running import copy_project, workflow

from problems.physics.unit_norm import UnitNorm
from workflow.__main__ import app
from workflow.config.entry import ConfigError
from workflow.config.resolve import command, read, resolve
from workflow.config.yaml import parse
from workflow.plugins.contract import examine
from workflow.plugins.discovery import use

PROBLEM = '''"""A problem."""
import torch
from deepinv.physics import LinearPhysics, Physics

from problems.base import Problem
from problems.physics.unit_norm import UnitNorm


class Operator({base}):
    def A(self, x, **kwargs):
        return {a}

    def A_adjoint(self, y, **kwargs):
        return y.real


class Mine(Problem):
    label = "Mine"
    reference = "none"

    def build(self, cache):
        physics = UnitNorm(Operator(), self.shape)
        return physics, physics.norm
'''
METHOD = '''"""A method."""
from dataclasses import dataclass

from methods.base import Method


class Failing(Method):
    label = "Failing"
    reference = "none"
    prior = {prior}

    @dataclass(frozen=True)
    class Params:
        steps: int = 1

    def reconstruct(self, y, problem, prior, noise, progress):
        raise ValueError("boom")
'''


def snakemake(*arguments, folder=ROOT):
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("rows: {true: {method: padis}}", "my.yaml, rows: the key True"),
        ("rows: {1: {method: padis}}", "my.yaml, rows: the key 1"),
        ("rows: {padis: {params: {1: 3}}}", "my.yaml, rows.padis.params: the key 1"),
        ("name: true", "name: must be text, not True"),
        ("name: 2024", "name: must be text, not 2024"),
        (
            "tables: {table1: {rows: [false]}}",
            "experiments/table1.rows.0: must be text, not False",
        ),
    ],
)
def test_what_yaml_does_not_read_as_text_is_named(text, place):
    with pytest.raises(ConfigError, match="in quotes") as error:
        resolve({"preset": "smoke", **parse(text, "my.yaml")})
    assert str(error.value).startswith(place)


def test_a_file_of_settings_that_cannot_be_read_is_named(tmp_path):
    for text, words in (("a: [", "cannot be read"), ("- a", "must hold a mapping")):
        (tmp_path / "my.yaml").write_text(text)
        with pytest.raises(ConfigError, match=words):
            read(tmp_path / "my.yaml")
    with pytest.raises(ConfigError, match=r"no file .*gone.yaml; presets are .*smoke"):
        read(tmp_path / "gone.yaml")


@pytest.mark.slow
def test_plugins_are_beside_the_file_that_names_them(tmp_path):
    (tmp_path / "failing.py").write_text(METHOD.format(prior=None))
    settings = {"preset": "smoke", "name": "mine", "plugins": ["failing.py"]}
    settings["rows"] = {"failing": {"method": "failing"}}
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(settings))
    assert read(tmp_path / "my.yaml")["plugins"] == [str(tmp_path / "failing.py")]
    code, output = snakemake("table1", "-n", "-q", "--configfile", str(tmp_path / "my.yaml"))
    assert code == 0, output


def test_an_unknown_target_is_one_line_with_the_known_ones():
    code, output = snakemake("tabel1", "--config", "preset=smoke")
    assert code == 1
    error = output.splitlines()[-1]
    assert error.startswith("error: unknown target 'tabel1'; did you mean 'table1'?")
    assert "samplers" in error
    assert "Traceback" not in output


@pytest.mark.slow
def test_results_that_cannot_be_written_are_one_line(tmp_path):
    copy_project(tmp_path)
    (tmp_path / "results/test").write_text("a file, which no one may write below")
    code, output = snakemake("table1", "--configfile", "my.yaml", folder=tmp_path)
    assert code == 1
    assert "error: results/test cannot be written (Not a directory); allow it" in output
    assert "Traceback" not in output


def test_results_may_lie_elsewhere(tmp_path):
    arguments = ("-n", "-s", str(ROOT / "Snakefile"), "--config", "preset=smoke", "--directory")
    code, output = snakemake(*arguments, str(tmp_path / "mine"), folder=tmp_path)
    assert code == 0, output
    assert (tmp_path / "mine/results/networks").resolve() == ROOT / "results/networks"
    (tmp_path / "full/methods").mkdir(parents=True)
    code, output = snakemake(*arguments, str(tmp_path / "full"), folder=tmp_path)
    assert code == 1
    place = tmp_path / "full/methods"
    assert output.splitlines()[-1] == f"error: {place} is in the way: name an empty folder"


def test_a_dry_run_says_which_images_are_missing(tmp_path):
    settings = {"preset": "smoke", "name": "mine", "datasets": {"ct": {"source": "folder"}}}
    settings["datasets"]["ct"]["params"] = {"path": str(tmp_path / "gone")}
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(settings))
    code, output = snakemake("-n", "-q", "--configfile", str(tmp_path / "my.yaml"))
    assert code == 0, output
    assert f"missing: the images of ct, in {tmp_path / 'gone'}" in output


@pytest.mark.parametrize(
    ("base", "a", "words"),
    [
        ("LinearPhysics", "torch.fft.fft2(x)", "measurements must be real: let A end with"),
        ("LinearPhysics", "x**2", "A(2 x - z) and 2 A x - A z differ"),
        ("Physics", "x**2", "Operator is not a LinearPhysics"),
        ("LinearPhysics", "torch.view_as_complex(x)", "A fails for a real image (1, 32, 28)"),
    ],
)
def test_complex_and_nonlinear_operators_are_one_line(tmp_path, base, a, words):
    (tmp_path / "mine.py").write_text(PROBLEM.format(base=base, a=a))
    use([tmp_path / "mine.py"])
    broken = [wrong for _, wrong in examine(tmp_path / "mine.py", {}) if wrong]
    use([])
    assert len(broken) == 1
    assert words in broken[0]
    assert UnitNorm.__name__ not in broken[0]


def test_check_says_a_mistake_once(tmp_path):
    (tmp_path / "failing.py").write_text(METHOD.format(prior="'gone'"))
    use([tmp_path / "failing.py"])
    broken = [wrong for _, wrong in examine(tmp_path / "failing.py", {}) if wrong]
    use([])
    assert len([wrong for wrong in broken if "prior is 'gone'" in wrong]) == 1


@pytest.mark.slow
def test_a_run_that_is_not_there_is_made_by_its_own_command(tmp_path):
    assert command("results/quick") == "snakemake --cores all"
    assert command("results/smoke") == "snakemake --cores all --config preset=smoke"
    assert "--configfile <the file with name: mine>" in command("results/mine")
    file = str(ROOT / "methods" / "padis.py")
    code, output = workflow(tmp_path, "card", file, "--run", "results/smoke", root=ROOT)
    assert code == 1
    assert "run `snakemake --cores all --config preset=smoke` first" in output


def test_the_card_of_a_method_that_raises_is_one_reason(project, tmp_path):
    (tmp_path / "failing.py").write_text(METHOD.format(prior=None))
    arguments = ("card", str(tmp_path / "failing.py"), "--run", "results/test")
    code, output = workflow(project, *arguments)
    assert code == 1
    assert "Traceback" not in output
    reason = "ValueError: boom (failing.py, line 17)"
    log = "results/test/logs/reconstruct/ct20/failing.log"
    assert f"failed: failing on ct20: {reason} (log: {log})" in output.splitlines()
    assert "ValueError: boom" in (project / log).read_text()
    assert reason in (project / "results/test/cards/failing.html").read_text()


def test_a_card_beside_a_run_of_an_older_version_is_refused(tmp_path):
    run = tmp_path / "results" / "quick"
    run.mkdir(parents=True)
    (run / "run.json").write_text('{"config": {}}')
    code, output = workflow(tmp_path, "card", str(ROOT / "methods/padis.py"), root=ROOT)
    assert (code, output.count("\n")) == (1, 1)
    assert "older version: run `snakemake --cores all` again" in output


def test_every_argument_and_option_says_what_it_is():
    commands = typer.main.get_command(app).commands
    silent = [
        (name, parameter.name)
        for name, entry in commands.items()
        for parameter in entry.params
        if not parameter.help
    ]
    assert not silent


@pytest.mark.slow
def test_the_page_has_the_plots_of_ablations_and_all_makes_every_file_of_a_table():
    name = "name=not_there"
    code, output = snakemake("--dry-run", "--config", "preset=smoke", name)
    assert code == 0, output
    report = output.split("rule report:")[-1].split("output:")[0]
    for file in ("figures/patch_size.png", "figures/table1/ct20.png", "tables/table1.tex"):
        assert f"results/not_there/{file}" in report
