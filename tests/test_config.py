"""Every mistake in the configuration ends in one line that names the fix."""

import math
import re
from pathlib import Path

import pytest
from conftest import ROOT

from workflow.config.check import check_params
from workflow.config.explain import explain
from workflow.config.jobs import Jobs
from workflow.config.layers import PRESETS, read_tuned
from workflow.config.resolve import ConfigError, read, resolve
from workflow.config.views import label_of, networks_for, params_of, rows_of, searches, trials_of
from workflow.config.yaml import parse
from workflow.plugins.discovery import load
from workflow.plugins.params import PluginError


def settled(overrides):
    """A configuration whose parameters are checked, too, as at the start of a run."""
    config = resolve({"preset": "smoke", **overrides})
    check_params(config)
    return config


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
    ({"rows": {"padis": {"search": {"zeta": 1}}}}, "rows.padis.search.zeta"),
    (
        {"rows": {"padis": {"search": {"zeta": [2]}}}},
        "rows.padis.search.zeta: write [least, largest]",
    ),
    ({"rows": {"padis": {"search": {"zetta": [1, 2]}}}}, "'zeta'"),
    (
        {"rows": {"padis": {"search": {"sigma_max": [1, 2], "zeta": [1, 2, "sigma_mx"]}}}},
        "'sigma_max'",
    ),
    ({"rows": {"mine": {"from": "padi"}}}, "'padis'"),
    ({"rows": {"mine": {"from": "mine"}}}, "circle"),
    ({"rows": {"mine": {"like": "padis"}}}, "unknown key 'like'"),
    ({"rows": {"mine": {"from": "padis", "label": "PaDIS"}}}, "padis has the label 'PaDIS' too"),
    ({"rows": {"mine": None}}, "rows: must hold a mapping for each name"),
    ({"problems": {"mine": {"from": "ct2", "label": "x"}}}, "'ct20'"),
    ({"experiments": ["table9"]}, "'table3'"),
    (
        {
            "tables": {
                "t": {"caption": "", "problems": ["ct20"], "grid": {"row": ["padi"], "images": [3]}}
            }
        },
        "'padis'",
    ),
    (
        {"tables": {"t": {"caption": "", "problems": ["ct20"], "grid": {"row": ["padis"]}}}},
        "one other axis",
    ),
    (
        {
            "tables": {
                "t": {
                    "caption": "",
                    "problems": ["ct20"],
                    "grid": {"row": ["admm_tv"], "images": [3]},
                }
            }
        },
        "no prior",
    ),
    ({"networks": {"patch": {"training": {"patchh": 8}}}}, "'patch'"),
    ({"networks": {"patch": {"training": {"batch": 8}}}}, "batch must be [int, ...], not 8"),
    ({"priors": {"padis": {"network": "whole"}}}, "random_grid cannot use a network of whole"),
    ({"datasets": {"ct": {"params": {"slices": [6]}}}}, "slices must be int"),
    ({"rows": {"Bad Name": {"method": "padis"}}}, "Bad Name"),
    ({"rows": {"oracle": {"method": "padis", "label": "O"}}}, "name of a control"),
    ({"rows": ["padis"]}, "rows: must hold a mapping"),
    ({"rows": {"padis": {"params": 3}}}, "rows.padis.params: must be a mapping, not 3"),
    ({"problems": "ct20"}, "problems: must hold a mapping"),
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
    (
        {"datasets": {"ct": {"hu": [0, 1]}}},
        "hu must be the window of its images, [-1000.0, 1200.0]",
    ),
    ({"problems": {"ct20": {"params": {"views": 0}}}}, "ct20: views must be int > 0, not 0"),
    ({"problems": {"ct20": {"params": {"arc": -180}}}}, "arc must be float > 0"),
    ({"problems": {"ct20": {"params": {"noise_level": -1}}}}, "noise_level must be float >= 0"),
    ({"problems": {"ct20": {"params": {"noise_level": math.inf}}}}, "noise_level must be finite"),
    ({"problems": {"inpainting": {"params": {"keep": 1.5}}}}, "keep must be float > 0 and <= 1"),
    ({"rows": {"padis": {"params": {"zeta": math.nan}}}}, "zeta must be finite, not nan"),
    ({"tuning": {"trials": 0}}, "tuning.trials"),
    ({"rows": {"admm_tv": {"search": {"rho": [1, 0.1]}}}}, "search.rho"),
    ({"rows": {"admm_tv": {"search": {"rho": [0, 1]}}}}, "search.rho"),
    ({"figures": {"window": [1, 0]}}, "figures.window: window [1, 0]: the first value must be"),
    ({"figures": {"error_max": math.inf}}, "figures.error_max: must be finite"),
    ({"figures": {"images": -2}}, "figures.images"),
    ({"generation": {"samples": 1}}, "generation.samples"),
]


