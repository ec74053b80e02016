"""Configuration: presets, validation with one-line errors, and what the jobs need of it."""

import copy
import json
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from workflow.config.layers import ConfigError, give_way, inherit, merge
from workflow.config.sweeps import expand, points
from workflow.plugins.discovery import fields_of, find, use
from workflow.plugins.params import PluginError, checked, nearest

PRESETS = Path(__file__).parents[1] / "presets"
ASSEMBLIES = {  # how a prior makes an image of its network: the module that does it
    "whole": "methods.priors.whole",
    "random_grid": "methods.priors.patch",
    "fixed_grid": "methods.priors.patch",
    "average": "methods.priors.overlap",
    "stitch": "methods.priors.overlap",
}
RECIPES = {  # parts of a network's entry: where their fields are defined
    "network": ("methods.priors.networks", "NetworkParams"),
    "training": ("methods.priors.training", "TrainingParams"),
}
CONTROLS = {  # reconstructions that workflow.run.controls makes of the truth: name to label
    "mean_image": "Control: mean training image",
    "oracle": "Control: measured part of the truth",
}
VALIDATION = {  # of networks during training: how often, on how many images, at which noise levels
    "points": 10,
    "images": 8,
    "sigmas": [0.05, 0.2, 1.0],
}
NOT_IN_PAPER = "†"  # behind the label of a row
REFERENCE = "padis"  # with which tables compare the other rows, if they do not say what
# Rules, targets, files and folders: no names of tables.
RULES = """
all ablations claims collect_scores controls generate generation measure metrics numbers oracle plot
prepare reconstruct reconstruction_figure report run_card score sensitivity table train training
training_figure training_table tune tune_row tuned tuning
"""


def resolve(overrides: dict[str, Any]) -> dict[str, Any]:
    """Return the full configuration for ``overrides``, which may name a ``preset``.

    The preset (default "quick") is laid over ``common.yaml``, over these the values that were tuned
    for the preset (``tuned/``), and the overrides over all; a null removes an entry. Parameters
    that the overrides give to a row hold on every problem. The result is validated and has every
    default filled in.

    Raises:
        ConfigError: unknown preset, key, plugin or name; the message says which and what is known.
    """
    overrides = copy.deepcopy(overrides)
    preset = overrides.pop("preset", "quick")
    known = [p.stem for p in PRESETS.glob("*.yaml") if p.stem not in ("schema", "common")]
    if preset not in known:
        raise ConfigError(f"unknown preset {preset!r}{nearest(preset, known)}")
    config: dict[str, Any] = {"name": preset}
    tuned = _read(f"tuned/{preset}")
    for layer in (_read("common"), _read(preset), tuned):
        config = merge(config, layer)
    give_way(config, overrides)
    config = merge(config, overrides)
    expand(config)
    rows = config["rows"] if isinstance(config["rows"], dict) else {}
    for name in set(tuned.get("rows", {})) & set(rows):
        if isinstance(rows[name], dict) and not {"method", "like"} & set(rows[name]):
            del rows[name]  # what was tuned for a row of a sweep that is not made
    inherit(config)
    _validate(config)
    try:
        use(config["plugins"])
        _check_names(config)
    except PluginError as error:
        raise ConfigError(str(error)) from None
    return config


def load(path: Path) -> dict[str, Any]:
    """Read a configuration that ``resolve`` made (results/<name>/config.json)."""
    from workflow.store.arrays import load_record

    config = load_record(path)
    use(config.get("plugins", []))
    return config


def _read(name: str) -> dict[str, Any]:
    path = PRESETS / f"{name}.yaml"
    return (yaml.safe_load(path.read_text()) if path.exists() else None) or {}


def _validate(config: dict[str, Any]) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    schema = _read("schema")
    _fill_defaults(config, schema, schema)
    errors = sorted(extend(Draft202012Validator)(schema).iter_errors(config), key=str)
    if not errors:
        return
    error = errors[0]
    where = ".".join(map(str, error.absolute_path)) or "top level"
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        key = next(k for k in error.instance if k not in known)
        raise ConfigError(f"config, {where}: unknown key {key!r}{nearest(key, known)}")
    raise ConfigError(f"config, {where}: {error.message}")


