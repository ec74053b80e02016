"""Parameter values from a configuration, checked against the annotations of a dataclass."""

import ast
import difflib
from dataclasses import fields, is_dataclass
from typing import Any


class PluginError(ValueError):
    """A plugin that is unknown, or parameters that it does not take; one line."""


def parsed(text: str) -> dict[str, Any]:
    """Parameters from the command line, a YAML mapping such as "{mu: 2, start: noise}".

    Raises:
        PluginError: it is no mapping.
    """
    import yaml

    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError:
        values = None
    if not isinstance(values, dict):
        raise PluginError(f"parameters {text!r} are no mapping: write '{{name: value}}'")
    return values


def make_params(cls: type, values: dict[str, Any], owner: str) -> Any:
    """Build a params dataclass or named tuple from checked values; lists become tuples.

    Raises:
        PluginError: one line that names ``owner``, the parameter and the nearest known name.
    """
    names = [f.name for f in fields(cls)] if is_dataclass(cls) else list(cls._fields)
    for name in values:
        if name not in names:
            raise PluginError(f"{owner} has no parameter {name!r}{nearest(name, names)}")
    return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def checked(values: dict[str, Any], annotations: dict[str, str], owner: str) -> dict[str, Any]:
    """Parameter values from a configuration, numbers such as 2e-4 (text in YAML) converted.

    Raises:
        PluginError: an unknown name or a value of the wrong type; one line that names both.
    """
    result = {}
    for name, value in values.items():
        if name not in annotations:
            raise PluginError(f"{owner} has no parameter {name!r}{nearest(name, annotations)}")
        try:
            result[name] = _converted(value, annotations[name])
        except ValueError:
            wanted = annotations[name].removeprefix("Literal")
            raise PluginError(f"{owner}: {name} must be {wanted}, not {value!r}") from None
    return result


def _converted(value: Any, annotation: str) -> Any:
    if " | " in annotation:
        kinds = annotation.split(" | ")
        if value is None and "None" in kinds:
            return None
        return _converted(value, next(k for k in kinds if k != "None"))
    if annotation.startswith("Literal"):
        if value in ast.literal_eval(annotation.removeprefix("Literal")):
            return value
    elif annotation.startswith("tuple"):
        inner = annotation[len("tuple[") : -1].split(", ")
        if isinstance(value, (list, tuple)) and ("..." in inner or len(value) == len(inner)):
            return [_converted(v, inner[0]) for v in value]
    elif annotation == "float" and not isinstance(value, bool):
        if isinstance(value, (int, float, str)):
            return float(value)
    elif annotation == "int" and not isinstance(value, bool):
        if isinstance(value, int) or (
            isinstance(value, (float, str)) and float(value).is_integer()
        ):
            return int(float(value))
    elif type(value).__name__ == annotation:
        return value
    raise ValueError


def nearest(name: str, known) -> str:
    """A clause for error messages: the nearest known name, or all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(str(name), known, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"