def table(**words):
    return {"tables": {"t": {"caption": "", "problems": ["ct20"], "rows": ["padis"], **words}}}


MEANT = [  # otherwise than it was written
    ({"experiments": None}, "your settings, experiments: must be a list of names"),
    ({"experiments": "table1"}, "your settings, experiments: must be a list of names"),
    ({"plugins": "mine.py"}, "plugins: must be a list of names"),
    (
        {"rows": None},
        "rows: must hold a mapping for each name; remove what is empty",
    ),
    ({"tuning": None}, "tuning: is empty"),
    ({"name": "reference"}, "results/reference is there for all runs; choose another"),
    ({"name": "cache"}, "results/cache is there for all runs; choose another"),
    ({"presett": "smoke"}, "did you mean 'preset'?"),
    ({"experiment": ["table1"]}, "did you mean 'experiments'?"),
    ({"rows": {"nan": {"from": "padis", "label": "N"}}}, "rows.nan: 'nan' is not text in a table"),
    ({"rows": {"mine": {"from": "padis", "label": ""}}}, "rows.mine.label: must be one line of"),
    ({"rows": {"mine": {"label": "M"}}}, "rows.mine: name its `method`"),
    (
        {"rows": {"padis": {"at": {"ct21": {"zeta": 1}}}}},
        "padis.at: unknown problem or family",
    ),
    ({"problems": {"mine": {"from": "mine", "label": "x"}}}, "mine from mine is a circle"),
    ({"networks": {"a": {"from": "b"}, "b": {"from": "a"}}}, "a from b from a is a circle"),
    (table(problems=["ct20", "ct20"]), "tables.t.problems: ct20 is there twice"),
    (table(compare=[["padis"]]), "compare.0: must have at least 2 items, not 1"),
    (table(plot={"x": "image"}), "experiments/t.plot.x: no axis of its grid is 'image'"),
    (table(grid={"row": "padis", "images": [3]}), "experiments/t.grid.0.row: must be a list"),
    (table(grid={"row": ["padis"], "images": []}), "images: must have at least 1 item"),
    (table(grid={"row": ["padis"], "images": [0]}), "experiments/t.yaml, grid.images: must be"),
    (table(published={"padis": "ct20/padsi/"}), "tables.t.published.padis: unknown number"),
    ({"networks": {"patch": {"training": {"batch": [16]}}}}, "need the same number of entries"),
    ({"networks": {"patch": {"training": {"batch": [0, 0]}}}}, "cannot share batches of (0, 0)"),
    ({"networks": {"patch": {"training": {"sizes": [8, 16]}}}}, "patch 12 is not the largest"),
    (
        {"networks": {"p8": {"training": {"patch": 33, "sizes": [33]}}}},
        "networks.p8, on ct: patch size 33 is not within 2..32",
    ),
    (table(rows=[{"from": "padis", "label": "x"}]), "experiments/t.rows.0.name is missing"),
    ({"generation": {"priors": []}}, "generation.priors: must have at least 1 item"),
    ({"rows": {"padis": {"params": {"sigma_min": 3, "sigma_max": 1}}}}, "sigma_min is above"),
    ({"networks": {"patch": {"training": {"sigma_min": 3, "sigma_max": 1}}}}, "is above sigma_max"),
    ({"networks": {"patch": {"training": {"probabilities": [0.5, 0.6]}}}}, "do not add up to 1"),
    ({"networks": {"patch": {"network": {"multipliers": []}}}}, "multipliers: needs at least one"),
    ({"networks": {"patch": {"network": {"backbone": "unet"}}}}, "backbone must be one of"),
    ({"priors": {"patch_averaging": {"overlap": 12}}}, "must be below the patch size 12"),
    (
        {"problems": {"ct20": {"params": {"noise_level": 1e39}}}},
        "noise_level must be at most 1e+0",
    ),
    ({"problems": {"ct20": {"params": {"photons": 1e20}}}}, "photons must be at most 1e+12"),
]


