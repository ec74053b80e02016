"""Methods, problems and data from outside the project, run for real; the project stays as it is."""

import numpy as np
import yaml
from running import SETTINGS, run, workflow

SPY = '''
"""A method that looks for the truth in everything that it can reach."""
import gc, sys
from pathlib import Path

import numpy as np
import torch

from methods.base import Method


class Spy(Method):
    label, reference = "Spy", "nobody"
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
        for path in (run / "data/ct/test.npz", run / "measurements/ct20.npz"):
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
    settings["rows"] = {**SETTINGS["rows"], "spy": {"method": "spy", "only_named": True}}
    (project / "my.yaml").write_text(yaml.safe_dump(settings))
    run(project, "--", "results/test/tables/table1.md")  # writes the configuration
    code, output = workflow(
        project, "reconstruct", "ct20", "spy", "--config", "results/test/config.json",
        "--measurements", "results/test/measurements/ct20.npz",
        "--out", "results/test/reconstructions/ct20/spy.npz",
    )  # fmt: skip
    assert code == 0, output
    assert "a spy was here" in output
    refused = (tmp_path / "refused.txt").read_text()
    assert "data/ct/test.npz" in refused
    assert "measurements" not in refused
    with np.load(project / "results/test/data/ct/test.npz") as stored:
        truth = stored["pixels"].reshape(-1, 1024).astype(float)
    found = np.load(tmp_path / "found.npy").astype(float)
    assert len(found) > 3
    truth, found = (v - v.mean(1, keepdims=True) for v in (truth, found))
    found = found[np.isfinite(found).all(1) & (np.linalg.norm(found, axis=1) > 0)]
    alike = (truth / np.linalg.norm(truth, axis=1, keepdims=True)) @ (
        found / np.linalg.norm(found, axis=1, keepdims=True)
    ).T
    assert alike.max() < 0.99  # the baseline has about 0.9
