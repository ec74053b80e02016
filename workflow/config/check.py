"""Checks of a configuration whose entries are valid each for itself.

``check_names`` reads names only and imports no plugin, so that a dry run takes a second.
``check_params`` imports the plugins and checks their parameters, once per run.
"""

import math
import re
from collections.abc import Iterable
from functools import partial
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

from problems.files import is_file
from workflow.config.entry import ConfigError, rising
from workflow.config.schema import FITS
from workflow.config.views import CONTROLS, REFERENCE, networks_shown, prior_of, recipe
from workflow.plugins.contained import contained
from workflow.plugins.discovery import (
    IMPORT_MINUTES,
    ROOT,
    check_files,
    find,
    imported,
    load,
)
from workflow.plugins.params import PluginError, checked, defaults, kinds, make_params, nearest

RECIPES = {  # parts of a network's entry: where their fields are defined
    "network": ("methods.priors.networks", "NetworkParams"),
    "training": ("methods.priors.training", "TrainingParams"),
}
GROUPS = 8  # of channels, in a compact network
PICKLES = (".pkl", ".pickle")
TILES = ("average", "stitch")  # assemblies whose tiles overlap
LARGEST = {"noise_level": 1e6, "photons": 1e12}  # of what single precision makes no NaN
FOLDERS = ("cache", "networks", "published", "reference", "site")  # of results/: no names of runs
Entry = dict[str, Any]


def rules() -> set[str]:
    """Names of rules, and of other files where tables are: no names of tables."""
    files = (ROOT / "workflow/rules").glob("*.smk")
    named = re.findall(r"^ *rule (\w+):", "".join(map(Path.read_text, files)), re.MULTILINE)
    return {*named, "all", "ablation_claims", "ablation_numbers", "numbers", "oracle", "tuning"}


def check_names(config: Entry) -> None:
    """Check that all names are known and that entries fit each other; fill in defaults in place.

    Raises:
        ConfigError: an unknown name, or entries that do not fit each other.
        PluginError: an unknown plugin.
    """
    if config["name"] in FOLDERS:
        raise ConfigError(f"name: results/{config['name']} is there for all runs; choose another")
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
        _check_exact(config["exact"])
    taken = {*config["problems"], *rules()}
    for name, table in config["tables"].items():
        _check_table(config, table, f"tables.{name}")
        if name in taken or name.endswith("_cost"):
            raise ConfigError(f"tables.{name}: the name is taken; choose another")


def check_params(config: Entry) -> None:
    """Check the parameters of all plugins and networks; convert numbers that are text in place.

    Raises:
        ConfigError: parameters that do not fit each other.
        PluginError: a file defines no plugin, or a parameter that a plugin does not take.
    """
    methods = dict.fromkeys(row["method"] for row in config["rows"].values())
    check_files(set(methods))
    for name, dataset in config["datasets"].items():
        _check_dataset_params(dataset, f"datasets.{name}")
    asked = {problem for table in config["tables"].values() for problem in table["problems"]}
    for name, problem in config["problems"].items():
        family = _check_plugin("problem", "family", problem, f"problems.{name}")
        if name in asked:  # another one may be what a problem with other noise is from
            size = tuple(config["datasets"][problem["dataset"]]["size"])
            _check_problem_params(family, problem, size, f"problems.{name}")
    for name, network in config["networks"].items():
        _check_network_params(network, f"networks.{name}")
    trained = [name.split("/") for name in networks_shown(config, list(config["tables"]))]
    for dataset, network in dict.fromkeys((name[0], name[-1]) for name in trained):
        _check_recipe(config, network, dataset)
    _check_rows(config["rows"], methods)
    for name, table in config["tables"].items():
        _check_published(table["published"], f"tables.{name}.published")
    if "generation" in config:
        known = kinds(import_module("methods.sampling").GenerationParams)
        chosen = config["generation"]
        chosen["sampler"] = checked(chosen["sampler"], known, "generation.sampler")
    if "exact" in config:
        _check_exact_params(config["exact"])


