"""The section ``exact`` of a configuration, and the tables and figure that are made of scores."""

import pandas as pd
import pytest

from workflow.config import shown
from workflow.config.check import check_params
from workflow.config.entry import ConfigError
from workflow.config.jobs import Jobs
from workflow.config.resolve import resolve
from workflow.plugins.params import PluginError
from workflow.show import cells
from workflow.show.exact import exact

SMOKE = {"preset": "smoke"}
SCORES = {"mean_shift": 0.1, "sliced_wasserstein": 0.3, "c2st": 0.55, "kernel_stein": -0.02}
LINES = {  # row: mean error, ratio of spreads, point
    "exact": (0.001, 1.0, False),
    "langevin": (0.019, 0.95, False),
    "dds": (0.001, 0.7, False),
    "daps": (0.021, 1.05, False),
    "pnp_admm": (0.012, None, True),
}


def test_labels_reach_no_job_of_a_row():
    config, other = resolve(SMOKE), resolve(SMOKE)
    other["exact"]["rows"]["dds"]["label"] = "Something else"
    first, second = (Jobs(c).exact("lattice", "ct") for c in (config, other))
    assert first.hash == second.hash
    assert first.inputs == {"images": Jobs(config).exact_images().hash}
    assert shown.exact(config).hash != shown.exact(other).hash
    other["exact"]["rows"]["dds"]["params"]["eta"] = 0.5
    assert Jobs(other).exact("lattice", "ct").hash != first.hash


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"images": {"source": "faces"}}, "faces"),
        ({"rows": {"dds": {"params": {"etta": 1.0}}}}, "etta"),
        ({"priors": {"mixture": {"params": {"component": 2}}}}, "components"),
        ({"priors": {"lattice": {"params": {"cells": 5}}}}, "5 cells do not divide"),
        ({"rows": {"dds": {"budget": {"level": [1, 0]}}}}, "level"),
        ({"rows": {"dds": {"matched": {"weight": "rho"}}}}, "give rho among"),
        ({"priors": {"gaussian": {"kind": "gausian"}}}, "gaussian"),
        ({"problems": {"ct": {"params": {"wiews": 3}}}}, "wiews"),
    ],
)
def test_mistakes_are_named(section, said):
    whole = over(resolve(SMOKE)["exact"], section)
    with pytest.raises((ConfigError, PluginError), match=said):
        check_params(resolve({**SMOKE, "exact": whole}))


def over(section, change):
    """``section`` with the entries of ``change``, at any depth."""
    both = section.keys() & change.keys()
    inner = {k: over(section[k], change[k]) for k in both if isinstance(change[k], dict)}
    return {**section, **change, **inner}


@pytest.fixture
def written(tmp_path):
    """Tables and figure of two priors and a problem, in a folder of a run."""
    config = resolve(SMOKE)
    kept = {"lattice": config["exact"]["priors"]["lattice"]}
    config["exact"]["priors"] = {"gaussian": config["exact"]["priors"]["gaussian"], **kept}
    config["exact"]["problems"] = {"ct": config["exact"]["problems"]["ct"]}
    config["exact"]["rows"] = {k: v for k, v in config["exact"]["rows"].items() if k in LINES}
    paths = []
    for prior in ("lattice", "gaussian"):
        lines = [
            {
                "prior": prior, "problem": "ct", "row": row, "evaluations": n, "point": point,
                "status": "ok", "mean_error": mean, "spread_ratio": spread, "seconds": 1.0,
                **SCORES,
            }
            for row, (mean, spread, point) in LINES.items()
            for n in ([0] if row == "exact" else [100, 400])
        ]  # fmt: skip
        paths.append(tmp_path / f"{prior}.csv")
        pd.DataFrame(lines).to_csv(paths[-1], index=False)
    (tmp_path / "tables").mkdir()
    exact(shown.exact(config), tmp_path / "tables" / "exact.csv", *paths)
    return tmp_path


def test_bold_is_what_agrees_with_the_posterior(written):
    tables = cells.load(written / "tables" / "exact.json")
    assert list(tables)[:2] == ["gaussian moments", "gaussian distances"]
    first, others = tables["gaussian moments"].blocks
    bold = {row[0].parts[0][0]: row[1].parts[0] for row in [*first, *others]}
    assert bold["Exact samples"] == ["0.1 / 1.00 / 0.55", True]
    assert bold["Langevin dynamics"] == ["1.9 / 0.95 / 0.55", True]
    assert bold["DDS"] == ["0.1 / 0.70 / 0.55", False]
    assert bold["DAPS"] == ["2.1 / 1.05 / 0.55", False]
    assert bold["PnP-ADMM"] == ["1.2", False]
    names = [row[0].parts[0][0] for row in tables["gaussian distances"].blocks[1]]
    assert "PnP-ADMM" not in names
    assert "DAPS" in names


def test_the_csv_is_sorted_and_has_no_times(written):
    frame = pd.read_csv(written / "tables" / "exact.csv")
    assert frame["prior"].drop_duplicates().tolist() == ["gaussian", "lattice"]
    assert frame["row"].drop_duplicates().tolist()[:3] == ["exact", "langevin", "daps"]
    assert "seconds" not in frame
    assert "seconds" in pd.read_csv(written / "tables" / "exact_cost.csv")
    assert (written / "figures" / "exact.png").stat().st_size > 5000
