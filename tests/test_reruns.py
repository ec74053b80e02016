"""What a change of code or configuration makes run again."""

import json
from dataclasses import replace

import pytest
import yaml
from running import SETTINGS, network_of, run, spec_of, workflow

from workflow.config.jobs import Jobs
from workflow.config.resolve import resolve
from workflow.config.spec import load_spec, parse
from workflow.score import scores
from workflow.store.digest import digests

PLUGIN = '''"""A method."""
from dataclasses import dataclass
from methods.base import Method

class Mine(Method):
    """Mine."""
    label = "Mine"
    reference = "me"

    @dataclass(frozen=True)
    class Params:
        samples: int = 8

    def reconstruct(self, y, problem, prior, noise, progress):
        """x = A^T y"""
        if self.params.samples < 1:
            raise ValueError(f"samples is {self.params.samples}: raise it")
        return problem.baseline(y)  # the update
'''
WORDS = {
    "comment": ("# the update", "# x"),
    "docstring": ('"""x = A^T y"""', '"""x = A y"""'),
    "label": ('label = "Mine"', 'label = "My own"'),
    "reference": ('reference = "me"', 'reference = "you"'),
    "message": ('f"samples is {self.params.samples}: raise it"', '"too few samples"'),
    "format": ("(self, y, problem, prior, noise, progress)",
               "(\n        self, y, problem, prior, noise, progress\n    )"),
}  # fmt: skip
EDITS = {
    "default": ("samples: int = 8", "samples: int = 64"),
    "update": ("problem.baseline(y)", "2 * problem.baseline(y)"),
    "condition": ("samples < 1", "samples < 2"),
    "exception": ("raise ValueError(", "raise TypeError("),
}


@pytest.mark.parametrize("edit", [*WORDS, *EDITS])
def test_a_digest_sees_edits_and_no_words(tmp_path, edit):
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN)
    before = digests([file])
    old, new = (WORDS | EDITS)[edit]
    assert old in PLUGIN
    file.write_text(PLUGIN.replace(old, new))
    assert (digests([file]) == before) == (edit in WORDS)


def test_labels_inside_params_count(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN.replace("samples: int = 8", 'label: str = "a"'))
    before = digests([file])
    file.write_text(PLUGIN.replace("samples: int = 8", 'label: str = "b"'))
    assert digests([file]) != before


def test_two_plugins_of_one_file_name_are_not_confused(tmp_path):
    files = [tmp_path / kind / "foo.py" for kind in ("methods", "problems")]
    for file in files:
        file.parent.mkdir()
        file.write_text(PLUGIN)
    found = [digests(files)]
    for file in files:
        file.write_text(PLUGIN.replace("= 8", "= 9"))
        found.append(digests(files))
    assert len({json.dumps(f) for f in found}) == 3
    assert len({f["methods/base.py"] for f in found}) == 1


def test_science_code_is_in_no_network_and_machinery_in_no_job():
    config = resolve({"preset": "smoke"})
    assert Jobs(config).train("ct/patch").code == {}
    for job in (
        Jobs(config).reconstruct("ct20", "padis"),
        Jobs(config).measure("ct20"),
        Jobs(config).prepare("ct", "test"),
    ):
        assert job.code
        assert all(name.startswith(("methods/", "problems/")) for name in job.code)
    assert "methods/priors/patch.py" in Jobs(config).reconstruct("ct20", "padis").code
    assert "methods/priors/training.py" not in Jobs(config).reconstruct("ct20", "padis").code


def test_the_key_has_what_decides_the_result_only():
    config = resolve({"preset": "smoke"})
    job = Jobs(config).reconstruct("ct20", "padis")
    assert replace(job, batch=job.batch + 1, plugins=["/somewhere/x.py"]).hash == job.hash
    assert replace(job, precision="float32").hash != job.hash  # asked for, not "auto"
    for change in ({"protocol": 2}, {"seed": 9}, {"code": {**job.code, "methods/dps.py": "0"}}):
        assert replace(job, **change).hash != job.hash
    assert parse(json.loads(json.dumps(job.record))).hash == job.hash
    score = Jobs(config).score("ct20", ["padis"])
    assert score.inputs == {"padis": job.hash}
    assert all(f"{name} " in " ".join(score.metrics) for name in scores.METRICS)


