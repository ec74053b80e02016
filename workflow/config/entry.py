"""Kinds of values in a configuration, and what is said of a wrong one."""

import os
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from workflow.plugins.params import nearest, number


class ConfigError(ValueError):
    """A configuration that cannot be run; the message is one line that names the fix."""


def rising(window: list[float]) -> list[float]:
    """``window`` itself.

    Raises:
        ValueError: its first value is not the smaller one.
    """
    if not window[0] < window[1]:
        raise ValueError(f"window {window}: the first value must be the smaller")
    return window


def one_line(label: str) -> str:
    """``label`` itself.

    Raises:
        ValueError: it is empty, or has several lines.
    """
    if not label or "\n" in label:
        raise ValueError("must be one line of text")
    return label


def text(name: str) -> str:
    """``name`` itself.

    Raises:
        ValueError: it is read from the CSV file of a table as a missing value or a number.
    """
    if name in ("nan", "null", "inf", "infinity", "true", "false"):
        raise ValueError(f"{name!r} is not text in a table; choose another name")
    return name


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$"), AfterValidator(text)]
Label = Annotated[str, AfterValidator(one_line)]
Folder = Annotated[str, AfterValidator(os.path.expanduser)]
Number = Annotated[Any, BeforeValidator(number)]  # stays as it was written, whole or not
Int = Annotated[int, BeforeValidator(number)]
Count = Annotated[Int, Field(ge=1)]
Positive = Annotated[Number, Field(gt=0)]
Size = Annotated[list[Annotated[Int, Field(ge=4)]], Field(min_length=2, max_length=2)]
Window = Annotated[list[Number], Field(min_length=2, max_length=2), AfterValidator(rising)]
Params = dict[str, Any]  # of a plugin, which says what they are
Unset = Field(default=None, exclude_if=lambda value: value is None)  # a key that may be absent


class Entry(BaseModel):
    """A mapping in the configuration, which refuses unknown keys."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")

    @model_validator(mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        known = {field.alias or name for name, field in cls.model_fields.items()}
        for key in value if isinstance(value, dict) else ():
            if key not in known:
                raise ValueError(f"unknown key {key!r}{nearest(key, known)}")
        return value


SAID = {  # kind of a mistake: what is said of it
    "model_type": "must be a mapping",
    "dict_type": "must be a mapping",
    "string_type": "must be text",
    "list_type": "must be a list, such as [a, b]",
    "string_pattern_mismatch": "must be lower-case letters, digits and underscores",
}


KINDS = ("[key]", "str", "InlineRow")  # what pydantic puts into the place of a mistake


def mistake(error: ValidationError, place: str = "") -> str:
    """The first mistake in one line that says where it is, below ``place``."""
    found = error.errors()  # of a name or a block that is neither, what is wrong as a block counts
    block = found[0]["type"] == "string_type" and isinstance(found[0]["input"], dict)
    first = found[-1] if block else found[0]
    kind, given = first["type"], first["input"]
    path = [str(part) for part in first["loc"] if part not in KINDS]
    where = ".".join([*([place] if place else []), *path]) or "top level"
    if kind == "missing":
        return f"{where} is missing"
    if given is None:
        return f"{where}: is empty; write its value, or remove it"
    if kind == "string_type" and isinstance(given, (bool, int, float)):
        return f"{where}: must be text, not {given!r}: put it in quotes"
    said = first["msg"].removeprefix("Value error, ").replace(" after validation", "")
    said = SAID.get(kind, said.replace("Input should", "must").replace("List should", "must"))
    what = f", not {given!r}" if said.startswith("must") and not kind.startswith("too_") else ""
    return f"{where}: {said}{what}".replace("\n", " ")[:300]
