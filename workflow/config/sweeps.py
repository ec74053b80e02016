"""Tables whose rows are other rows at several values of one parameter."""

import copy
from typing import Any

from workflow.config.layers import ConfigError, merge
from workflow.plugins.params import nearest

SWEPT = "give {row: {parameter: [values]}}"


def expand(config: dict[str, Any]) -> None:
    """Turn the ``sweep`` of every table into its rows, called ``<row>_<parameter><value>``.

    They stand below the row itself, which is as it is in other tables.
    A row of a sweep is like the row that it is of, searches what that one searches but the swept
    parameter, and has the number of trials of the table.

    Raises:
        ConfigError: a sweep has another shape or is of a row that is unknown.
    """
    rows = config.get("rows", {})
    for name, table in config.get("tables", {}).items():
        if not isinstance(table, dict) or "sweep" not in table:
            continue
        sweep = table["sweep"]
        if not isinstance(sweep, dict) or not all(map(_is_swept, sweep.values())):
            raise ConfigError(f"tables.{name}.sweep: {sweep!r} is no sweep; {SWEPT}")
        table["rows"] = []
        for of, values in sweep.items():
            if of not in rows:
                raise ConfigError(f"tables.{name}.sweep: unknown row {of!r}{nearest(of, rows)}")
            table["rows"].append(of)
            for row, parameter, value in points(of, values):
                made = {"like": of, "params": {parameter: value}, "only_named": True}
                made["search"] = copy.deepcopy(rows[of].get("search", {}))
                made["search"].pop(parameter, None)
                for key, source in (("in_paper", rows[of]), ("trials", table)):
                    made |= {key: source[key]} if key in source else {}
                rows[row] = merge(made, rows.get(row, {}))
                table["rows"].append(row)


def _is_swept(values: Any) -> bool:
    return isinstance(values, dict) and all(
        isinstance(numbers, list) and all(isinstance(n, (int, float)) for n in numbers)
        for numbers in values.values()
    )


def points(row: str, values: dict[str, list[float]]) -> list[tuple[str, str, float]]:
    """(name, parameter, value) of the rows that a sweep of ``row`` makes."""
    return [
        (f"{row}_{parameter}{f'{value:g}'.replace('.', 'p').replace('-', 'm')}", parameter, value)
        for parameter, numbers in values.items()
        for value in numbers
    ]
