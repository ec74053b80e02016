"""Checks of a configuration whose entries are valid each for itself.

``check_names`` reads names only and imports no plugin, so that a dry run takes a second.
``check_params`` imports the plugins and checks their parameters, once per run.
"""

from functools import partial
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

from problems.files import is_file
from workflow.config.entry import rising
from workflow.config.exact import check_exact_names, check_exact_params
from workflow.config.foreign import check_code
from workflow.config.foreign import check_files as check_foreign_files
from workflow.config.views import CONTROLS, REFERENCE, prior_name, prior_of
from workflow.config.yaml import ConfigError
from workflow.plugins.contained import contained
from workflow.plugins.discovery import IMPORT_MINUTES, check_files, find, load
from workflow.plugins.params import PluginError, checked, kinds, make_params, nearest

RECIPES = {  # parts of a network's entry: where their fields are defined
    "network": ("methods.priors.networks", "NetworkParams"),
    "training": ("methods.priors.training", "TrainingParams"),
}
GROUPS = 8  # of channels, in a compact network
# Rules, targets, files and folders: no names of tables.
RULES = """
ablation_claims ablation_numbers ablations all claims controls exact exact_images exact_scores
generate generation main_table_page measure method_card metrics numbers oracle prepare reconstruct
report sample score sensitivity train training tune tune_row tuned
tuning
"""


def check_names(config: dict[str, Any]) -> None:
    """Check that all names are known and that entries fit each other; fill in defaults in place.

    Raises:
        ConfigError: an unknown name, or entries that do not fit each other.
        PluginError: an unknown plugin.
    """
    for dataset in config["datasets"].values():
        find("dataset", dataset["source"])
    for name, problem in config["problems"].items():
        _check_problem(config, problem, f"problems.{name}")
    for name, network in config["networks"].items():
        for dataset in network["at"]:
            _known(config, "datasets", dataset, f"networks.{name}.at")
        if "foreign" in network:
            _check_foreign(network, f"networks.{name}")
    for name, prior in config["priors"].items():
        _check_prior(config, prior, f"priors.{name}")
    for name in config["rows"]:
        _check_row(config, name)
    for problem in config["tuning"]["problems"]:
        _known(config, "problems", problem, "tuning.problems")
    if "generation" in config:
        _known(config, "datasets", config["generation"]["dataset"], "generation")
        for prior in config["generation"]["priors"]:
            _known(config, "priors", prior, "generation")
            if "foreign" in config["networks"][config["priors"][prior]["network"]]:
                raise ConfigError(
                    f"generation: {prior} has a network that was not trained here; remove it"
                )
    if "exact" in config:
        check_exact_names(config["exact"])
    for name, table in config["tables"].items():
        _check_table(config, table, f"tables.{name}")
        if name in (*config["problems"], *RULES.split()) or name.endswith("_cost"):
            raise ConfigError(f"tables.{name}: the name is taken; choose another")


def check_params(config: dict[str, Any]) -> None:
    """Check the parameters of all plugins and networks; convert numbers that are text in place.

    Raises:
        ConfigError: parameters that do not fit each other.
        PluginError: a file defines no plugin, or a parameter that a plugin does not take.
    """
    methods = {row["method"] for row in config["rows"].values()}
    check_files(methods)
    for name, dataset in config["datasets"].items():
        _check_dataset_params(dataset, f"datasets.{name}")
    asked = {problem for table in config["tables"].values() for problem in table["problems"]}
    for name, problem in config["problems"].items():
        family, owner = load("problem", problem["family"]), f"problems.{name}"
        problem["params"] = checked(problem["params"], kinds(family.Params), owner)
        if name not in asked:  # such as one that is from a problem with other noise
            continue
        size = tuple(config["datasets"][problem["dataset"]]["size"])
        try:
            family.check(make_params(family.Params, problem["params"], owner), size)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{owner}: {error}") from None
        if problem["grid"] > 1 and not family.finer_grid:
            raise ConfigError(f"{owner}: {problem['family']} measures no finer grid; remove `grid`")
    for name, network in config["networks"].items():
        _check_network_params(network, f"networks.{name}")
        if "foreign" in network:
            check_code(network["foreign"], f"networks.{name}")
    for method in sorted(methods):  # what misbehaves when it is imported fails in its job, too
        rows = {n: row for n, row in config["rows"].items() if row["method"] == method}
        found, _ = contained(partial(_checked_rows, rows), IMPORT_MINUTES)
        if isinstance(found, str):
            raise PluginError(found)
        config["rows"].update(found or {})
    if "generation" in config:
        known = kinds(import_module("methods.sampling").GenerationParams)
        chosen = config["generation"]
        chosen["sampler"] = checked(chosen["sampler"], known, "generation.sampler")
    if "exact" in config:
        check_exact_params(config["exact"])


