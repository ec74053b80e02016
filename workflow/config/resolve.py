"""Configuration: presets, what was tuned for them and a user's settings over each other."""

import copy
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from workflow.config.check import check_names
from workflow.config.entry import mistake
from workflow.config.layers import (
    ConfigError,
    check_keys,
    inherit,
    mapping,
    merge,
    of_problems,
    remove_overridden,
    spread,
)
from workflow.config.schema import Config
from workflow.config.sweeps import expand
from workflow.plugins.discovery import described, use
from workflow.plugins.params import PluginError, nearest

PRESETS = Path(__file__).parents[1] / "presets"


def resolve(overrides: dict[str, Any]) -> dict[str, Any]:
    """Return the full configuration for ``overrides``, which may name a ``preset``.

    The preset (default "quick") is laid over ``common.yaml``, over these its tables that ``all``
    does not make (``extra/``), where searches start (``starts/``) and the values that they found
    (``tuned/``), and the overrides over all; a null removes an entry. Parameters that the overrides
    give to a row hold on every problem. The result is validated and has every default filled in.

    Raises:
        ConfigError: unknown preset, key, plugin or name; the message says which and what is known.
    """
    layers, made = layers_of(overrides), set()
    config = combined(layers, made)
    try:
        config = Config.model_validate(config).model_dump(mode="json")
        shown = {row for table in config["tables"].values() for row in table.get("rows", ())}
        for row in made - shown:
            config["rows"].pop(row, None)  # of a sweep that is not made
        use(config["plugins"])
        config["rows"] = {name: described(row) for name, row in config["rows"].items()}
        check_names(config)
    except ValidationError as error:
        raise ConfigError(mistake(error)) from None
    except PluginError as error:
        raise ConfigError(str(error)) from None
    return config


def read(file: Path) -> dict[str, Any]:
    """Settings from a YAML file; paths of plugins in it are relative to its folder.

    Raises:
        ConfigError: the file is missing or holds no mapping.
    """
    try:
        found = yaml.safe_load(Path(file).read_text())
    except OSError:
        known = ", ".join(sorted(path.stem for path in PRESETS.glob("*.yaml")))
        raise ConfigError(f"there is no file {file}; presets are {known}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is no YAML file: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{file} holds no mapping: write lines such as `preset: quick`")
    plugins = found.get("plugins")
    if isinstance(plugins, list) and all(isinstance(path, str) for path in plugins):
        found["plugins"] = [str(Path(file).parent / Path(p).expanduser()) for p in plugins]
    return found


def command(run: Path) -> str:
    """What makes a run (results/<name>), for messages."""
    name = Path(run).name
    known = {path.stem: f" --config preset={path.stem}" for path in PRESETS.glob("*.yaml")}
    known["quick"] = ""
    return f"snakemake --cores all{known.get(name, f' --configfile <the file with name: {name}>')}"


def layers_of(overrides: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Name to content of common.yaml, the preset, its parts in folders, overrides.

    Raises:
        ConfigError: the preset is unknown, or a key is no text.
    """
    check_keys(overrides)
    own = copy.deepcopy(overrides)
    preset = own.pop("preset", "quick")
    known = [path.stem for path in PRESETS.glob("*.yaml") if path.stem != "common"]
    if preset not in known:
        raise ConfigError(f"unknown preset {preset!r}{nearest(preset, known)}")
    like = _read(preset).get("tuned_as", preset)  # whose values a preset without searches takes
    files = ("common", preset, f"extra/{preset}", f"starts/{preset}", f"tuned/{like}")
    found = {f"{file}.yaml": _read(file) for file in files}
    found[f"{preset}.yaml"].pop("tuned_as", None)
    found[f"{preset}.yaml"] = {"name": preset, **found[f"{preset}.yaml"]}
    return {**found, "your settings": own}


def combined(layers: dict[str, dict[str, Any]], made: set[str]) -> dict[str, Any]:
    """Layers over each other: sweeps expanded, removed entries gone, ``like`` ones completed.

    Names of rows that sweeps make are added to ``made``.
    """
    *files, tuned, own = map(spread, layers.values())
    config: dict[str, Any] = {}
    for layer in files:
        config = merge(config, layer)
    config = merge(config, of_problems(tuned, config["problems"]))
    made |= expand(config, own)
    remove_overridden(config, own)
    config = merge(config, own)
    rows = mapping(config["rows"])
    for name in set(mapping(tuned.get("rows"))) & set(rows):
        if isinstance(rows[name], dict) and not {"method", "like"} & set(rows[name]):
            del rows[name]  # what was tuned for a row of a sweep that is not made
    inherit(config)
    return config


def _read(name: str) -> dict[str, Any]:
    path = PRESETS / f"{name}.yaml"
    return (yaml.safe_load(path.read_text()) if path.exists() else None) or {}
