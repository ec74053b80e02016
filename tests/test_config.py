"""Every mistake in the configuration ends in one line that names the fix."""

import math
import re

import pytest
import yaml
from conftest import ROOT

from workflow.config import jobs
from workflow.config.check import RULES
from workflow.config.explain import explain
from workflow.config.resolve import PRESETS, ConfigError, resolve
from workflow.config.views import (
    label_of,
    networks_for,
    params_of,
    rows_of,
    searches,
    trials_of,
)
from workflow.plugins.discovery import load

MISTAKES = [
    ({"preset": "quik"}, "'quick'"),
    ({"treads": 2}, "'threads'"),
    ({"threads": 0}, "threads"),
    ({"networks": {"patch": {"trainnig": {}}}}, "'training'"),
    ({"rows": {"padis": {"params": {"zetta": 1}}}}, "'zeta'"),
    ({"rows": {"mine": {"method": "padiss"}}}, "'padis'"),
    ({"rows": {"padis": {"prior": "padi"}}}, "'padis'"),
    ({"problems": {"ct20": {"family": "cd"}}}, "known are ct"),
    ({"problems": {"ct20": {"params": {"view": 3}}}}, "'views'"),
    ({"problems": {"ct20": {"dataset": "tc"}}}, "known are ct"),
    ({"datasets": {"ct": {"source": "chest"}}}, "'chest_ct'"),
    ({"tables": {"table1": {"problems": ["ct21"]}}}, "'ct20'"),
    ({"tables": {"table1": {"rows": ["admm"]}}}, "'admm_tv'"),
    ({"rows": {"padis": {"params": {"data_step": "norn"}}}}, "'norm', 'squared'"),
    ({"rows": {"padis": {"params": {"zeta": "abc"}}}}, "zeta must be float >= 0, not 'abc'"),
    ({"rows": {"padis": {"params": {"levels": 1.5}}}}, "levels must be int > 0, not 1.5"),
    (
        {"rows": {"padis": {"search": {"zeta": [1, 2]}}}},
        "search.zeta: must be a mapping, not [1, 2]",
    ),
    ({"rows": {"padis": {"search": {"zetta": {"start": 1, "factor": 2}}}}}, "'zeta'"),
    (
        {"rows": {"padis": {"search": {"zeta": {"start": 1, "factor": 2, "of": "sigma_mx"}}}}},
        "'sigma_max'",
    ),
    ({"tables": {"t": {"caption": "", "problems": ["ct20"], "sweep": {"padi": {}}}}}, "'padis'"),
    ({"networks": {"patch": {"training": {"patchh": 8}}}}, "'patch'"),
    ({"networks": {"patch": {"training": {"batch": 8}}}}, "batch must be [int, ...], not 8"),
    ({"priors": {"padis": {"network": "whole"}}}, "random_grid cannot use a network of whole"),
    ({"datasets": {"ct": {"params": {"slices": [6]}}}}, "slices must be int"),
    ({"rows": {"Bad Name": {"method": "padis"}}}, "Bad Name"),
    ({"rows": {"oracle": {"method": "padis"}}}, "name of a control"),
    ({"rows": ["padis"]}, "rows: must be a mapping, not ['padis']"),
    ({"rows": {"padis": {"params": 3}}}, "rows.padis.params: must be a mapping, not 3"),
    ({"problems": "ct20"}, "problems: must be a mapping, not 'ct20'"),
    ({"tables": {"table1": {"controls": ["oracel"]}}}, "'oracle'"),
]
NUMBERS = [  # that no job could use
    ({"seed": math.nan}, "seed: must be finite, not nan"),
    ({"batch": -1}, "batch: must be greater than or equal to 1, not -1"),
    ({"threads": True}, "threads: must be a number, not True"),
    ({"time_limit_minutes": 0}, "time_limit_minutes: must be greater than 0"),
    ({"datasets": {"ct": {"size": [64, 3]}}}, "datasets.ct.size.1"),
    ({"datasets": {"ct": {"size": [64]}}}, "datasets.ct.size"),
    ({"datasets": {"ct": {"test": -3}}}, "datasets.ct.test"),
    ({"datasets": {"ct": {"params": {"slices": 0}}}}, "slices must be int > 0, not 0"),
    ({"datasets": {"ct": {"params": {"window": [100, -100]}}}}, "datasets.ct: window [100.0, -100"),
    ({"problems": {"ct20": {"params": {"views": 0}}}}, "ct20: views must be int > 0, not 0"),
    ({"problems": {"ct20": {"params": {"arc": -180}}}}, "arc must be float > 0"),
    ({"problems": {"ct20": {"params": {"noise_level": -1}}}}, "noise_level must be float >= 0"),
    ({"problems": {"ct20": {"params": {"noise_level": math.inf}}}}, "noise_level must be finite"),
    ({"problems": {"inpainting": {"params": {"keep": 1.5}}}}, "keep must be float > 0 and <= 1"),
    ({"rows": {"padis": {"params": {"zeta": math.nan}}}}, "zeta must be finite, not nan"),
    ({"rows": {"padis": {"trials": 0}}}, "rows.padis.trials"),
    ({"rows": {"admm_tv": {"search": {"rho": {"low": 1, "high": 0.1}}}}}, "search.rho"),
    ({"rows": {"admm_tv": {"search": {"rho": {"factor": 1}}}}}, "search.rho.factor"),
    ({"figures": {"window": [1, 0]}}, "figures.window: window [1, 0]: the first value must be"),
    ({"figures": {"error_max": math.inf}}, "figures.error_max: must be finite"),
    ({"figures": {"images": -2}}, "figures.images"),
    ({"generation": {"samples": 1}}, "generation.samples"),
]