def test_the_order_of_search_axes_counts():
    config = resolve({"preset": "small"})
    first = Jobs(config).tune("ct20", "admm_tv")
    row = config["rows"]["admm_tv"]
    assert len(row["search"]) > 1
    row["search"] = dict(reversed(row["search"].items()))
    second = Jobs(config).tune("ct20", "admm_tv")
    assert first.axes == [*reversed(second.axes)]
    assert first.hash != second.hash


def test_a_network_is_known_by_recipe_and_images(tmp_path):
    def key(config, fold="ct", network="patch"):
        return Jobs(config).train(f"{fold}/{network}").hash

    config, other = resolve({"preset": "smoke"}), resolve({"preset": "smoke", "name": "other"})
    folder = Jobs(config).network_folder("ct/patch")
    assert folder == f"results/networks/ct-1-patch-{key(config)}"
    assert Jobs(other).network_folder("ct/patch") == folder
    exact = resolve({"preset": "smoke", "precision": "float32", "device": "cpu"})
    assert Jobs(exact).network_folder("ct/patch") == folder
    trained = Jobs(resolve({"preset": "smoke", "train": True}))
    again = trained.network_folder("ct/patch")
    assert again.startswith("results/networks/ct-1-patch-")
    assert again != folder
    assert (
        trained.reconstruct("ct20", "padis").hash != Jobs(config).reconstruct("ct20", "padis").hash
    )
    for changes in ({"seed": 1}, {"networks": {"patch": {"training": {"learning_rate": 0.5}}}}):
        assert key(resolve({"preset": "smoke", **changes})) != key(config)
    assert key(config, network="whole") != key(config)
    job = Jobs(config).train("ct/patch")
    assert replace(job, training_version=2).hash != job.hash


def test_a_moved_folder_of_images_is_the_same(tmp_path):
    import os

    keys = []
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        for name in ("a.png", "b.png"):
            (tmp_path / place / name).write_bytes(b"\x89PNG")
            os.utime(tmp_path / place / name, (1, 1))
        params = {"path": str(tmp_path / place)}
        ct = {"source": "folder", "size": [32, 32], "params": params}
        config = resolve({"preset": "smoke", "datasets": {"ct": ct}})
        keys.append(
            (
                Jobs(config).train("ct/patch").hash,
                Jobs(config).prepare("ct", "test").hash,
            )
        )
        assert str(tmp_path) not in " ".join(Jobs(config).train("ct/patch").lines(99))
    assert keys[0] == keys[1]


def changed(output):
    """Rules of a dry run whose values or sources have changed themselves, and what is said."""
    found, rule = {}, ""
    for line in output.splitlines():
        if line.startswith(("rule ", "localrule ")):
            rule = line.split()[1].rstrip(":")
        own = ("Params have changed", "Code has changed", "Updated input files: workflow")
        if line.strip().startswith("reason:") and any(cause in line for cause in own):
            found["score" if rule.startswith("score_") else rule] = line
    return found


SOURCES = {  # file: text, what takes its place, jobs that run again because of that alone
    "methods/padis.py": ('prior = "padis"', 'prior = "padis"\n    other = 1', {"reconstruct"}),
    "methods/admm_tv.py": ('label = "', 'label = "Our ', set()),
    "methods/priors/training.py": ("import torch\n", "import torch\n\nA = 1\n", set()),
    "problems/datasets/phantom.py": ("import numpy", "import math as m\nimport numpy", {"prepare"}),
    "workflow/run/harness.py": ("if reason:", "if bool(reason):", set()),
    "workflow/run/train.py": ("import time\n", "import time\n\nA = 1\n", set()),
    "workflow/store/arrays.py": ("delete", "remove", set()),
    "workflow/score/scores.py": ('("PSNR", True', '("PSNR in dB", True', set()),
    "workflow/show/templates/base.html.j2": ("</main>", " </main>", {"report", "main_table_page"}),
}  # fmt: skip


def test_an_edit_reruns_what_runs_it_and_nothing_else(project):
    for path, (old, new, wanted) in SOURCES.items():
        file = project / path
        text = file.read_text()
        assert old in text, path
        file.write_text(text.replace(old, new, 1))
        found = changed(run(project, "--dry-run")[1])
        assert set(found) - {"report", "main_table_page"} == wanted - {"report", "main_table_page"}
        if path == "methods/padis.py":
            assert path in found["reconstruct"]  # the file and nothing else is said to differ
            assert "methods/dps.py" not in found["reconstruct"]
            assert "specs/" not in found["reconstruct"]
        if path.endswith(".j2"):
            assert {"report", "main_table_page"} <= set(found)
        file.write_text(text)


