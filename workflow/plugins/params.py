"""Parameter values from a configuration, checked against the annotations of a dataclass.

Every annotation that pydantic can check will do. ``float`` and ``int`` take numbers that YAML reads
as text, such as 2e-4, and refuse booleans and infinities; at run time all are plain Python values.
"""

import difflib
import math
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pydantic
from pydantic import BeforeValidator, StrictBool, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo


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


LIMITS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "multiple_of": "multiple of"}


def parsed(text: str) -> dict[str, Any]:
    """Parameters from the command line, a YAML mapping such as "{mu: 2, start: noise}".

    Raises:
        PluginError: the text is not a mapping.
    """
    import yaml

    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError:
        values = None
    if not isinstance(values, dict):
        raise PluginError(f"parameters {text!r} are not a mapping: write '{{name: value}}'")
    return values


def kinds(cls: type) -> dict[str, Any]:
    """Annotations of the fields of a dataclass or named tuple, inherited ones first.

    Raises:
        PluginError: an annotation names something that the file does not define.
    """
    names = [f.name for f in fields(cls)] if is_dataclass(cls) else getattr(cls, "_fields", ())
    try:
        hints = get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise PluginError(f"{cls.__qualname__}: {error}") from None
    return {name: hints[name] for name in names}


def defaults(cls: type) -> dict[str, Any]:
    """Default values of the fields of a dataclass or named tuple."""
    if not is_dataclass(cls):
        return dict(getattr(cls, "_field_defaults", {}))
    plain = {f.name: f.default for f in fields(cls) if f.default is not MISSING}
    made = {f.name: f.default_factory for f in fields(cls) if f.default_factory is not MISSING}
    return plain | {name: make() for name, make in made.items()}


def signature(cls: type) -> str:
    """Names, kinds and defaults of parameters, for people."""
    values = {name: f" = {value}" for name, value in defaults(cls).items()}
    known = kinds(cls).items()
    return ", ".join(f"{name}: {spelled(kind)}{values.get(name, '')}" for name, kind in known)


def make_params(cls: type, values: dict[str, Any], owner: str) -> Any:
    """Build a params dataclass or named tuple from values of a configuration.

    Raises:
        PluginError: an unknown name or a value of the wrong type; one line that names both.
    """
    return cls(**_valid(values, kinds(cls), owner))


def checked(values: dict[str, Any], known: dict[str, Any], owner: str) -> dict[str, Any]:
    """Parameter values as JSON holds them, numbers such as 2e-4 (text in YAML) converted.

    Args:
        known: name to annotation (``kinds``).

    Raises:
        PluginError: as ``make_params``.
    """
    found = _valid(values, known, owner)
    return {k: TypeAdapter(Any).dump_python(v, mode="json") for k, v in found.items()}


def _valid(values: dict[str, Any], known: dict[str, Any], owner: str) -> dict[str, Any]:
    found = {}
    for name, value in values.items():
        if name not in known:
            raise PluginError(f"{owner} has no parameter {name!r}{nearest(name, known)}")
        try:
            adapter = TypeAdapter(_strict(known[name]))
        except (pydantic.PydanticUserError, TypeError):
            kind = spelled(known[name])
            raise PluginError(f"{owner}: {name}: values of {kind} cannot be checked") from None
        try:
            found[name] = adapter.validate_python(value)
        except ValidationError:
            finite = not isinstance(value, float) or math.isfinite(value)
            wanted = spelled(known[name]) if finite else "finite"
            raise PluginError(f"{owner}: {name} must be {wanted}, not {value!r}") from None
    return found


def _strict(kind: Any) -> Any:
    """An annotation whose numbers are ``number`` and that does not take booleans as numbers."""
    origin, args = get_origin(kind), get_args(kind)
    if kind is bool:
        return StrictBool
    if kind in (int, float):
        return Annotated[kind, BeforeValidator(number)]
    if origin is Annotated:
        return Annotated[(_strict(args[0]), *args[1:])]
    if not args or origin is Literal:
        return kind
    inner = tuple(_strict(arg) for arg in args)
    return Union[inner] if origin in (Union, UnionType) else origin[inner]  # noqa: UP007


def spelled(kind: Any) -> str:
    """An annotation as people read it: "float > 0 and <= 1", "'reflect' or 'circular'"."""
    origin, args = get_origin(kind), get_args(kind)
    if kind is NoneType or kind is None:
        return "None"
    if origin is Annotated:
        parts = [p for m in args[1:] for p in (m.metadata if isinstance(m, FieldInfo) else [m])]
        limits = [(LIMITS[k], getattr(p, k, None)) for p in parts for k in LIMITS]
        said = [f"{sign} {limit}" for sign, limit in limits if limit is not None]
        return " ".join([spelled(args[0]), " and ".join(said)]).strip()
    if origin is Literal:
        *others, last = map(repr, args)
        return f"{', '.join(others)} or {last}" if others else last
    if origin in (Union, UnionType):
        return " or ".join(map(spelled, args))
    if origin is tuple:
        return f"[{', '.join('...' if arg is Ellipsis else spelled(arg) for arg in args)}]"
    return getattr(kind, "__name__", str(kind))


def nearest(name: str, known) -> str:
    """A clause for error messages: the nearest known name, or all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(str(name), known, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"
