"""Methods, problems and data from outside the project, run for real; the project stays as it is."""

import re

import numpy as np
import pandas as pd
import yaml
from conftest import ROOT
from running import SETTINGS, jobs, run, workflow
from writers import write_slice

from workflow.store.images import load_images

SPY = '''
"""A method that looks for the truth in everything that it can reach."""
import gc, sys
from pathlib import Path

import numpy as np
import torch

from methods.base import Method


class Spy(Method):
    label = "Spy"
    reference = "nobody"

    def reconstruct(self, y, problem, prior, noise, progress):
        frame, objects = sys._getframe(), gc.get_objects()
        while frame:
            objects += frame.f_locals.values()
            frame = frame.f_back
        found = []
        for thing in objects:
            for inner in [thing, *gc.get_referents(thing)]:
                if isinstance(inner, (np.ndarray, torch.Tensor)) and inner.dtype in KINDS:
                    values = np.asarray(inner).ravel()
                    if len(values) and len(values) % 1024 == 0 and len(values) < 1e6:
                        found.append(values.reshape(-1, 1024))
        np.save(Path(__file__).with_name("found.npy"), np.concatenate(found))
        refused = []
        run = Path("results/test")
        for path in (run / "data/ct/test.npy", run / "measurements/ct20.npz"):
            try:
                path.read_bytes()
            except PermissionError:
                refused.append(str(path))
        Path(__file__).with_name("refused.txt").write_text(" ".join(refused))
        print("a spy was here")
        return problem.baseline(y)


KINDS = (np.dtype("float32"), np.dtype("float64"), torch.float32, torch.float64)
'''


def test_a_method_cannot_reach_the_truth(project, tmp_path):
    (tmp_path / "spy.py").write_text(SPY)
    settings = {**SETTINGS, "plugins": [str(tmp_path / "spy.py")]}
    settings["rows"] = {**SETTINGS["rows"], "spy": {"method": "spy"}}
    (project / "my.yaml").write_text(yaml.safe_dump(settings))
    code, output = run(project, "--", "results/test/reconstructions/ct20/spy.npz")
    assert code == 0, output
    log = project / "results/test/logs/reconstruct/ct20/spy.log"
    assert "a spy was here" in log.read_text()
    refused = (tmp_path / "refused.txt").read_text()
    assert "data/ct/test.npy" in refused
    assert "measurements" not in refused
    truth = load_images(project / "results/test/data/ct/test.npy").pixels
    truth = truth.reshape(-1, 1024).astype(float)
    found = np.load(tmp_path / "found.npy").astype(float)
    assert len(found) > 3
    truth, found = (v - v.mean(1, keepdims=True) for v in (truth, found))
    found = found[np.isfinite(found).all(1) & (np.linalg.norm(found, axis=1) > 0)]
    alike = (truth / np.linalg.norm(truth, axis=1, keepdims=True)) @ (
        found / np.linalg.norm(found, axis=1, keepdims=True)
    ).T
    assert alike.max() < 0.99  # the baseline has about 0.9


def readme_method():
    """The method that the README shows."""
    section = (ROOT / "README.md").read_text().split("## Your own method")[1]
    return re.search(r"```python\n(.*?)```", section, re.S)[1]


def test_a_method_a_problem_and_slices_from_outside_are_in_the_tables(project, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    assert len(readme_method().splitlines()) <= 40
    (outside / "my_method.py").write_text(readme_method())
    code, output = workflow(outside, "new", "problem", "my_blur", root=ROOT)
    assert code == 0, output
    heights = np.add.outer(np.arange(40), np.arange(40))
    for patient in ("a", "b", "c"):
        (outside / "scans" / patient).mkdir(parents=True)
        for k in range(2):
            hu = np.where((heights - 10 * k) % 20 < 10, 40, -900) // 2 * 2
            write_slice(outside / "scans" / patient / f"{k}.dcm", hu, k, patient=patient)
    scans = {"source": "folder", "size": [32, 32], "params": {"path": str(outside / "scans")}}
    table1 = SETTINGS["tables"]["table1"]
    settings = {
        **SETTINGS,
        "plugins": [str(outside)],
        "datasets": {"scans": scans},
        "rows": {**SETTINGS["rows"], "my_method": {"method": "my_method", "params": {"levels": 5}}},
        "problems": {
            **SETTINGS["problems"],
            "my_blur": {"family": "my_blur", "dataset": "ct", "label": "My blur"},
            "ct20_scans": {"from": "ct20", "dataset": "scans", "label": "My scans"},
        },
    }
    problems = ["ct20", "my_blur", "ct20_scans"]
    rows = ["baseline", "padis", "my_method"]
    wanted = {**table1, "problems": problems, "rows": rows}
    settings["tables"] = {**SETTINGS["tables"], "table1": wanted}
    (project / "my.yaml").write_text(yaml.safe_dump(settings))
    before = {p: p.read_bytes() for p in project.rglob("*.py")}
    code, output = run(project, "--", "table1")
    assert code == 0, output[-3000:]
    assert "started: reconstruct ct20/my_method" in output
    assert "started: train" not in output  # the networks are there
    table = pd.read_csv(project / "results/test/tables/table1.csv")
    mine = table[table["method"] == "my_method"].set_index("problem")
    assert list(mine.index) == problems
    assert (mine["status"] == "ok").all()
    assert mine["psnr"].between(5, 60).all()
    code, output = workflow(project, "verify", "results/test/tables/table1.csv", "--images", "99")
    assert code == 0, output  # rows of plugins, too
    assert "my_method on " in output
    assert "| My method † | " in (project / "results/test/tables/table1.md").read_text()
    assert {p: p.read_bytes() for p in project.rglob("*.py")} == before
    with open(outside / "my_method.py", "a") as file:
        file.write("# a remark\n")
    _, output = run(project, "--dry-run", "--", "table1")
    assert "Nothing to be done" in output
    method = outside / "my_method.py"
    method.write_text(method.read_text().replace("return x", "return x + 0"))
    _, output = run(project, "--dry-run", "--", "table1")
    reruns = [job for job in jobs(output) if job.startswith(("reconstruct ", "train"))]
    assert reruns == [
        f"reconstruct problem={problem}, row=my_method" for problem in sorted(problems)
    ]


def test_the_readme_shows_the_method_that_new_writes(tmp_path):
    code, output = workflow(tmp_path, "new", "method", "my_method", root=ROOT)
    assert code == 0, output
    made, shown = (tmp_path / "my_method.py").read_text(), readme_method()
    after = [text.partition("from dataclasses")[2] for text in (made, shown)]
    assert after[0] == after[1] != ""  # the README's docstring is shorter