@pytest.mark.parametrize("preset", [p.stem for p in PRESETS.glob("*.yaml") if p.stem != "common"])
def test_presets_are_valid(preset):
    config = settled({"preset": preset})
    assert config["name"] == preset
    assert config["seed"] == 0


@pytest.mark.parametrize(
    ("overrides", "hint"), [*MISTAKES, *NUMBERS, *MEANT], ids=lambda v: str(v)[:40]
)
def test_mistakes_are_named(overrides, hint):
    with pytest.raises((ConfigError, PluginError)) as error:
        settled(overrides)
    assert hint in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [("a: 1\nb: 2\na: 3", "line 3: the key 'a' is there twice"), ("- a", "must hold a mapping"),
     ("a: [", "cannot be read"), ("a: &a {b: *a}", "an anchor (&) is inside itself")],
)  # fmt: skip
def test_yaml_that_cannot_be_meant_is_refused(text, hint):
    with pytest.raises(ConfigError, match=re.escape(hint)):
        parse(text, "my.yaml")


def test_numbers_and_words_are_those_of_yaml_1_2():
    found = parse("a: 2e-4\nb: 1.5e3\nc: on\nd: true\ne: 12\nf: -.5\ng: no\nh: 010", "my.yaml")
    more = parse("a: 0o10\nb: 0x10\nc: 2024-01-01\nd: 1:30\ne: ~\nf: -.inf", "my.yaml")
    assert found == {"a": 2e-4, "b": 1500.0, "c": "on", "d": True, "e": 12, "f": -0.5, "g": "no",
                     "h": 10}  # fmt: skip
    assert more == {"a": 8, "b": 16, "c": "2024-01-01", "d": "1:30", "e": None, "f": -math.inf}


def test_every_file_of_experiments_is_in_a_preset():
    folder = PRESETS.parent / "experiments"
    made = {name for preset in PRESETS.glob("*.yaml") if preset.stem != "common"
            for name in resolve({"preset": preset.stem})["tables"]}  # fmt: skip
    assert {file.stem for file in folder.rglob("*.yaml")} == made


def test_explained_parameters_say_which_file_sets_them():
    own = {"preset": "small", "rows": {"padis_p8": {"params": {"zeta": 1.5}}}}
    found = {}
    for line in explain(own, "padis_p8", "ct8_faces").splitlines():
        if line.startswith("  "):
            name, value, place = re.split(r"  +", line.strip(), maxsplit=2)
            found[name] = (value, place)
    assert found["zeta"] == ("1.5", "your settings, padis_p8")
    assert found["levels"] == ("5", "presets/small.yaml, padis")
    assert found["epsilon"][1] == "tuned/small.csv, padis on ct8_faces"
    assert found["updates"] == ("20", "experiments/patch_size.yaml, padis_p8")
    assert found["spacing"] == ("geometric", "default")
    assert found["views"][0] == "8"
    assert "no prior" in explain({}, "admm_tv", "ct20")
    with pytest.raises(ConfigError, match="did you mean 'padis_p8'"):
        explain({"preset": "small"}, "padis_p88", "ct8")