def check_labels(entries: dict[str, Entry], owner: str) -> None:
    """Raise ConfigError where two entries have one label."""
    labels: dict[str, str] = {}
    for name, entry in entries.items():
        label = entry.get("label")
        if label and labels.setdefault(label, name) != name:
            other = f"{labels[label]} has the label {label!r} too"
            raise ConfigError(f"{owner}.{name}: {other}; choose another")


def fields_of(part: str) -> type:
    """The class of the fields of a part of a network's entry."""
    module, name = RECIPES[part]
    return getattr(import_module(module), name)


def check_asked(config: Entry, row: str, problem: str) -> None:
    """Raise ConfigError where there is no such row or problem."""
    for kind, name in (("rows", row), ("problems", problem)):
        _known(config, kind, name)


def _known(config: Entry, kind: str, name: str, owner: str = "") -> None:
    if name not in config[kind]:
        place = f"{owner}: " if owner else ""
        raise ConfigError(f"{place}unknown {kind[:-1]} {name!r}{nearest(name, config[kind])}")


# ---- names ------------------------------------------------------------------------------------


def _check_problem(config: Entry, problem: Entry, owner: str) -> None:
    find("problem", problem["family"])
    for name, value in problem["params"].items():
        if is_file(value) and not Path(value).is_file():
            raise ConfigError(f"{owner}.params.{name}: there is no file {value}")
    problem.setdefault("trained_on", problem["dataset"])
    for key in ("dataset", "trained_on"):
        _known(config, "datasets", problem[key], owner)
    size, trained = (config["datasets"][problem[k]]["size"] for k in ("dataset", "trained_on"))
    if size != trained:
        raise ConfigError(
            f"{owner}: images of {problem['dataset']} are {size}, the networks' of "
            f"{problem['trained_on']} {trained}; give both one size, or remove the problem"
        )
    if "samples" in problem and problem["repeats"] > 1:
        raise ConfigError(f"{owner}: `samples` takes the place of `repeats`; remove one")


def _check_prior(config: Entry, prior: Entry, owner: str) -> None:
    _known(config, "networks", prior["network"], owner)
    network = config["networks"][prior["network"]]
    patch = network.get("foreign", network["training"]).get("patch", 0)
    if bool(patch) != (prior["assembly"] != "whole"):
        kind = "patches" if patch else "whole images"
        remedy = " (`foreign.patch` makes it one)" if "foreign" in network and not patch else ""
        raise ConfigError(f"{owner}: {prior['assembly']} cannot use a network of {kind}{remedy}")
    if prior["assembly"] in TILES and not 0 <= prior["overlap"] < patch:
        raise ConfigError(
            f"{owner}: overlap {prior['overlap']} must be below the patch size {patch}"
        )


def _check_foreign(network: Entry, owner: str) -> None:
    """Check that the files of a network that was not trained here are there and can be read."""
    if given := [key for key in ("network", "training", "at", "images") if network[key]]:
        raise ConfigError(
            f"{owner}: a foreign network is not trained here; remove `{given[0]}`, or choose a "
            "name that the preset does not have"
        )
    file, weights = network["foreign"]["file"], network["foreign"]["weights"]
    for name in (file, weights):
        if name and Path(name).suffix in PICKLES:
            raise ConfigError(
                f"{owner}: {name} is a pickle, and reading it runs code that is in it: convert it "
                "to safetensors with the code of its authors, and load that in a Python file"
            )
        if name and not Path(name).expanduser().exists():
            raise ConfigError(f"{owner}: there is no file or folder {name}")
    place = Path(file).expanduser()
    if place.is_dir():
        if not any((place / name).exists() for name in ("config.json", "unet/config.json")):
            raise ConfigError(f"{owner}: {place} has no config.json, as diffusers writes it")
        if weights:
            raise ConfigError(f"{owner}: {place} has its weights in it; remove `weights`")
    elif place.suffix != ".py":
        raise ConfigError(
            f"{owner}: {place} is no Python file: write one whose function `denoiser` loads it, "
            "and name the other as `weights`"
        )


def _check_row(config: Entry, name: str) -> None:
    row, owner = config["rows"][name], f"rows.{name}"
    find("method", row["method"])
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
    if "prior" in row:
        _known(config, "priors", row["prior"], owner)
        _check_prior(config, prior_of(config, name), owner)
    elif "network" in row:
        raise ConfigError(f"{owner}: {row['method']} has no prior whose network it could use")
    if name in CONTROLS:
        raise ConfigError(f"{owner}: this is the name of a control; choose another")


