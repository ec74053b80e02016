"""YAML as people expect it: a key once, 2e-4 is a number, on and off are text."""

import re
from pathlib import Path
from typing import Any

import yaml

from workflow.config.entry import ON_OFF


class ConfigError(ValueError):
    """A configuration that cannot be run; the message is one line that names the fix."""


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """PyYAML's safe loader with numbers and booleans of YAML 1.2; refuses a key written twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                line = key.start_mark.line + 1
                raise ConfigError(f"line {line}: the key {key.value!r} is there twice; keep one")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":float"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|^[-+]?\.inf$|^\.nan$"),
    list("-+0123456789."),
)


def parse(text: str, place: str) -> dict[str, Any]:
    """A mapping from YAML text.

    Raises:
        ConfigError: ``place`` (named in the message) is not YAML, not a mapping, or repeats a key.
    """
    try:
        found = yaml.load(text, Loader)
    except ConfigError as error:
        raise ConfigError(f"{place}, {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{place} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{place} must hold a mapping, such as `preset: quick`")
    return found


def check_keys(value: Any, *place: str) -> None:
    """Refuse keys that are not text, but for the values on an axis in ``lines`` of a plot.

    Raises:
        ConfigError: there is one.
    """
    for key, inner in value.items() if isinstance(value, dict) else ():
        if isinstance(key, bool) or not (isinstance(key, str) or place[-2:-1] == ("lines",)):
            why = f"YAML reads {ON_OFF}" if isinstance(key, bool) else "a name starts with a letter"
            where = ".".join(place) or "top level"
            raise ConfigError(
                f"config, {where}: the key {key} is not text: {why}; put it in quotes"
            )
        check_keys(inner, *place, str(key))


def read_yaml(file: Path) -> dict[str, Any]:
    """A mapping from a YAML file.

    Raises:
        ConfigError: the file is missing, or as ``parse``.
    """
    try:
        return parse(Path(file).read_text(), str(file))
    except OSError:
        raise ConfigError(f"there is no file {file}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not text in UTF-8") from None