def test_a_preset_has_what_the_preset_that_it_names_has():
    quick, standard = resolve({}), resolve({"preset": "standard"})
    assert quick["name"] == "quick"
    assert quick["datasets"]["ct"]["size"] == [128, 128]
    assert quick["problems"]["deblurring"] == standard["problems"]["deblurring"]
    assert "tuned/quick.csv, padis on ct20" in explain({}, "padis", "ct20")
    assert "tuned/standard.csv, padis on deblurring" in explain({}, "padis", "deblurring")
    assert [n for n, t in quick["tables"].items() if not t["extra"]][:2] == ["table1", "priors"]


def test_a_dataset_has_what_the_dataset_that_it_is_from_has():
    own = {"ct": {"source": "folder", "size": [64, 64], "params": {"path": "scans"}}}
    found = resolve({"datasets": own})["datasets"]
    assert found["ct_one"] == {**found["ct"], "test": 1}
    assert (found["phantom"]["source"], found["phantom"]["size"]) == ("phantom", [64, 64])
    with pytest.raises(ConfigError, match="from: unknown dataset 'cr'"):
        resolve({"datasets": {"ct_one": {"from": "cr"}}})


@pytest.mark.parametrize("row", ["padis", "admm_tv", "position"])
def test_explained_values_are_those_of_the_jobs(row):
    config = resolve({"preset": "standard"})
    lines = explain({"preset": "standard"}, row, "superresolution").split("\n\n")[1]
    found = dict(re.split(r"  +", line.strip())[:2] for line in lines.splitlines()[1:])
    for name, value in params_of(config["rows"][row], "superresolution").items():
        assert found[name] == str(value)


def test_a_grid_makes_rows_networks_points_and_differences():
    table = {
        "problems": ["ct20"],
        "caption": "",
        "ablation": True,
        "grid": {"row": ["padis", "whole_image_diffusion"], "images": [4, 9, "all"]},
        "compare": [["padis", "whole_image_diffusion"], ["padis_images9", "padis_images4"]],
        "plot": {"x": "images", "label": "Slices"},
    }
    config = settled({"tables": {"mine": table}})
    made, network = config["tables"]["mine"], config["networks"]["patch_images9"]
    assert made["rows"][:3] == ["padis_images4", "padis_images9", "padis"]
    assert ["padis", "whole_image_diffusion"] in made["differences"]
    assert ["padis_images9", "whole_image_diffusion_images9"] in made["differences"]
    assert made["differences"][-1] == ["padis_images9", "padis_images4"]
    points = [[4, "padis_images4"], [9, "padis_images9"], ["all", "padis"]]
    assert made["plot"]["series"]["PaDIS"] == points
    assert network == {**config["networks"]["patch"], "images": 9}
    assert networks_for(config, "ct20", "padis_images9") == ["ct/patch_images9"]
    assert "PaDIS, 4 slices" in label_of("padis_images4", config["rows"]["padis_images4"])
    assert "padis_images4" not in config["tables"]["table1"]["rows"]


def test_a_grid_of_a_parameter_is_drawn_against_cost_and_searches_the_others():
    config = resolve({"preset": "small"})
    budget = config["tables"]["budget"]
    assert budget["sweep"]["padis"] == {"updates": [1, 2, 4, 10, 20]}
    assert budget["rows"][:2] == ["admm_tv", "admm_tv_iterations5"]
    searched = {row for _, row in searches(config)}
    assert set(budget["rows"]) <= searched
    assert {trials_of(config, row) for row in searched} == {8}


def test_experiments_are_chosen_and_settings_win():
    config = resolve({"preset": "smoke", "name": "mine", "experiments": ["table1"], "seed": 3})
    made = [name for name, table in config["tables"].items() if not table["extra"]]
    assert made == ["table1"]
    assert (config["name"], config["seed"]) == ("mine", 3)


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


