"""Samples of a posterior for real: drawn apart from the truth, scored, not kept."""

import copy

import numpy as np
import pandas as pd
import yaml
from running import SETTINGS, run, workflow

PEEKS = "import numpy as np; np.load('results/test/data/ct/test.npy'); return problem.baseline(y)"


def test_samples_are_drawn_apart_from_the_truth_scored_and_not_kept(project):
    text = (project / "methods/baseline.py").read_text()
    peeks = text.replace("return problem.baseline(y)", PEEKS)
    (project / "methods/peeks.py").write_text(peeks)
    settings = copy.deepcopy(SETTINGS)
    settings["tables"]["posterior"] = {"rows": ["langevin", "baseline"]}
    settings["more"] = ["posterior"]
    settings["threads"] = 2  # which a process that forks after PyTorch has used two hangs with
    settings["problems"]["ct20_noisy"] = {"params": {"noise_level": 0, "photons": 1.0e5}}
    (project / "my.yaml").write_text(yaml.safe_dump(settings))
    (project / "results/test/tables/table1.csv").unlink()
    code, output = run(project, "--", "posterior", "table1")
    assert code == 0, output[-3000:]
    results = project / "results/test"
    frame = pd.read_csv(results / "tables/posterior.csv").set_index("method")
    assert frame["status"].tolist() == ["ok"] * 2
    assert frame["samples"].tolist() == [4, 1]
    assert frame.loc["langevin", "psnr_mean"] > frame.loc["langevin", "psnr_sample"]
    for name in ("posterior.png", "posterior/ct20_noisy.png"):
        assert (results / "figures" / name).read_bytes().startswith(b"\x89PNG")
    page = (results / "report/posterior.html").read_text()
    assert "Langevin dynamics: standard deviation, white: " in page
    assert "Baseline: unseen part, grey" in page
    assert page.count("Truth: unseen part, grey") == page.count('"label": "Truth"') > 0
    assert '"left": "Langevin dynamics: a sample"' in page
    assert "Baseline: mean" not in page
    folder = results / "reconstructions/ct20_noisy"
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{row}.{kind}" for row in ("baseline", "langevin") for kind in ("json", "npz")
    ]
    with np.load(folder / "langevin.npz") as stored:
        assert stored["samples"].shape == (3, 2, 1, 32, 32)
        assert not np.array_equal(stored["samples"][:, 0], stored["samples"][:, 1])
        assert stored["ranks"].shape == stored["mean"].shape == (3, 1, 32, 32)
    code, output = run(project, "--", "posterior")
    assert code == 0
    assert "Nothing to be done" in output
    settings["rows"]["peeks"] = {"method": "peeks", "label": "Peeks"}
    settings["tables"]["posterior"]["rows"].append("peeks")
    (project / "my.yaml").write_text(yaml.safe_dump(settings))
    code, output = run(project, "--", "posterior")
    assert code == 1
    assert "holds the truth" in output.rstrip().splitlines()[-2]
    table = (results / "tables/posterior.md").read_text()
    assert "holds the truth" in table
    assert workflow(project, "retry", "results/test")[1].startswith("1 failed")