def test_another_metric_scores_again_and_reconstructs_nothing(project):
    file = project / "workflow/score/scores.py"
    file.write_text(file.read_text().replace('"psnr 1:', '"psnr 2:'))
    assert set(changed(run(project, "--dry-run")[1])) == {"score"}


def test_a_dry_run_prints_old_and_new_values(project):
    rows = {**SETTINGS["rows"], "padis": {**SETTINGS["rows"]["padis"], "params": {"zeta": 0.75}}}
    (project / "my.yaml").write_text(yaml.safe_dump({**SETTINGS, "rows": rows}))
    line = changed(run(project, "--dry-run")[1])["reconstruct"]
    before, now = line.split("before:")[1].split("now:")
    assert "params.zeta: " in before
    assert "params.zeta: 0.75" in now
    assert "seed" not in line


def test_harmless_changes_rerun_nothing_else(project):
    def dry(**changes):
        (project / "my.yaml").write_text(yaml.safe_dump({**SETTINGS, **changes}))
        lines = run(project, "--dry-run")[1].splitlines()
        return {x.split()[1][:-1] for x in lines if x.startswith(("rule ", "localrule "))} - {"all"}

    assert dry() == set()
    problems = {"ct20": {"label": "Twenty views", "repeats": 2}}
    assert dry(problems=problems) == {
        "table1", "claims", "metrics", "main_table_page", "report",
    }  # fmt: skip
    fewer = dry(datasets={"ct": {"test": 2}})
    assert "measure" in fewer
    assert "train" not in fewer
    assert "train" not in dry(name="again")
    assert "prepare" in dry(name="again")
    assert "train" in dry(seed=1)


def test_a_job_refuses_code_that_it_was_not_started_for(project):
    spec = spec_of(project, "Reconstruct", row="baseline")
    command = ("reconstruct", spec, "results/test/x/baseline.npz",
               "results/test/measurements/ct20.npz")  # fmt: skip
    assert workflow(project, *command)[0] == 0
    method = project / "methods/baseline.py"
    method.write_text(method.read_text() + "\nA = 1\n")
    code, output = workflow(project, *command)
    assert code != 0
    assert "methods/baseline.py has changed since this run was started" in output
    assert "Traceback" not in output


def test_scores_of_another_job_are_refused(project):
    job = load_spec(project / spec_of(project, "Score", problem="ct20"))
    record = project / f"results/test/reconstructions/ct20/{job.rows[0]}.json"
    found = json.loads(record.read_text())
    record.write_text(json.dumps({**found, "spec": {**found["spec"], "protocol": 0}}))
    inputs = ["data/ct/test.npy", "measurements/ct20.npz",
              *(f"reconstructions/ct20/{row}.npz" for row in job.rows)]  # fmt: skip
    code, output = workflow(
        project, "score", spec_of(project, "Score", problem="ct20", rows=job.rows),
        "results/test/x/scores.csv", *(f"results/test/{name}" for name in inputs),
    )  # fmt: skip
    assert code == 1
    assert f"reconstructions/ct20/{job.rows[0]}.npz is of another job: delete it" in output


def test_a_network_that_is_there_is_not_trained_again(project):
    folder = network_of(project, "patch").relative_to(project)
    spec = spec_of(project, "Train", name="patch")
    splits = [f"results/test/data/ct/{split}.npy" for split in ("train", "validation")]
    command = ("train", spec, f"{folder}/weights.safetensors", *splits)
    before = (project / folder / "weights.safetensors").stat().st_mtime_ns
    code, output = workflow(project, *command)
    assert code == 0
    assert f"{folder} is there: nothing to train" in output
    assert (project / folder / "weights.safetensors").stat().st_mtime_ns == before
    card = project / folder / "card.json"
    found = json.loads(card.read_text())
    card.write_text(json.dumps({**found, "data_sha256": "0"}))  # it has seen other images
    code, output = workflow(project, *command)
    assert code == 0, output
    assert "nothing to train" not in output
    assert json.loads(card.read_text())["data_sha256"] == found["data_sha256"]


def test_a_cache_with_a_space_works_and_with_a_command_runs_nothing(project):
    for cache in ("results/$(touch x)c", "results/a cache"):
        (project / "my.yaml").write_text(yaml.safe_dump({**SETTINGS, "cache": cache}))
        path = "results/test/measurements/ct20.npz"
        code, output = run(project, "--forcerun", "measure", "--", path)
        assert code == 0, output[-2000:]
        assert not (project / "x").exists()
        assert (project / cache).is_dir()