@pytest.mark.parametrize("preset", [p.stem for p in PRESETS.glob("*.yaml")])
def test_presets_are_valid(preset):
    if preset != "common":
        config = resolve({"preset": preset})
        assert config["name"] == preset
        assert config["seed"] == 0


@pytest.mark.parametrize(("overrides", "hint"), [*MISTAKES, *NUMBERS], ids=lambda v: str(v)[:40])
def test_mistakes_are_named(overrides, hint):
    with pytest.raises(ConfigError) as error:
        resolve({"preset": "smoke", **overrides})
    assert hint in str(error.value)
    assert "\n" not in str(error.value)


def test_explained_parameters_say_where_they_are_written():
    """Layers, a row that is like another, a sweep, the user's settings and defaults by name."""
    own = {"rows": {"padis_p8": {"params": {"zeta": 1.5}}}}
    said = {}
    for line in explain(own, "padis_p8", "ct8_faces").splitlines():
        if line.startswith("  "):
            name, value, place = re.split(r"  +", line.strip(), maxsplit=2)
            said[name] = (value, place)
    assert said["zeta"] == ("1.5", "your settings, rows.padis_p8.params")
    assert said["levels"] == ("5", "quick.yaml, rows.padis.params")
    assert said["epsilon"][1] == "tuned/quick.yaml, rows.padis.params_for.ct8"
    assert said["updates"][1].startswith("extra/quick.yaml, tables.patch_size.sweep")
    assert said["spacing"] == ("geometric", "default")
    assert said["views"] == ("8", "common.yaml, problems.ct8.params")
    assert said["assembly"] == ("random_grid", "common.yaml, priors.padis")
    assert said["batch"][1].startswith("extra/quick.yaml, tables.patch_size.sweep")
    assert said["width"] == ("32", "quick.yaml, networks.patch.network")
    assert "no prior" in explain(own, "admm_tv", "ct20")
    with pytest.raises(ConfigError, match="did you mean 'padis_p8'"):
        explain({}, "padis_p88", "ct8")


def test_explained_values_are_those_of_the_jobs():
    config = resolve({"preset": "standard"})
    for row in ("padis", "admm_tv", "position"):
        lines = explain({"preset": "standard"}, row, "superresolution").split("\n\n")[1]
        said = dict(re.split(r"  +", line.strip())[:2] for line in lines.splitlines()[1:])
        for name, value in params_of(config["rows"][row], "superresolution").items():
            assert said[name] == str(value)


def test_a_template_of_rows_makes_networks_points_and_differences():
    line = {
        "like": "padis",
        "network": {"name": "n{}", "like": "patch", "images": "{}"},
        "label": "PaDIS, {} slices",
        "series": "PaDIS",
        "minus": "mine4",
        "values": {4: None, 9: {"published": "ct20/padis/slices144", "params": {"zeta": 0.5}}},
    }
    table = {
        "problems": ["ct20"],
        "caption": "",
        "ablation": True,
        "plot": {"label": "Slices"},
        "sweep": {"mine{}": line, "{}": {"values": {"all": {"row": "padis", "minus": "mine9"}}}},
    }
    config = resolve({"preset": "smoke", "tables": {"mine": table}})
    made = config["tables"]["mine"]
    assert made["rows"] == ["mine4", "mine9", "padis"]
    assert made["differences"] == [["mine9", "mine4"], ["padis", "mine9"]]
    assert made["published"] == {"mine9": "ct20/padis/slices144"}
    assert made["plot"]["series"] == {"PaDIS": [[4, "mine4"], [9, "mine9"]]}
    assert "sweep" not in made
    assert config["networks"]["n9"] == {**config["networks"]["patch"], "images": 9}
    assert networks_for(config, "ct20", "mine9") == ["ct/n9"]
    assert params_of(config["rows"]["mine9"], "ct20")["zeta"] == 0.5
    assert label_of("mine4", config["rows"]["mine4"]) == "PaDIS, 4 slices †"
    assert "mine4" not in config["tables"]["table1"]["rows"]
    gone = resolve({"preset": "smoke", "tables": {"mine": table}, "rows": {"mine4": None}})
    assert gone["tables"]["mine"]["rows"] == ["mine9", "padis"]


