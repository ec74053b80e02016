"""Configuration: presets, validation with one-line errors, and what the jobs need of it."""

import copy
import json
from pathlib import Path
from typing import Any

import yaml

from workflow.plugins import ROOT, PluginError, find, nearest

PRESETS = Path(__file__).parent / "config"
ASSEMBLIES = {  # how a prior makes an image of its network: the module that does it
    "whole": "methods.priors.whole",
    "random_grid": "methods.priors.patch",
    "average": "methods.priors.overlap",
    "stitch": "methods.priors.overlap",
}
SELECTORS = ("source", "family", "method")  # keys that name a plugin


class ConfigError(ValueError):
    """A configuration that cannot be run; the message is one line that names the fix."""


def resolve(overrides: dict[str, Any]) -> dict[str, Any]:
    """Return the full configuration for ``overrides``, which may name a ``preset``.

    The preset (default "quick") is laid over ``common.yaml`` and the overrides over both; a null
    removes an entry. The result is validated and has every default filled in.

    Raises:
        ConfigError: unknown preset, key, plugin or name; the message says which and what is known.
    """
    overrides = copy.deepcopy(overrides)
    preset = overrides.pop("preset", "quick")
    known = [p.stem for p in PRESETS.glob("*.yaml") if p.stem not in ("schema", "common")]
    if preset not in known:
        raise ConfigError(f"unknown preset {preset!r}{nearest(preset, known)}")
    config: dict[str, Any] = {"name": preset}
    for layer in (_read("common"), _read(preset), overrides):
        config = _merge(config, layer)
    _validate(config)
    try:
        _check_names(config)
    except PluginError as error:
        raise ConfigError(str(error)) from None
    return config


def _read(name: str) -> dict[str, Any]:
    return yaml.safe_load((PRESETS / f"{name}.yaml").read_text()) or {}


def _merge(base: Any, top: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(top, dict)):
        return top
    merged = dict(base)
    if any(key in base and top.get(key, base[key]) != base[key] for key in SELECTORS):
        # Another plugin has other parameters.
        merged = {k: v for k, v in base.items() if k not in ("params", "params_for", "search")}
    for key, value in top.items():
        if value is None and isinstance(merged.get(key), dict):
            del merged[key]
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged


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
        find("dataset", dataset["source"])
        _check_params(find("dataset", dataset["source"]), dataset["params"], f"datasets.{name}")
    for name, problem in config["problems"].items():
        _check_params(find("problem", problem["family"]), problem["params"], f"problems.{name}")
        known("datasets", problem["dataset"], f"problems.{name}")
    for name, prior in config["priors"].items():
        known("networks", prior["network"], f"priors.{name}")
    for name, row in config["rows"].items():
        plugin = find("method", row["method"])
        for values in (row["params"], row["search"], *row["params_for"].values()):
            _check_params(plugin, values, f"rows.{name}")
        for problem in row["params_for"]:
            known("problems", problem, f"rows.{name}.params_for")
        if prior_of(row):
            known("priors", prior_of(row), f"rows.{name}")
    for problem in config["tuning"]["problems"]:
        known("problems", problem, "tuning.problems")
    for name, table in config["tables"].items():
        for problem in table["problems"]:
            known("problems", problem, f"tables.{name}")
        for row in table.setdefault("rows", list(config["rows"])):
            known("rows", row, f"tables.{name}")


def _check_params(plugin, values: dict[str, Any], owner: str) -> None:
    for name in values:
        if name not in plugin.params:
            raise ConfigError(
                f"{owner}: {plugin.name} has no parameter {name!r}{nearest(name, plugin.params)}"
            )


def prior_of(row: dict[str, Any]) -> str | None:
    """Name of the prior that a row uses, or None."""
    return row.get("prior", find("method", row["method"]).attributes.get("prior"))


def label_of(row: dict[str, Any]) -> str:
    """Name of a row in tables."""
    return row.get("label", find("method", row["method"]).attributes["label"])


def params_of(row: dict[str, Any], problem: str) -> dict[str, Any]:
    """Parameters of a row on one problem."""
    return {**row["params"], **row["params_for"].get(problem, {})}


def problems_run(config: dict[str, Any]) -> list[str]:
    """Names of the problems that a table shows."""
    return list(dict.fromkeys(p for t in config["tables"].values() for p in t["problems"]))


def rows_run(config: dict[str, Any], problem: str) -> list[str]:
    """Names of the rows that a table shows for ``problem``."""
    tables = [t for t in config["tables"].values() if problem in t["problems"]]
    return list(dict.fromkeys(r for t in tables for r in t["rows"]))


def network_for(config: dict[str, Any], problem: str, row: str) -> tuple[str, str] | None:
    """(dataset, network) whose weights a row needs on ``problem``, or None."""
    prior = prior_of(config["rows"][row])
    if prior is None:
        return None
    return config["problems"][problem]["dataset"], config["priors"][prior]["network"]


def digest(value: Any) -> str:
    """A short text that changes when a part of the configuration does."""
    return json.dumps(value, sort_keys=True)


def relative(path: Path | str) -> str:
    """A path as Snakemake likes it: relative to the working directory where possible."""
    path = Path(path)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
