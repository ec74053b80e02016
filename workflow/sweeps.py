"""Tables whose rows are other rows at several values of one parameter."""

import copy
from typing import Any

from workflow.layers import ConfigError
from workflow.params import nearest


def expand(config: dict[str, Any]) -> None:
    """Turn the ``sweep`` of every table into its rows, called ``<row>_<parameter><value>``.

    A row of a sweep is like the row that it is of, searches what that one searches, and has the
    number of trials of the table.

    Raises:
        ConfigError: a sweep is of a row that is unknown.
    """
    rows = config.get("rows", {})
    for name, table in config.get("tables", {}).items():
        if not isinstance(table, dict) or not isinstance(table.get("sweep"), dict):
            continue
        table["rows"] = []
        for of, values in table["sweep"].items():
            if of not in rows:
                raise ConfigError(f"tables.{name}.sweep: unknown row {of!r}{nearest(of, rows)}")
            for row, parameter, value in points(of, values):
                made = {"like": of, "params": {parameter: value}, "only_named": True}
                made["search"] = copy.deepcopy(rows[of].get("search", {}))
                made |= {"trials": table["trials"]} if "trials" in table else {}
                rows[row] = made | rows.get(row, {})
                table["rows"].append(row)


def points(row: str, values: dict[str, list[float]]) -> list[tuple[str, str, float]]:
    """(name, parameter, value) of the rows that a sweep of ``row`` makes."""
    return [
        (f"{row}_{parameter}{value}", parameter, value)
        for parameter, numbers in values.items()
        for value in numbers
    ]
