"""Kinds of values in a configuration, and what is said of a wrong one."""

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from workflow.plugins.params import nearest, number

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Number = Annotated[Any, BeforeValidator(number)]  # stays as it was written, whole or not
Int = Annotated[int, BeforeValidator(number)]
Count = Annotated[Int, Field(ge=1)]
Positive = Annotated[Number, Field(gt=0)]
ON_OFF = "on, off, yes and no without quotes as true or false"
Unset = Field(default=None, exclude_if=lambda value: value is None)  # a key that may be absent


class Entry(BaseModel):
    """A mapping in the configuration, which refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="constants")

    @model_validator(mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        known = {field.alias or name for name, field in cls.model_fields.items()}
        for key in value if isinstance(value, dict) else ():
            if key not in known:
                raise ValueError(f"unknown key {key!r}{nearest(key, known)}")
        return value


def rising(window: list[float]) -> list[float]:
    """``window`` itself.

    Raises:
        ValueError: its first value is not the smaller one.
    """
    if not window[0] < window[1]:
        raise ValueError(f"window {window}: the first value must be the smaller")
    return window


def mistake(error: ValidationError, place: str = "config") -> str:
    """The first mistake in one line that says where it is."""
    first = error.errors()[0]
    *owner, key = [str(part) for part in first["loc"] if part != "[key]"] or ["top level"]
    if first["type"] == "missing":
        return f"{place}, {'.'.join(owner) or 'top level'}: {key!r} is missing"
    where = (
        f"{place}, {'.'.join([*owner, key])}"
        if place == "config"
        else ".".join([place, *owner, key])
    )
    said = first["msg"].removeprefix("Value error, ").replace("Input should", "must")
    if first["type"] in ("model_type", "dict_type"):
        said = "must be a mapping"
    elif first["type"] == "string_pattern_mismatch":
        said = "must be lower-case letters, digits and underscores"
    elif first["type"] == "string_type":
        why = f", as YAML reads {ON_OFF}" if isinstance(first["input"], bool) else ""
        said = f"must be text, not {first['input']!r}: put it in quotes{why}"
        return f"{where}: {said}"
    given = f", not {first['input']!r}" if said.startswith("must") else ""
    return f"{where}: {said}{given}".replace("\n", " ")[:300]