def _check_table(config: Entry, table: Entry, owner: str) -> None:
    for kind in ("problems", "rows"):
        for name in table[kind]:
            _known(config, kind, name, owner)
            if table[kind].count(name) > 1:
                raise ConfigError(f"{owner}.{kind}: {name} is there twice; keep one")
    check_labels({p: config["problems"][p] for p in table["problems"]}, f"{owner}.problems")
    _check_samples(config, table, owner)
    for control in table["controls"]:
        if control not in (possible := [*config["rows"], *CONTROLS]):
            hint = nearest(control, possible)
            raise ConfigError(f"{owner}: unknown control {control!r}{hint}")
        if control in table["rows"]:
            raise ConfigError(f"{owner}: {control} is a row and a control; remove one")
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


def _check_samples(config: Entry, table: Entry, owner: str) -> None:
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


def _check_exact(exact: Entry) -> None:
    find("dataset", exact["images"]["source"])
    for name, prior in exact["priors"].items():
        owner = f"exact.priors.{name}"
        prior["params"] = checked(prior["params"], FITS[prior["kind"]], owner)
        cells, size = prior["params"].get("cells", 1), exact["images"]["size"]
        if any(side % cells for side in size):
            raise ConfigError(f"{owner}: {cells} cells do not divide images of {size}")
    for problem in exact["problems"].values():
        find("problem", problem["family"])
    for name, row in exact["rows"].items():
        find("method", row["method"])
        for sigma in row["matched"].values():
            if sigma not in row["params"]:
                raise ConfigError(f"exact.rows.{name}.matched: give {sigma} among its params")


# ---- parameters -------------------------------------------------------------------------------


def _check_plugin(kind: str, key: str, entry: Entry, owner: str) -> type:
    """The class of a plugin that takes the parameters of an entry."""
    plugin = load(kind, entry[key])
    entry["params"] = checked(entry["params"], kinds(plugin.Params), owner)
    return plugin


def _check_dataset_params(dataset: Entry, owner: str) -> None:
    plugin = _check_plugin("dataset", "source", dataset, owner)
    known = kinds(plugin.Params)
    if dataset["folds"] > 1:
        if "fold" not in known:
            raise ConfigError(f"{owner}: {dataset['source']} has one split only; remove `folds`")
        checked({"fold": dataset["folds"]}, known, f"{owner}.folds")
    window = dataset["params"].get("window")
    if window:
        try:
            rising(window)
        except ValueError as error:
            raise ConfigError(f"{owner}: {error}") from None
    if hu := dataset.get("hu"):
        if dataset["params"].get("color"):
            raise ConfigError(f"{owner}: hu is for grey images; remove it or `color`")
        window = window or defaults(plugin.Params).get("window")
        if window and list(window) != list(hu):
            raise ConfigError(f"{owner}: hu must be the window of its images, {list(window)}")


def _check_problem_params(family: Any, problem: Entry, size: tuple[int, int], owner: str) -> None:
    for name, most in LARGEST.items():
        if (problem["params"].get(name) or 0) > most:
            raise ConfigError(f"{owner}: {name} must be at most {most:g}")
    try:
        family.check(make_params(family.Params, problem["params"], owner), size)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{owner}: {error}") from None
    if problem["grid"] > 1 and not family.finer_grid:
        raise ConfigError(f"{owner}: {problem['family']} measures no finer grid; remove `grid`")


def _check_network_params(network: Entry, owner: str) -> None:
    for part in RECIPES:
        known = kinds(fields_of(part))
        network[part] = checked(network[part], known, f"{owner}.{part}")
        for dataset, here in network["at"].items():
            here[part] = checked(here[part], known, f"{owner}.at.{dataset}.{part}")
    width = network["network"].get("width", GROUPS)
    if network["network"].get("backbone", "compact") == "compact" and width % GROUPS:
        place = f"{owner}.network.width"
        raise ConfigError(f"{place}: a compact network needs a multiple of {GROUPS}, not {width}")
    place = Path(network.get("foreign", {}).get("file", ""))
    if place.suffix == ".py" and not callable(getattr(imported(place), "denoiser", None)):
        raise PluginError(f"{owner}: {place.name} defines no function `denoiser`")


