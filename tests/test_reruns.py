"""What a change of code or configuration makes run again."""

import pytest
import yaml
from running import SETTINGS, jobs, run


def test_editing_code_reruns_its_rows_and_editing_words_nothing(project):
    method = project / "methods/padis.py"
    text = method.read_text()
    method.write_text("# A comment.\n" + text.replace("PaDIS: diffusion", "Diffusion"))
    _, output = run(project, "--dry-run")
    assert "Nothing to be done" in output
    method.write_text(text.replace('prior = "padis"', 'prior = "padis"\n    other = 1'))
    _, output = run(project, "--dry-run")
    reruns = [job for job in jobs(output) if job.startswith(("reconstruct ", "train"))]
    assert reruns == ["reconstruct problem=ct20, row=padis"]

    method.write_text(text)
    tiling = project / "methods/priors/patch.py"
    tiling.write_text(tiling.read_text().replace("= patch, grid", "= int(patch), grid"))
    _, output = run(project, "--dry-run")
    reruns = [job for job in jobs(output) if job.startswith(("reconstruct ", "train"))]
    assert reruns == ["reconstruct problem=ct20, row=padis"]


EDITS = {  # file: text, what takes its place, jobs that run again because of that alone
    "workflow/run/harness.py": ("if reason:", "if bool(reason):", {"reconstruct"}),
    "methods/priors/training.py": ("import torch\n", "import torch\n\nA = 1\n", {"train"}),
    "workflow/run/train.py": ("import time\n", "import time\n\nA = 1\n", {"train"}),
    "problems/datasets/base.py": (
        "import numpy",
        "import math as m\nimport numpy",
        {"prepare"},
    ),
    "workflow/score/metrics.py": ("import torch\n", "import torch\n\nA = 1\n", {"score"}),
    "workflow/show/templates/base.html.j2": ("</main>", " </main>", {"report", "main_table_page"}),
    "problems/datasets/description.py": ("import numpy", "import math as m\nimport numpy", set()),
    "workflow/run/progress.py": ("import time\n", "import time\n\nA = 1\n", set()),
    "workflow/config/resolve.py": ("import copy\n", "import copy\n\nA = 1\n", set()),
    "methods/admm_tv.py": (
        'label = "',
        'label = "Our ',
        {"table", "metrics", "reconstruction_figure"},
    ),
}  # fmt: skip


def changed(output):
    """Rules of a dry run whose code, parameters or sources have changed themselves."""
    found, rule = set(), ""
    for line in output.splitlines():
        if line.startswith(("rule ", "localrule ")):
            rule = line.split()[1].rstrip(":")
        own = ("Params have changed", "Code has changed", "Updated input files: workflow")
        if line.strip().startswith("reason:") and any(cause in line for cause in own):
            found.add("score" if rule.startswith("score_") else rule)
    return found


@pytest.mark.parametrize("path", EDITS)
def test_an_edit_reruns_what_reads_it_and_nothing_else(project, path):
    old, new, wanted = EDITS[path]
    file = project / path
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    assert changed(run(project, "--dry-run")[1]) == wanted


def test_harmless_changes_rerun_nothing_else(project):
    def dry(**changes):
        (project / "my.yaml").write_text(yaml.safe_dump({**SETTINGS, **changes}))
        return {job.split()[0] for job in jobs(run(project, "--dry-run")[1])}

    assert dry() == set()
    problems = {"ct20": {"label": "Twenty views", "repeats": 2}}
    assert dry(problems=problems) == {"table", "claims"}
    fewer = dry(datasets={"ct": {"test": 2}})
    assert "measure" in fewer
    assert "train" not in fewer
    assert "train" in dry(seed=1)
