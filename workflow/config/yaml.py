"""YAML as people expect it: a key once, 2e-4 and 010 are numbers, on and off are text."""

import re
from pathlib import Path
from typing import Any

import yaml

from workflow.config.entry import ConfigError


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """PyYAML's safe loader with the scalars of YAML 1.2; refuses a key written twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                line = key.start_mark.line + 1
                raise ConfigError(f"line {line}: the key {key.value!r} is there twice; keep one")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


KINDS = {
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
    "float": r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf)|\.(nan|NaN)",
}
Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in found if tag.endswith((":null", ":merge"))]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for kind, pattern in KINDS.items():
    tag = f"tag:yaml.org,2002:{kind}"
    Loader.add_implicit_resolver(tag, re.compile(f"^(?:{pattern})$"), list("-+0123456789.tTfF"))
Loader.add_constructor(
    "tag:yaml.org,2002:int",
    lambda loader, node: int(node.value, {"0o": 8, "0x": 16}.get(node.value[:2], 10)),
)


def parse(text: str, place: str) -> dict[str, Any]:
    """A mapping from YAML text.

    Raises:
        ConfigError: ``place`` (named in the message) is not YAML, not a mapping, or repeats a key.
    """
    try:
        found = yaml.load(text, Loader)
        check_keys(found)
    except ConfigError as error:
        raise ConfigError(f"{place}, {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{place} cannot be read: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ConfigError(f"{place}: an anchor (&) is inside itself; write it out") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{place} must hold a mapping, such as `preset: quick`")
    return found


def check_keys(value: Any, *place: str) -> None:
    """Refuse keys that are not text, but for the values on an axis in ``lines`` of a plot.

    Raises:
        ConfigError: there is one.
    """
    for key, inner in value.items() if isinstance(value, dict) else ():
        if not isinstance(key, str) and place[-2:-1] != ("lines",):
            where = ".".join(place) or "top level"
            raise ConfigError(f"{where}: the key {key} is not text; put it in quotes")
        check_keys(inner, *place, str(key))


def read_yaml(file: Path) -> dict[str, Any]:
    """A mapping from a YAML file.

    Raises:
        ConfigError: the file is missing, or as ``parse``.
    """
    try:
        return parse(Path(file).read_text(encoding="utf-8-sig"), str(file))
    except OSError:
        raise ConfigError(f"there is no file {file}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not text in UTF-8") from None