def test_a_new_row_joins_the_main_tables_unless_a_table_names_it():
    rows = {"mine": {"method": "padis", "label": "Mine"}}
    config = resolve({"preset": "smoke", "rows": rows})
    assert config["tables"]["table1"]["rows"][-1] == "mine"
    assert "mine" not in config["tables"]["shift"]["rows"]
    assert "langevin_whole" not in config["tables"]["table1"]["rows"]
    assert rows_of(config, "table1")[-3:] == ["prior_sample", "mean_image", "oracle"]
    assert config["rows"]["mine"]["prior"] == "padis"
    table = {"problems": ["ct20"], "caption": "", "rows": ["padis", "mine"]}
    named = resolve({"preset": "smoke", "rows": rows, "tables": {"own": table}})
    assert "mine" not in named["tables"]["table1"]["rows"]


def test_a_table_without_rows_has_those_of_the_first():
    table = {"problems": ["ct20"], "caption": ""}
    config = resolve({"preset": "smoke", "tables": {"own": table}})
    assert config["tables"]["own"]["rows"] == config["tables"]["table1"]["rows"]
    alone = resolve({"preset": "smoke", "experiments": ["own"], "tables": {"own": table}})
    assert alone["tables"]["own"]["rows"] == config["tables"]["own"]["rows"]


def test_searches_start_at_the_values_of_the_row_and_of_its_kin():
    config = resolve({"preset": "small"})
    for problem, row in (("ct20", "padis"), ("superresolution", "langevin_whole")):
        starts = Jobs(config).tune(problem, row).starts
        assert starts[0] == {
            k: params_of(config["rows"][row], problem)[k] for k in config["rows"][row]["search"]
        }
        assert 1 < len(starts) <= trials_of(config, row) // 2


def test_published_settings_are_those_of_the_paper():
    config = resolve({"preset": "small"})
    row = config["rows"]["padis_published"]
    params = load("method", row["method"]).Params(**params_of(row, "ct20_few"))
    assert (params.zeta, params.data_step) == (0.3, "norm")
    assert params.epsilon == 0.5  # as in the released code
    assert (params.start, params.sigma_max, params.sigma_min) == ("noise", 10.0, 0.002)
    assert params.levels * params.updates == 1000


def test_tables_compare_with_padis_unless_they_say_what_to_compare():
    config = resolve({"preset": "small"})
    assert ["admm_tv", "padis"] in config["tables"]["table1"]["differences"]
    assert ["padis", "padis"] not in config["tables"]["table1"]["differences"]
    assert config["tables"]["position"]["differences"][0] == ["position", "no_position"]


def test_tuned_values_are_those_of_the_jobs():
    config = resolve({"preset": "small"})
    tuned = read_tuned(PRESETS.parent / "tuned" / "small.csv")
    assert len(tuned) > 200
    for (row, problem), (values, edges, _) in tuned.items():
        found = params_of(config["rows"][row], problem)
        assert values == {k: v for k, v in found.items() if k in values}
        assert set(config["rows"][row]["at_edge"].get(problem, [])) <= set(edges)


def test_own_parameters_win_over_tuned_ones():
    own = {"params": {"sigma_max": 7.0}, "at": {"ct8": {"sigma_max": 8.0}}}
    row = resolve({"preset": "small", "rows": {"padis": own}})["rows"]["padis"]
    tuned = read_tuned(PRESETS.parent / "tuned" / "small.csv")
    assert params_of(row, "ct20")["sigma_max"] == 7.0
    assert params_of(row, "ct8")["sigma_max"] == 8.0
    assert params_of(row, "ct20")["epsilon"] == tuned["padis", "ct20"].values["epsilon"]


