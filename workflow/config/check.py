"""Names in a configuration and parameters of its plugins: checked, and defaults filled in."""

from itertools import chain
from typing import Any

from workflow.config.entry import rising
from workflow.config.exact import check_exact
from workflow.config.layers import ConfigError
from workflow.config.sweeps import points
from workflow.config.views import CONTROLS, REFERENCE, plain_label, prior_name, prior_of
from workflow.plugins.discovery import find
from workflow.plugins.params import checked, nearest
from workflow.plugins.reading import fields_of

RECIPES = {  # parts of a network's entry: where their fields are defined
    "network": ("methods.priors.networks", "NetworkParams"),
    "training": ("methods.priors.training", "TrainingParams"),
}
GROUPS = 8  # of channels, in a compact network
# Rules, targets, files and folders: no names of tables.
RULES = """
ablation_claims ablation_numbers ablations all budget_plot claims collect_scores controls exact
exact_images exact_scores generate generation main_table_page measure metrics numbers oracle plot
prepare reconstruct reconstruction_figure report run_card sample sample_maps sample_page
sample_table score sensitivity table train training training_figure training_table tune tune_row
tuned tuning
"""


def check(config: dict[str, Any]) -> None:
    """Check a configuration whose entries are valid each for itself; complete it in place.

    Raises:
        ConfigError: an unknown name, or entries that do not fit each other.
        PluginError: an unknown plugin, or a parameter that it does not take.
    """
    for name, dataset in config["datasets"].items():
        _check_dataset(dataset, f"datasets.{name}")
    for name, problem in config["problems"].items():
        _check_problem(config, problem, f"problems.{name}")
    for name, network in config["networks"].items():
        for part, recipe in RECIPES.items():
            network[part] = checked(
                network[part], fields_of(*recipe).kinds, f"networks.{name}.{part}"
            )
        width = network["network"].get("width", 8)
        if network["network"].get("backbone", "compact") == "compact" and width % GROUPS:
            owner = f"networks.{name}.network.width"
            raise ConfigError(
                f"{owner}: {width} is no multiple of {GROUPS}; a compact one needs it"
            )
    for name, prior in config["priors"].items():
        _check_prior(config, prior, f"priors.{name}")
    for name in config["rows"]:
        _check_row(config, name)
    for problem in config["tuning"]["problems"]:
        _known(config, "problems", problem, "tuning.problems")
    if "generation" in config:
        _check_generation(config, config["generation"])
    if "exact" in config:
        check_exact(config["exact"])
    for table in config["tables"].values():
        _label_sweep(config, table.get("sweep", {}))
    for name, table in config["tables"].items():
        _check_table(config, table, f"tables.{name}")
        if name in (*config["problems"], *RULES.split()) or name.endswith("_cost"):
            raise ConfigError(f"tables.{name}: the name is taken; choose another")


def _known(config: dict[str, Any], kind: str, name: str, owner: str) -> None:
    if name not in config[kind]:
        raise ConfigError(f"{owner}: unknown {kind[:-1]} {name!r}{nearest(name, config[kind])}")


def _check_dataset(dataset: dict[str, Any], owner: str) -> None:
    known = find("dataset", dataset["source"]).params
    dataset["params"] = checked(dataset["params"], known, owner)
    if dataset["folds"] > 1:
        if "fold" not in known:
            raise ConfigError(f"{owner}: {dataset['source']} has one split only; remove `folds`")
        checked({"fold": dataset["folds"]}, known, f"{owner}.folds")
    if dataset["params"].get("window"):
        try:
            rising(dataset["params"]["window"])
        except ValueError as error:
            raise ConfigError(f"{owner}: {error}") from None


def _check_problem(config: dict[str, Any], problem: dict[str, Any], owner: str) -> None:
    known = find("problem", problem["family"]).params
    problem["params"] = checked(problem["params"], known, owner)
    problem.setdefault("trained_on", problem["dataset"])
    for key in ("dataset", "trained_on"):
        _known(config, "datasets", problem[key], owner)
    of, on = (config["datasets"][problem[k]] for k in ("dataset", "trained_on"))
    size, trained = of["size"], on["size"]
    if size != trained:
        raise ConfigError(
            f"{owner}: images of {problem['dataset']} are {size}, the networks' of "
            f"{problem['trained_on']} {trained}; give both one size, or remove the problem"
        )
    if "samples" in problem and problem["repeats"] > 1:
        raise ConfigError(f"{owner}: `samples` takes the place of `repeats`; remove one")
    family = find("problem", problem["family"])
    if problem["grid"] > 1 and not family.attributes.get("finer_grid"):
        raise ConfigError(f"{owner}: {family.name} measures no finer grid; remove `grid`")