def test_values_of_a_sweep_can_be_changed_and_a_table_can_go():
    sweep = {"padis_images{}": {"values": {5: None}}, "whole_images{}": {"values": {5: None}}}
    config = resolve({"preset": "quick", "tables": {"training_size": {"sweep": sweep}}})
    assert ["padis_images5", "whole_images5"] in config["tables"]["training_size"]["differences"]
    assert config["networks"]["patch_images5"]["images"] == 5
    config = resolve({"preset": "quick", "tables": {"training_size": None}})
    assert "padis_images10" not in config["rows"]


def test_entries_may_share_one():
    rows = {"padis, langevin": {"params": {"levels": 2}}, "padis": {"params": {"zeta": 0.5}}}
    config = resolve({"preset": "smoke", "rows": rows})
    assert params_of(config["rows"]["langevin"], "ct20")["levels"] == 2
    assert params_of(config["rows"]["padis"], "ct20")["levels"] == 2
    assert params_of(config["rows"]["padis"], "ct20")["zeta"] == 0.5
    assert params_of(config["rows"]["langevin"], "ct20")["zeta"] != 0.5


def test_null_removes_and_overrides_win():
    config = resolve({"preset": "smoke", "name": "mine", "tables": {"samplers": None}, "seed": 3})
    kept = ["table1", "tilings", "deepinv", "patch_size", "shift", "posterior"]
    assert list(config["tables"]) == kept
    assert (config["name"], config["seed"]) == ("mine", 3)


def test_numbers_in_exponent_notation_are_numbers():
    """YAML reads 2e-4 as text."""
    training = {"learning_rate": "2e-4", "examples": "1e4"}
    config = resolve({"preset": "smoke", "networks": {"patch": {"training": training}}})
    assert config["networks"]["patch"]["training"]["learning_rate"] == 2e-4
    assert config["networks"]["patch"]["training"]["examples"] == 10_000