def test_a_row_from_another_has_its_parameters_and_what_was_tuned():
    rows = {"mine": {"from": "padis", "label": "M", "network": "p8", "params": {"epsilon": 0.7}}}
    config = resolve({"preset": "small", "rows": rows})
    mine, padis = (config["rows"][name] for name in ("mine", "padis"))
    for problem in ("ct20", "ct8", "inpainting"):
        assert params_of(mine, problem) == {**params_of(padis, problem), "epsilon": 0.7}
    assert networks_for(config, "ct20", "mine") == [f"ct/{fold}/p8" for fold in (1, 2, 3)]
    assert mine["method"] == "padis"


def test_a_problem_from_another_has_its_operator_networks_and_parameters():
    config = resolve({"preset": "small"})
    first, other = (config["problems"][name] for name in ("ct8", "ct8_faces"))
    assert (other["family"], other["params"]) == (first["family"], first["params"])
    assert other["dataset"] == "faces"
    assert networks_for(config, "ct8_faces", "padis") == ["ct/1/patch", "ct/2/patch"]
    for row in config["rows"].values():
        assert params_of(row, "ct8_faces") == params_of(row, "ct8")


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (
            {"rows": {"mine": {"method": "admm_tv", "label": "M", "network": "p8"}}},
            ["rows.mine", "no prior"],
        ),
        (
            {"rows": {"mine": {"from": "padis", "label": "M", "network": "whole"}}},
            ["rows.mine", "whole images"],
        ),
        (
            {"rows": {"mine": {"from": "padis", "label": "M", "network": "p88"}}},
            ["rows.mine", "'p8'"],
        ),
        ({"tables": {"shift": {"compare": [["padis", "x"]]}}}, ["shift", "'x'"]),
        ({"problems": {"ct20": {"params": {"veiws": 3}}}}, ["problems.ct20", "'views'"]),
        ({"datasets": {"faces": {"size": [40, 40]}}}, ["problems.ct20_faces", "[40, 40]"]),
        ({"generation": {"priors": ["padi"]}}, ["generation", "'padis'"]),
        ({"generation": {"sampler": {"level": 3}}}, ["generation.sampler", "levels"]),
    ],
)
def test_mistakes_in_variants_are_named(overrides, words):
    with pytest.raises((ConfigError, PluginError)) as error:
        settled(overrides)
    assert all(word in str(error.value) for word in words), error.value
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["claims", "tune_row", "ablation_claims", "ct20", "table1_cost"])
def test_no_table_has_the_name_of_a_rule_or_of_another_file(name):
    table = {"problems": ["ct20"], "caption": ""}
    with pytest.raises(ConfigError, match=f"tables.{name}: the name is taken"):
        resolve({"preset": "smoke", "tables": {name: table}})


def test_a_compact_network_is_a_multiple_of_its_groups_wide():
    with pytest.raises(ConfigError, match="multiple of 8, not 12"):
        settled({"networks": {"patch": {"network": {"width": 12}}}})


def test_a_missing_file_names_the_presets(tmp_path):
    with pytest.raises(ConfigError, match=r"presets are .*quick"):
        read(Path(tmp_path / "none.yaml"))


def test_a_network_has_another_recipe_on_another_dataset():
    at = {"faces": {"network": {"width": 16}, "training": {"examples": 7}}}
    config = resolve({"preset": "smoke", "networks": {"patch": {"at": at}}})
    check_params(config)
    on_ct, on_faces = (Jobs(config).train(f"{dataset}/patch") for dataset in ("ct", "faces"))
    assert (on_faces.training["examples"], on_faces.network["width"]) == (7, 16)
    assert on_faces.training == {**on_ct.training, "examples": 7}
    assert on_ct.network["width"] == 8
    derived = Jobs(config).train("faces/simple")
    assert derived.network["width"] == 16  # simple is from patch
    wrong = {"preset": "smoke", "networks": {"patch": {"at": {"face": at["faces"]}}}}
    with pytest.raises(ConfigError, match="face"):
        resolve(wrong)
