"""Tables whose rows are alike but for one thing: written once, as the table's ``sweep``.

A line of a sweep is a template of rows, in which ``{}`` stands for one value after the other:

    padis_p{}:
      like: padis                            # keys of the rows
      label: "PaDIS, P = {}"
      network: {name: "p{}", like: patch, training: {patch: "{}"}}
      minus: padis_p16                       # rows that the table's differences subtract
      series: "Trained at each P"            # the line of the table's plot that has these points
      published: "ct20/padis/patch{}"        # the published number beside the row
      values: {4: {training: {...}}, 8: ...} # what one row has of its own; or a list of values

``network`` is a name, or makes a network that is ``like`` another one. A value may also say where
it is ``at`` on the axis of the plot, give its row another ``name``, or show a ``row`` that there is
already.

A line of a parameter, ``padis: {updates: [1, 2, 4]}``, makes ``padis_updates1`` and so on. These
stand below the row itself, search what it searches but the parameter, and have the ``trials`` of
the table.
"""

from collections.abc import Iterator
from typing import Any

from workflow.config.layers import ConfigError, mapping, merge
from workflow.plugins.params import nearest

FORMS = "give {row: {parameter: [values]}} or a template of rows with `values`"


def expand(config: dict[str, Any], overrides: dict[str, Any]) -> set[str]:
    """Write what all sweeps make into ``config``: rows, networks and contents of the tables.

    Sweeps of the overrides lie over those of ``config`` and are taken out of the overrides.

    Returns:
        Names of the rows that were made.

    Raises:
        ConfigError: a sweep has another shape, or is of a row or network that is unknown.
    """
    rows = mapping(overrides.get("rows"))
    rows = merge(config["rows"], {k: v for k, v in rows.items() if isinstance(v, dict)})
    made: set[str] = set()
    for name in {**config["tables"], **mapping(overrides.get("tables"))}:
        given = mapping(mapping(overrides.get("tables")).get(name))
        table = config["tables"].setdefault(name, {})
        trials = given.get("trials", table.get("trials"))
        sweep = merge(table.pop("sweep", {}), given.pop("sweep", {}))
        if not isinstance(sweep, dict):
            raise ConfigError(f"tables.{name}.sweep: {sweep!r} is no sweep; {FORMS}")
        for key, line in sweep.items():
            owner = f"tables.{name}.sweep.{key}"
            if _is_parameter(line):
                if key not in rows:
                    raise ConfigError(f"{owner}: unknown row{nearest(key, rows)}")
                points = _of_parameter(key, line, rows[key], trials)
                table.setdefault("sweep", {})[key] = line
            elif isinstance(line, dict) and isinstance(line.get("values"), (dict, list)):
                points = _of_template(key, line)
            else:
                raise ConfigError(f"{owner}: {line!r} is no sweep; {FORMS}")
            for point in points:
                made |= _add(config, table, point, owner)
        if not table:
            del config["tables"][name]
    return made


def points(row: str, values: dict[str, list[float]]) -> list[tuple[str, str, float]]:
    """(name, parameter, value) of the rows that a sweep of parameters of ``row`` makes."""
    return [
        (f"{row}_{parameter}{f'{value:g}'.replace('.', 'p').replace('-', 'm')}", parameter, value)
        for parameter, numbers in values.items()
        for value in numbers
    ]


def _is_parameter(line: Any) -> bool:
    return isinstance(line, dict) and all(
        isinstance(numbers, list) and all(isinstance(n, (int, float)) for n in numbers)
        for numbers in line.values()
    )


def _of_parameter(of: str, line: Any, row: dict[str, Any], trials: Any) -> Iterator[Any]:
    yield {"row": of}
    kept = {"in_paper": row.get("in_paper"), "trials": trials, "like": of}
    kept = {key: value for key, value in kept.items() if value is not None}
    for name, parameter, value in points(of, line):
        search = {k: v for k, v in row.get("search", {}).items() if k != parameter}
        yield {"name": name, "params": {parameter: value}, "search": search, **kept}


def _of_template(key: str, line: dict[str, Any]) -> Iterator[Any]:
    shared = {"name": key, "at": "{}", **{k: v for k, v in line.items() if k != "values"}}
    values = line["values"]
    for value, own in values.items() if isinstance(values, dict) else ((v, {}) for v in values):
        yield _filled(merge(shared, own or {}), value)


def _filled(template: Any, value: Any) -> Any:
    if isinstance(template, dict):
        return {k: _filled(v, value) for k, v in template.items()}
    if isinstance(template, list):
        return [_filled(v, value) for v in template]
    if template == "{}":
        return value
    return template.replace("{}", str(value)) if isinstance(template, str) else template


def _add(config: Any, table: Any, point: dict[str, Any], owner: str) -> set[str]:
    """Add a row to a table, and unless it is there already to the configuration."""
    taken = ("row", "name", "minus", "published", "series", "at")
    existing, name, minus, published, series, at = (point.pop(key, None) for key in taken)
    name = existing or name
    table["rows"] = [*table.get("rows", []), name]
    others = [minus] if isinstance(minus, str) else minus or []
    pairs = [[name, other] for other in others if other != name]
    if pairs:
        table["differences"] = [*table.get("differences", []), *pairs]
    if published:
        table.setdefault("published", {})[name] = published
    if series:
        lines = table.setdefault("plot", {}).setdefault("series", {})
        lines.setdefault(series, []).append([at, name])
    if existing:
        return set()
    if isinstance(point.get("network"), dict):
        recipe = point["network"]
        made, like = recipe.pop("name", None), recipe.pop("like", None)
        if like not in config["networks"]:
            hint = nearest(str(like), config["networks"])
            raise ConfigError(f"{owner}: unknown network {like!r}{hint}")
        config["networks"][made] = merge(config["networks"][like], recipe)
        point["network"] = made
    config["rows"][name] = merge({"only_named": True, **point}, config["rows"].get(name, {}))
    return {name}