def fields_of(part: str) -> type:
    """The class of the fields of a part of a network's entry."""
    module, name = RECIPES[part]
    return getattr(import_module(module), name)


def check_asked(config: dict[str, Any], row: str, problem: str) -> None:
    """Raise ConfigError where there is no such row or problem."""
    for kind, name in (("rows", row), ("problems", problem)):
        if name not in config[kind]:
            raise ConfigError(f"unknown {kind[:-1]} {name!r}{nearest(name, config[kind])}")


def _known(config: dict[str, Any], kind: str, name: str, owner: str) -> None:
    if name not in config[kind]:
        raise ConfigError(f"{owner}: unknown {kind[:-1]} {name!r}{nearest(name, config[kind])}")


def _check_dataset_params(dataset: dict[str, Any], owner: str) -> None:
    known = kinds(load("dataset", dataset["source"]).Params)
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


def _check_network_params(network: dict[str, Any], owner: str) -> None:
    for part in RECIPES:
        network[part] = checked(network[part], kinds(fields_of(part)), f"{owner}.{part}")
        for dataset, here in network["at"].items():
            known, place = kinds(fields_of(part)), f"{owner}.at.{dataset}.{part}"
            here[part] = checked(here.get(part, {}), known, place)
    width = network["network"].get("width", GROUPS)
    if network["network"].get("backbone", "compact") == "compact" and width % GROUPS:
        place = f"{owner}.network.width"
        raise ConfigError(f"{place}: a compact network needs a multiple of {GROUPS}, not {width}")


def _checked_rows(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]] | str:
    """Rows of one method with their parameters checked, or what is wrong with one."""
    try:
        for name, row in rows.items():
            _check_row_params(row, f"rows.{name}")
    except PluginError as error:
        return str(error)
    return rows


def _check_row_params(row: dict[str, Any], owner: str) -> None:
    try:
        known = kinds(load("method", row["method"]).Params)
    except PluginError:  # its job fails and says why; the run goes on
        return
    row["params"] = checked(row["params"], known, owner)
    for problem, values in row["params_for"].items():
        row["params_for"][problem] = checked(values, known, f"{owner}.{problem}")
    for parameter, axis in row["search"].items():
        low, high, *of = axis
        for value in (1, 1) if of else (low, high):  # multiples of another parameter
            checked({parameter: value}, known, f"{owner}.search")


def _check_problem(config: dict[str, Any], problem: dict[str, Any], owner: str) -> None:
    find("problem", problem["family"])
    for name, value in problem["params"].items():
        if is_file(value) and not Path(value).is_file():
            raise ConfigError(f"{owner}.params.{name}: there is no file {value}")
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


def _check_prior(config: dict[str, Any], prior: dict[str, Any], owner: str) -> None:
    _known(config, "networks", prior["network"], owner)
    network = config["networks"][prior["network"]]
    patch = network.get("foreign", network["training"]).get("patch", 0)
    if bool(patch) != (prior["assembly"] != "whole"):
        kind = "patches" if patch else "whole images"
        remedy = " (`foreign.patch` makes it one)" if "foreign" in network and not patch else ""
        raise ConfigError(f"{owner}: {prior['assembly']} cannot use a network of {kind}{remedy}")


def _check_foreign(network: dict[str, Any], owner: str) -> None:
    given = [key for key in ("network", "training", "at", "images") if network[key]]
    if given:
        raise ConfigError(
            f"{owner}: a foreign network is not trained here; remove `{given[0]}`, or choose a "
            "name that the preset does not have"
        )
    check_foreign_files(network["foreign"], owner)


def _check_row(config: dict[str, Any], name: str) -> None:
    row, owner = config["rows"][name], f"rows.{name}"
    find("method", row["method"])
    for problem in row["params_for"]:
        _known(config, "problems", problem, f"{owner}.params_for")
    earlier: list[str] = []
    for parameter, axis in row["search"].items():
        numbers = [v for v in axis[:2] if isinstance(v, (int, float)) and v > 0]
        if len(axis) not in (2, 3) or len(numbers) < 2 or axis[0] >= axis[1]:
            raise ConfigError(
                f"{owner}.search.{parameter}: write [least, largest] value, both above 0, and a "
                f"parameter that it is a multiple of, if any; not {axis}"
            )
        for of in axis[2:]:
            if of not in earlier:
                hint = f"is not searched before it{nearest(of, row['search'])}"
                raise ConfigError(f"{owner}.search.{parameter}: {of!r} {hint}")
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
        raise ConfigError(f"{owner}: problems have `samples`: list the table under `more`")
    for key in ("controls", "sweep", "plot", "published"):
        if table.get(key):
            raise ConfigError(f"{owner}: a table of samples shows no {key}; remove `{key}`")
    table.setdefault("differences", [])


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
