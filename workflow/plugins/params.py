"""Parameter values from a configuration, checked against the annotations of a dataclass.

Annotations are read from source files, so that nothing is imported. They are made of float, int,
str, bool, tuple, Literal and None, of ``Annotated[float, Field(gt=0, le=1)]`` and of the numbers of
pydantic, such as PositiveInt, which at run time are plain.
"""

import ast
import difflib
import math
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BeforeValidator, Field, StrictBool, TypeAdapter, ValidationError


class PluginError(ValueError):
    """A plugin that is unknown, or parameters that it does not take; one line."""


def number(value: Any) -> int | float:
    """A finite number, also where YAML reads it as text, as it does with 2e-4.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("must be a number")
    try:
        found = float(value)
    except ValueError:
        raise ValueError("must be a number") from None
    if not math.isfinite(found):
        raise ValueError("must be finite")
    return found if isinstance(value, str) else value


NUMBERS = {  # names in annotations: how people read them
    "int": "int",
    "float": "float",
    "PositiveInt": "int > 0",
    "NonNegativeInt": "int >= 0",
    "PositiveFloat": "float > 0",
    "NonNegativeFloat": "float >= 0",
    "FiniteFloat": "float",
}
LIMITS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "multiple_of": "multiple of"}
KNOWN = {  # what an annotation may be made of
    **{n: Annotated[getattr(pydantic, n, {"int": int}.get(n, float)), BeforeValidator(number)]
       for n in NUMBERS},
    **{"str": str, "bool": StrictBool, "tuple": tuple},
    **{"Literal": Literal, "Annotated": Annotated, "Field": Field},
}  # fmt: skip


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
    _refuse_unknown(values, names, owner)
    return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def checked(values: dict[str, Any], annotations: dict[str, str], owner: str) -> dict[str, Any]:
    """Parameter values from a configuration, numbers such as 2e-4 (text in YAML) converted.

    Raises:
        PluginError: an unknown name or a value of the wrong type; one line that names both.
    """
    _refuse_unknown(values, annotations, owner)
    result = {}
    for name, value in values.items():
        kind = _adapter(annotations[name])
        try:
            result[name] = kind.dump_python(kind.validate_python(value), mode="json")
        except ValidationError:
            finite = not isinstance(value, float) or math.isfinite(value)
            wanted = spelled(annotations[name]) if finite else "finite"
            raise PluginError(f"{owner}: {name} must be {wanted}, not {value!r}") from None
    return result


def _refuse_unknown(values: dict[str, Any], known: Any, owner: str) -> None:
    for name in values:
        if name not in known:
            raise PluginError(f"{owner} has no parameter {name!r}{nearest(name, known)}")


@cache
def _adapter(annotation: str) -> TypeAdapter:
    try:
        return TypeAdapter(eval(annotation, {"__builtins__": {}}, KNOWN))
    except (NameError, TypeError, AttributeError, SyntaxError):
        hint = f"use {', '.join(KNOWN)} or None"
        raise PluginError(f"{annotation} is no kind of a parameter: {hint}") from None


def spelled(annotation: str) -> str:
    """An annotation as people read it: "float > 0 and <= 1", "'reflect' or 'circular'"."""
    return _spelled(ast.parse(annotation, mode="eval").body)


def _spelled(node: ast.expr) -> str:
    if isinstance(node, ast.BinOp):
        return f"{_spelled(node.left)} or {_spelled(node.right)}"
    if not isinstance(node, ast.Subscript):
        return NUMBERS.get(ast.unparse(node), ast.unparse(node))
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    kind = ast.unparse(node.value)
    if kind == "Literal":
        *others, last = map(ast.unparse, parts)
        return f"{', '.join(others)} or {last}" if others else last
    if kind == "tuple":
        return f"[{', '.join('...' if ast.unparse(p) == '...' else _spelled(p) for p in parts)}]"
    limits = [k for call in parts[1:] if isinstance(call, ast.Call) for k in call.keywords]
    said = [f"{LIMITS[k.arg]} {ast.unparse(k.value)}" for k in limits if k.arg in LIMITS]
    return " ".join([_spelled(parts[0]), " and ".join(said)]).strip()


def whole(annotation: str) -> bool:
    """Whether the values are integers."""
    return spelled(annotation).split()[0] == "int"


def nearest(name: str, known) -> str:
    """A clause for error messages: the nearest known name, or all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(str(name), known, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"