def _check_prior(config: dict[str, Any], prior: dict[str, Any], owner: str) -> None:
    _known(config, "networks", prior["network"], owner)
    patch = config["networks"][prior["network"]]["training"].get("patch", 0)
    if bool(patch) != (prior["assembly"] != "whole"):
        kind = "patches" if patch else "whole images"
        raise ConfigError(f"{owner}: {prior['assembly']} cannot use a network of {kind}")


def _check_row(config: dict[str, Any], name: str) -> None:
    row, owner = config["rows"][name], f"rows.{name}"
    known = find("method", row["method"]).params
    row["params"] = checked(row["params"], known, owner)
    for problem, values in row["params_for"].items():
        _known(config, "problems", problem, f"{owner}.params_for")
        row["params_for"][problem] = checked(values, known, f"{owner}.{problem}")
    earlier: list[str] = []
    for parameter, axis in row["search"].items():
        checked({parameter: axis["start"]}, known, f"{owner}.search")
        if "of" in axis and axis["of"] not in earlier:
            hint = f"is not searched before it{nearest(axis['of'], row['search'])}"
            raise ConfigError(f"{owner}.search.{parameter}: {axis['of']!r} {hint}")
        earlier.append(parameter)
    for problem in row["at_edge"]:
        _known(config, "problems", problem, f"{owner}.at_edge")
    if prior_name(row):
        _known(config, "priors", prior_name(row), owner)
        _check_prior(config, prior_of(config, name), owner)
    elif "network" in row:
        raise ConfigError(f"{owner}: {row['method']} has no prior whose network it could use")
    if name in CONTROLS:
        raise ConfigError(f"{owner}: this is the name of a control; choose another")


def _check_generation(config: dict[str, Any], generation: dict[str, Any]) -> None:
    _known(config, "datasets", generation["dataset"], "generation")
    for prior in generation["priors"]:
        _known(config, "priors", prior, "generation")
    fields = fields_of("methods.sampling", "GenerationParams").kinds
    generation["sampler"] = checked(generation["sampler"], fields, "generation.sampler")


def _check_samples(config: dict[str, Any], table: dict[str, Any], owner: str) -> None:
    """Refuse a table whose problems have `samples` in part, or that shows more than samples."""
    known = [p for p in table["problems"] if "samples" in config["problems"][p]]
    if not known:
        return
    others = [p for p in table["problems"] if p not in known]
    if others:
        raise ConfigError(
            f"{owner}: {known[0]} has `samples` and {others[0]} has none; use two tables"
        )
    if not table["extra"]:
        raise ConfigError(f"{owner}: problems with `samples` need a table with `extra: true`")
    for key in ("controls", "sweep", "plot", "published"):
        if table.get(key):
            raise ConfigError(f"{owner}: a table of samples shows no {key}; remove `{key}`")
    table.setdefault("differences", [])


def _label_sweep(config: dict[str, Any], sweep: dict[str, Any]) -> None:
    for of, values in sweep.items():
        for row, parameter, value in points(of, values):
            _known(config, "rows", row, "sweep")
            label = f"{plain_label(config['rows'][of])}, {parameter} = {value}"
            config["rows"][row].setdefault("label", label)


def _check_table(config: dict[str, Any], table: dict[str, Any], owner: str) -> None:
    for problem in table["problems"]:
        _known(config, "problems", problem, owner)
    shown = [n for n, r in config["rows"].items() if not r["only_named"]]
    _check_samples(config, table, owner)
    table.setdefault("rows", [row for row in shown if row not in table["controls"]])
    for row in table["rows"]:
        _known(config, "rows", row, owner)
        if row in table["controls"]:
            raise ConfigError(f"{owner}: {row} is a row and a control; remove one")
    others = [row for row in table["rows"] if row != REFERENCE]
    compared = len(others) < len(table["rows"]) and not table["ablation"]
    table.setdefault("differences", [[row, REFERENCE] for row in others if compared])
    lines = table.get("plot", {}).get("series", {}).values()
    plotted = [row for line in lines for _, row in line]
    for row in [*table["published"], *chain(*table["differences"]), *plotted]:
        if row not in table["rows"]:
            raise ConfigError(
                f"{owner}: {row!r} is not among its rows{nearest(row, table['rows'])}"
            )
    possible = [*config["rows"], *CONTROLS]
    for control in table["controls"]:
        if control not in possible:
            hint = nearest(control, possible)
            raise ConfigError(f"{owner}: unknown control {control!r}{hint}")