def test_snakemake_says_it_in_one_line():
    import subprocess
    import sys

    command = [sys.executable, "-m", "snakemake", "-n", "--config", "preset=quik"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode != 0
    lines = [line for line in (result.stdout + result.stderr).splitlines() if "quik" in line]
    assert lines == ["error: unknown preset 'quik'; did you mean 'quick'?"]
    assert "Traceback" not in result.stderr


def test_another_plugin_does_not_inherit_parameters():
    config = resolve({"preset": "smoke", "datasets": {"ct": {"source": "folder"}}})
    assert config["datasets"]["ct"]["params"] == {}
    assert config["datasets"]["ct"]["size"] == [32, 32]


def test_tables_show_all_rows_but_those_that_must_be_named():
    config = resolve({"preset": "smoke", "rows": {"mine": {"method": "padis"}}})
    assert "mine" in config["tables"]["table1"]["rows"]
    assert "langevin_whole" not in config["tables"]["table1"]["rows"]
    assert rows_of(config, "table1")[-3:] == ["prior_sample", "mean_image", "oracle"]


def test_every_row_has_the_same_budget_of_trials():
    config = resolve({"preset": "quick"})
    searched = {row for _, row in searches(config)}
    named = {"baseline", "prior_sample", "padis_one_level", "whole_one_level"}
    named |= set(config["tables"]["settings"]["rows"])
    main = {r for r, row in config["rows"].items() if "like" not in row} - named
    assert main <= searched
    swept = {row for row in searched if "like" in config["rows"][row]}
    budget = config["tables"]["budget"]
    contexts = {"padis_context", "padual_context"}
    assert swept - contexts == set(budget["rows"]) - set(budget["sweep"])
    assert {trials_of(config, row) for row in searched} == {8}


def test_a_preset_can_take_what_was_tuned_for_another():
    quick, standard = (resolve({"preset": preset}) for preset in ("quick", "standard"))
    rows = [config["rows"]["padis"] for config in (quick, standard)]
    assert rows[0]["params_for"]["ct8"] == rows[1]["params_for"]["ct8"]
    assert set(standard["rows"]["padis"]["params_for"]) <= set(standard["problems"])
    assert "ct20_poisson" in quick["rows"]["padis"]["params_for"]


def test_searches_start_where_earlier_ones_ended():
    starts = {"padis": {"ct20": {"sigma_max": 0.5, "sigma_min": 0.05}}}
    config = resolve({"preset": "quick", "tuning": {"starts": starts}})
    axes = jobs.tune(config, "ct20", "padis").search
    assert axes["sigma_max"]["start"] == 0.5
    assert axes["sigma_min"]["start"] == pytest.approx(0.1)  # of sigma_max
    starts = config["tuning"]["starts"]
    for problem, row in searches(config):
        given = starts.get(row, {}).get(problem, {})
        for point in given if isinstance(given, list) else [given]:
            assert set(point) <= set(config["rows"][row]["search"])


def test_published_settings_are_those_of_the_paper():
    config = resolve({"preset": "quick"})
    row = config["rows"]["padis_published"]
    params = load("method", row["method"]).Params(**params_of(row, "ct20"))
    assert (params.zeta, params.data_step) == (0.3, "norm")
    assert params.epsilon == 0.5  # as in the released code
    assert (params.start, params.sigma_max, params.sigma_min) == ("noise", 10.0, 0.002)
    assert params.levels * params.updates == 1000


def test_settings_change_one_thing_at_a_time():
    """Rows of the table of settings differ in one parameter from the paper's at 400 evaluations."""
    rows = resolve({"preset": "quick"})["rows"]
    base = rows["padis_400"]["params"]
    for name in ("start", "zeta", "epsilon"):
        changed = rows[f"padis_400_{name}"]["params"]
        assert {k for k in changed if changed[k] != base.get(k)} == {name}


def test_tables_compare_with_padis_unless_they_say_what_to_compare():
    config = resolve({"preset": "quick"})
    assert ["admm_tv", "padis"] in config["tables"]["table1"]["differences"]
    assert ["padis", "padis"] not in config["tables"]["table1"]["differences"]
    assert config["tables"]["position"]["differences"][0] == ["position", "no_position"]
    without = resolve({"preset": "quick", "rows": {"padis": None}})
    assert without["tables"]["table1"]["differences"] == []


def test_every_search_has_its_result_committed():
    config = resolve({"preset": "quick"})
    tuned = yaml.safe_load((PRESETS / "tuned/quick.yaml").read_text())["rows"]
    tables = [table for table in config["tables"].values() if not table["extra"]]
    main = {(p, r) for table in tables for p in table["problems"] for r in table["rows"]}
    for problem, row in searches(config):
        if (problem, row) not in main:  # of tables that are made on their own
            continue
        skipped = row.startswith("ve_ddnm") and "deblurring" in problem
        if skipped:
            assert problem not in tuned[row]["params_for"]
            continue
        found = tuned[row]["params_for"][problem]
        assert found == {
            k: v for k, v in params_of(config["rows"][row], problem).items() if k in found
        }
        lacks = set(config["rows"][row]["search"]) - set(found)
        assert lacks <= {"zeta"}, (problem, row)  # at 20 and 8 views, which are not searched again


def test_own_parameters_win_over_tuned_ones_and_problems_can_go():
    rows = {"padis": {"params": {"sigma_max": 7.0}, "params_for": {"ct8": {"sigma_max": 8.0}}}}
    config = resolve({"preset": "quick", "rows": rows})
    row = config["rows"]["padis"]
    assert params_of(row, "ct20")["sigma_max"] == 7.0
    assert params_of(row, "ct8")["sigma_max"] == 8.0
    tuned = yaml.safe_load((PRESETS / "tuned/quick.yaml").read_text())["rows"]["padis"]
    assert params_of(row, "ct20")["epsilon"] == tuned["params_for"]["ct20"]["epsilon"]
    config = resolve({"preset": "quick", "problems": {"ct8": None}, "rows": {"langevin": None}})
    assert "ct8" not in config["rows"]["padis"]["params_for"]
    assert "ct8" not in config["tables"]["table1"]["problems"] + config["tuning"]["problems"]
    assert "langevin" not in config["tables"]["samplers"]["rows"]
    config = resolve({"preset": "quick", "problems": {"ct8": None}, "rows": {"padis": None}})
    assert not any(name.startswith("ct8") for name in config["problems"])
    assert "padis_p8" not in config["rows"]
    assert not {"patch_size", "training_size", "shift"} & set(config["tables"])
    config = resolve({"preset": "quick", "rows": {"admm_tv": None, "padis_p8": None}})
    assert ["padis", "admm_tv"] not in config["tables"]["shift"]["differences"]
    (points,) = config["tables"]["patch_size"]["plot"]["series"].values()
    assert [8, "padis_p8"] not in points
    assert "padis_p8" not in config["tables"]["patch_size"]["published"]
    default = resolve({"preset": "quick", "tables": {"table2": {"rows": None}}})["tables"]
    assert default["table2"]["rows"] == default["table1"]["rows"]


def test_a_row_like_another_has_its_parameters_and_what_was_tuned():
    rows = {
        "mine": {"like": "padis", "network": "p8", "params": {"epsilon": 0.7}},
        "padis": {"params_for": {"ct8": {"levels": 3}}},
    }
    config = resolve({"preset": "quick", "rows": rows})
    mine, padis = (config["rows"][name] for name in ("mine", "padis"))
    for problem in ("ct20", "ct8", "inpainting"):
        assert params_of(mine, problem) == {**params_of(padis, problem), "epsilon": 0.7}
    assert networks_for(config, "ct20", "mine") == [f"ct/{fold}/p8" for fold in (1, 2, 3)]
    assert mine["search"] == {}
    assert mine["method"] == "padis"


def test_a_problem_like_another_has_its_operator_networks_and_parameters():
    config = resolve({"preset": "quick"})
    first, other = (config["problems"][name] for name in ("ct8", "ct8_faces"))
    assert (other["family"], other["params"]) == (first["family"], first["params"])
    assert other["dataset"] == "faces"
    assert networks_for(config, "ct8_faces", "padis") == ["ct/1/patch", "ct/2/patch"]
    for row in config["rows"].values():
        assert params_of(row, "ct8_faces") == params_of(row, "ct8")


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"rows": {"mine": {"like": "padi"}}}, ["rows.mine", "'padi'", "'padis'"]),
        ({"rows": {"mine": {"like": "padis_p8"}}}, ["padis_p8 is like padis", "`like: padis`"]),
        ({"problems": {"mine": {"like": "ct2", "label": "x"}}}, ["problems.mine", "'ct20'"]),
        ({"rows": {"mine": {"method": "admm_tv", "network": "p8"}}}, ["rows.mine", "no prior"]),
        ({"rows": {"mine": {"like": "padis", "network": "whole"}}}, ["rows.mine", "whole images"]),
        ({"rows": {"mine": {"like": "padis", "network": "p88"}}}, ["rows.mine", "'p8'"]),
        ({"tables": {"patch_size": {"differences": [["padis", "x"]]}}}, ["patch_size", "'x'"]),
        (
            {"tables": {"table1": {"sweep": {"a{}": {"like": "padis"}}}}},
            ["table1.sweep.a{}", "no sweep"],
        ),
        (
            {
                "tables": {
                    "table1": {"sweep": {"a{}": {"network": {"like": "ptch"}, "values": [1]}}}
                }
            },
            ["'patch'"],
        ),
        ({"problems": {"ct20, ct8": {"params": {"veiws": 3}}}}, ["problems.ct20", "'views'"]),
        ({"tables": {"ct20": {"problems": ["ct8"], "caption": ""}}}, ["tables.ct20", "taken"]),
        ({"rows": {"mine": {"like": ["padis"]}}}, ["rows.mine.like", "not a name"]),
        ({"rows": {"mine": {"method": "padis", "params_for": None}}}, ["rows.mine.params_for"]),
        ({"rows": {"padis": {"params_for": {"ct20": 3}}}}, ["rows.padis.params_for.ct20"]),
        ({"datasets": {"faces": {"size": [40, 40]}}}, ["problems.ct20_faces", "[40, 40]"]),
        ({"generation": {"priors": {"padi": "x"}}}, ["generation", "'padis'"]),
        ({"generation": {"sampler": {"level": 3}}}, ["generation.sampler", "levels"]),
    ],
)
def test_mistakes_in_variants_are_named(overrides, words):
    with pytest.raises(ConfigError) as error:
        resolve({"preset": "smoke", **overrides})
    assert all(word in str(error.value) for word in words), error.value
    assert "\n" not in str(error.value)


def test_no_table_has_the_name_of_a_rule():
    text = "".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
    rules = set(re.findall(r"^ *rule (\w+):", text, re.MULTILINE))
    assert len(rules) > 20
    assert rules <= set(RULES.split())


def test_a_compact_network_is_a_multiple_of_its_groups_wide():
    with pytest.raises(ConfigError, match="width: 12 is no multiple of 8"):
        resolve({"networks": {"patch": {"network": {"width": 12}}}})