def _fill_defaults(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> None:
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if not isinstance(value, dict):
        return
    for key, inner in schema.get("properties", {}).items():
        target = root["$defs"][inner["$ref"].rsplit("/", 1)[1]] if "$ref" in inner else inner
        if key not in value and "default" in target:
            value[key] = copy.deepcopy(target["default"])
        if key in value:
            _fill_defaults(value[key], inner, root)
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        for key, inner_value in value.items():
            if key not in schema.get("properties", {}):
                _fill_defaults(inner_value, extra, root)


def _check_names(config: dict[str, Any]) -> None:
    def known(kind: str, name: str, owner: str) -> None:
        if name not in config[kind]:
            raise ConfigError(f"{owner}: unknown {kind[:-1]} {name!r}{nearest(name, config[kind])}")

    for name, dataset in config["datasets"].items():
        annotations = find("dataset", dataset["source"]).params
        dataset["params"] = checked(dataset["params"], annotations, f"datasets.{name}")
    for name, problem in config["problems"].items():
        annotations = find("problem", problem["family"]).params
        problem["params"] = checked(problem["params"], annotations, f"problems.{name}")
        known("datasets", problem["dataset"], f"problems.{name}")
        known("datasets", problem.setdefault("trained_on", problem["dataset"]), f"problems.{name}")
        size, trained = (config["datasets"][problem[k]]["size"] for k in ("dataset", "trained_on"))
        if size != trained:
            raise ConfigError(
                f"problems.{name}: images of {problem['dataset']} are {size}, the networks' of "
                f"{problem['trained_on']} {trained}; give both one size, or remove the problem"
            )
    for name, network in config["networks"].items():
        for part, (module, cls) in RECIPES.items():
            owner = f"networks.{name}.{part}"
            network[part] = checked(network[part], fields_of(module, cls), owner)

    def check_prior(prior: dict[str, Any], owner: str) -> None:
        known("networks", prior["network"], owner)
        patch = config["networks"][prior["network"]]["training"].get("patch", 0)
        if bool(patch) != (prior["assembly"] != "whole"):
            kind = "patches" if patch else "whole images"
            raise ConfigError(f"{owner}: {prior['assembly']} cannot use a network of {kind}")

    for name, prior in config["priors"].items():
        check_prior(prior, f"priors.{name}")
    for name, row in config["rows"].items():
        annotations = find("method", row["method"]).params
        row["params"] = checked(row["params"], annotations, f"rows.{name}")
        for problem, values in row["params_for"].items():
            known("problems", problem, f"rows.{name}.params_for")
            row["params_for"][problem] = checked(values, annotations, f"rows.{name}.{problem}")
        for parameter, axis in row["search"].items():
            checked({parameter: axis["start"]}, annotations, f"rows.{name}.search")
            earlier = list(row["search"])[: list(row["search"]).index(parameter)]
            if "of" in axis and axis["of"] not in earlier:
                hint = f"is not searched before it{nearest(axis['of'], row['search'])}"
                raise ConfigError(f"rows.{name}.search.{parameter}: {axis['of']!r} {hint}")
        for problem in row["at_edge"]:
            known("problems", problem, f"rows.{name}.at_edge")
        if _prior_name(row):
            known("priors", _prior_name(row), f"rows.{name}")
            check_prior(prior_of(config, name), f"rows.{name}")
        elif "network" in row:
            raise ConfigError(
                f"rows.{name}: {row['method']} has no prior whose network it could use"
            )
        if name in CONTROLS:
            raise ConfigError(f"rows.{name}: this is the name of a control; choose another")
    for problem in config["tuning"]["problems"]:
        known("problems", problem, "tuning.problems")
    if "generation" in config:
        generation = config["generation"]
        known("datasets", generation["dataset"], "generation")
        for prior in generation["priors"]:
            known("priors", prior, "generation")
        fields = fields_of("methods.sampling", "GenerationParams")
        generation["sampler"] = checked(generation["sampler"], fields, "generation.sampler")
    for table in config["tables"].values():
        for of, values in table.get("sweep", {}).items():
            for row, parameter, value in points(of, values):
                label = f"{plain_label(config['rows'][of])}, {parameter} = {value}"
                config["rows"][row].setdefault("label", label)
    shown = {n: r for n, r in config["rows"].items() if not r["only_named"]}
    for name, table in config["tables"].items():
        for problem in table["problems"]:
            known("problems", problem, f"tables.{name}")
        default = [row for row in shown if row not in table["controls"]]
        for row in table.setdefault("rows", default):
            known("rows", row, f"tables.{name}")
        others = [row for row in table["rows"] if row != REFERENCE]
        compared = len(others) < len(table["rows"]) and not table["ablation"]
        table.setdefault("differences", [[row, REFERENCE] for row in others if compared])
        if name in (*config["problems"], *RULES.split()) or name.endswith("_cost"):
            raise ConfigError(f"tables.{name}: the name is taken; choose another")
        plotted = [
            r for points in table.get("plot", {}).get("series", {}).values() for _, r in points
        ]
        for row in [*table["published"], *chain(*table["differences"]), *plotted]:
            if row not in table["rows"]:
                hint = nearest(row, table["rows"])
                raise ConfigError(f"tables.{name}: {row!r} is not among its rows{hint}")
        for row in set(table["rows"]) & set(table["controls"]):
            raise ConfigError(f"tables.{name}: {row} is a row and a control; remove one")
        possible = [*config["rows"], *CONTROLS]
        for control in table["controls"]:
            if control not in possible:
                hint = nearest(control, possible)
                raise ConfigError(f"tables.{name}: unknown control {control!r}{hint}")


def _prior_name(row: dict[str, Any]) -> str | None:
    return row.get("prior", find("method", row["method"]).attributes.get("prior"))


def prior_of(config: dict[str, Any], row: str) -> dict[str, Any] | None:
    """Network, assembly and overlap of the prior that a row uses, or None."""
    name = _prior_name(config["rows"][row])
    if name is None:
        return None
    prior = config["priors"][name]
    return {**prior, "network": config["rows"][row].get("network", prior["network"])}


def plain_label(row: dict[str, Any]) -> str:
    """Name of a row, or else of its method."""
    return row.get("label", find("method", row["method"]).attributes["label"])


def label_of(row: dict[str, Any]) -> str:
    """Name of a row in tables, marked if the paper has no such row."""
    marks = "" if row.get("in_paper", True) else f" {NOT_IN_PAPER}"
    return plain_label(row) + marks


def labels_of(config: dict[str, Any], names: list[str]) -> dict[str, str]:
    """Names of rows and controls in tables."""
    return {n: CONTROLS[n] if n in CONTROLS else label_of(config["rows"][n]) for n in names}


def params_of(row: dict[str, Any], problem: str) -> dict[str, Any]:
    """Parameters of a row on one problem."""
    return {**row["params"], **row["params_for"].get(problem, {})}


def trials_of(config: dict[str, Any], row: str) -> int:
    """Number of trials of a row's search on one problem."""
    return config["rows"][row].get("trials", config["tuning"]["trials"])


def searches(config: dict[str, Any]) -> list[tuple[str, str]]:
    """(problem, row) of every search that ``snakemake tune`` runs."""
    return [
        (problem, row)
        for problem in config["tuning"]["problems"]
        for row in dict.fromkeys(
            row for t in config["tables"].values() if problem in t["problems"] for row in t["rows"]
        )
        if config["rows"][row]["search"]
    ]


def searched(config: dict[str, Any]) -> list[str]:
    """Parameters that the searches vary."""
    names = [name for _, row in searches(config) for name in config["rows"][row]["search"]]
    return list(dict.fromkeys(names))


def rows_of(config: dict[str, Any], table: str) -> list[str]:
    """Names of the rows, and after them the controls, of a table."""
    return [*config["tables"][table]["rows"], *config["tables"][table]["controls"]]


def network_for(config: dict[str, Any], problem: str, row: str) -> tuple[str, str] | None:
    """(dataset, network) whose weights a row or control needs on ``problem``, or None."""
    prior = None if row in CONTROLS else prior_of(config, row)
    return prior and (config["problems"][problem]["trained_on"], prior["network"])


def images_of(config: dict[str, Any], dataset: str, split: str) -> dict[str, Any]:
    """What decides the images of a split, the state of a folder of images included."""
    settings = config["datasets"][dataset]
    chosen = {k: settings[k] for k in ("source", "size", "params", split)}
    path = Path(str(settings["params"].get("path", "")))
    if settings["params"].get("path") and path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file())
        chosen["files"] = sha256(
            digest([[str(p), p.stat().st_size, p.stat().st_mtime_ns] for p in files]).encode()
        ).hexdigest()
    return chosen


def operator_of(config: dict[str, Any], problem: str) -> dict[str, Any]:
    """What decides the measurements of a problem."""
    return {k: config["problems"][problem][k] for k in ("family", "dataset", "params")}


def is_dry(arguments: list[str]) -> bool:
    """Whether Snakemake was asked to look only: -n, -np, --dry-run, --lint, --summary, ..."""
    long = (
        "dry-run dryrun lint dag rulegraph filegraph d3dag summary detailed-summary report unlock"
    )
    looks = {f"--{name}" for name in [*long.split(), "list-rules", "list-target-rules", "touch"]}
    return any(a.split("=")[0] in looks or (a[:1] == "-" != a[1:2] and "n" in a) for a in arguments)


def digest(value: Any) -> str:
    """A short text that changes when a part of the configuration does."""
    return json.dumps(value, sort_keys=True)