def _check_recipe(config: Entry, name: str, dataset: str) -> None:
    """Set up the training of a network on an empty image: what does not fit is refused."""
    made, size = recipe(config, name, dataset), config["datasets"][dataset]["size"]
    structure, training = (make_params(fields_of(part), made[part], name) for part in RECIPES)
    networks, trainings = (import_module(module) for module, _ in RECIPES.values())
    try:
        if not structure.multipliers:
            raise ValueError("multipliers: needs at least one")
        if training.sizes and abs(sum(training.probabilities) - 1) > 1e-6:
            raise ValueError(f"probabilities {training.probabilities} do not add up to 1")
        if training.sigma_min > training.sigma_max:
            raise ValueError("sigma_min is above sigma_max; exchange them")
        if structure.backbone not in networks.BACKBONES:
            raise ValueError(f"backbone must be one of {', '.join(networks.BACKBONES)}")
        small = structure._replace(backbone="compact", width=GROUPS, blocks=1)
        network = networks.build_network(1, small)
        trainings.Trainer(network, import_module("torch").zeros(1, 1, *size), training, 0)
    except ValueError as error:
        raise ConfigError(f"networks.{name}, on {dataset}: {error}") from None


def _check_published(published: dict[str, str], owner: str) -> None:
    from workflow.score.published import load as load_numbers  # pandas, as for labels

    numbers = load_numbers()
    known = set(numbers["problem"] + "/" + numbers["method"] + "/" + numbers["variant"])
    for row, number in published.items():
        if number not in known:
            raise ConfigError(f"{owner}.{row}: unknown number {number!r}{nearest(number, known)}")


def _check_rows(rows: dict[str, Entry], methods: Iterable[str]) -> None:
    """Check all rows in a process of their own; if a file misbehaves there, those of each method.

    Those of a method that misbehaves when it is imported are left as they are: its job fails.
    """
    of_each = [{n: row for n, row in rows.items() if row["method"] == m} for m in methods]
    for chosen in (rows, *of_each):
        found, _ = contained(partial(_checked_rows, chosen), IMPORT_MINUTES)
        if isinstance(found, Exception):
            raise found
        rows.update(found or {})
        if len(found or ()) == len(rows):
            return


def _checked_rows(rows: dict[str, Entry]) -> dict[str, Entry] | Exception:
    """Rows with their parameters checked, or what is wrong with one."""
    try:
        for name, row in rows.items():
            _check_row_params(row, f"rows.{name}")
    except (ConfigError, PluginError) as error:
        return error
    return rows


def _check_row_params(row: Entry, owner: str) -> None:
    try:
        method = load("method", row["method"])
        known = kinds(method.Params)
    except PluginError:  # its job fails and says why; the run goes on
        return
    row["params"] = checked(row["params"], known, owner)
    for problem, values in row["params_for"].items():
        row["params_for"][problem] = checked(values, known, f"{owner}.{problem}")
    for values in ({}, *row["params_for"].values()):
        values = {**defaults(method.Params), **row["params"], **values}
        if values.get("sigma_min", 0) > values.get("sigma_max", math.inf):
            raise ConfigError(f"{owner}: sigma_min is above sigma_max; exchange them")
    for parameter, (low, high, *of) in row["search"].items():
        for value in (1, 1) if of else (low, high):  # multiples of another parameter
            checked({parameter: value}, known, f"{owner}.search")


def _check_exact_params(exact: Entry) -> None:
    source = _check_plugin("dataset", "source", exact["images"], "exact.images")
    if source.downloads:
        raise ConfigError(
            f"exact.images: {exact['images']['source']} needs downloads; use source: phantom"
        )
    for name, problem in exact["problems"].items():
        _check_plugin("problem", "family", problem, f"exact.problems.{name}")
    for name, row in exact["rows"].items():
        method = _check_plugin("method", "method", row, f"exact.rows.{name}")
        used = [*row["budget"], *row["matched"], *row["matched"].values()]
        checked(dict.fromkeys(used, 1), kinds(method.Params), f"exact.rows.{name}")
