"""Layers of a configuration: what lies over what, and entries that are like another one."""

import copy
from typing import Any

from workflow.config.entry import ON_OFF
from workflow.plugins.params import nearest

SELECTORS = ("source", "family", "method")  # keys that name a plugin


class ConfigError(ValueError):
    """A configuration that cannot be run; the message is one line that names the fix."""


def remove_overridden(config: dict[str, Any], overrides: dict[str, Any]) -> None:
    """Drop from a preset what the overrides remove and what a row's own parameters replace.

    With a row or problem goes what is like it, and what tables say of it.
    """
    problems, rows = (mapping(overrides.get(kind)) for kind in ("problems", "rows"))
    gone = {name for kind in (problems, rows) for name, value in kind.items() if value is None}
    for entries in (config["problems"], config["rows"]):
        for name in [n for n, entry in entries.items() if entry.get("like") in gone]:
            del entries[name]
            gone.add(name)
    for name, row in config["rows"].items():
        row |= _tuned(row, mapping(mapping(rows.get(name)).get("params")), gone)
    for kind in {"tables", "tuning"} & set(config):
        config[kind] = _without(config[kind], gone)
    for name, table in list(config["tables"].items()):
        if "plot" in table:
            series = {k: v for k, v in table["plot"].get("series", {}).items() if v}
            table["plot"] = {**table["plot"], "series": series}
            if not series:
                del table["plot"]
        if [] in (table.get("problems"), table.get("rows")):
            del config["tables"][name]


def _without(value: Any, gone: set[str]) -> Any:
    """``value`` without names that are gone, and without lists that contain one."""
    if isinstance(value, dict):
        return {k: _without(v, gone) for k, v in value.items() if k not in gone}
    if isinstance(value, list):
        named = (
            {v} if isinstance(v, str) else set(v) if isinstance(v, list) else () for v in value
        )
        return [v for v, names in zip(value, named, strict=True) if not gone & set(names)]
    return value


def _tuned(row: dict[str, Any], given: Any, gone: Any = ()) -> dict[str, Any]:
    """What was tuned for a row, but parameters that are given and problems that are gone."""
    tuned, edges = (mapping(row.get(key)) for key in ("params_for", "at_edge"))
    tuned = {
        problem: {k: v for k, v in mapping(values).items() if k not in given}
        for problem, values in tuned.items()
        if problem not in gone
    }
    edges = {
        problem: left
        for problem, names in edges.items()
        if problem not in gone and (left := [n for n in names if n not in given])
    }
    return {"params_for": tuned, "at_edge": edges}


def of_problems(tuned: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """What was tuned, on the problems that a preset has."""
    rows = {
        name: {key: {p: v for p, v in of.items() if p in known} for key, of in row.items()}
        for name, row in mapping(tuned.get("rows")).items()
    }
    return {**tuned, "rows": rows}


def inherit(config: dict[str, Any]) -> None:
    """Complete problems and rows that are ``like`` another one.

    Raises:
        ConfigError: the other one is unknown or itself like a third.
    """
    problems, rows = (mapping(config.get(kind)) for kind in ("problems", "rows"))
    for name, row in rows.items():
        base = _liked(rows, name, "rows")
        if base:
            # What the row sets itself is not overruled by what was tuned for the other.
            kept = {k: base[k] for k in ("method", "prior", "network", "params") if k in base}
            rows[name] = merge({**kept, **_tuned(base, mapping(row.get("params")))}, row)
    for name, problem in problems.items():
        base = _liked(problems, name, "problems")
        if base:
            kept = {k: base[k] for k in ("family", "params", "dataset") if k in base}
            trained_on = base.get("trained_on", base.get("dataset"))
            problems[name] = {"trained_on": trained_on, **merge(kept, problem)}
            for row in map(mapping, rows.values()):
                chosen, edges = (mapping(row.get(key)) for key in ("params_for", "at_edge"))
                if mapping(chosen.get(problem["like"])):
                    chosen[name] = merge(chosen[problem["like"]], chosen.get(name, {}))
                if problem["like"] in edges:
                    edges.setdefault(name, edges[problem["like"]])


def _liked(entries: dict[str, Any], name: str, kind: str) -> dict[str, Any] | None:
    """The entry that ``name`` is like, or None."""
    other = mapping(entries[name]).get("like")
    if other is None:
        return None
    if not isinstance(other, str):
        raise ConfigError(f"{kind}.{name}.like: {other!r} is not a name")
    if not isinstance(entries.get(other), dict):
        raise ConfigError(f"{kind}.{name}: unknown {kind[:-1]} {other!r}{nearest(other, entries)}")
    if "like" in entries[other]:
        third = entries[other]["like"]
        raise ConfigError(f"{kind}.{name}: {other} is like {third} itself; write `like: {third}`")
    return entries[other]


def check_keys(value: Any, *place: str) -> None:
    """Refuse keys that YAML does not read as text; the values of a sweep may be numbers.

    Raises:
        ConfigError: there is one.
    """
    for key, inner in mapping(value).items():
        if isinstance(key, bool) or not (isinstance(key, str) or place[-1:] == ("values",)):
            why = f"YAML reads {ON_OFF}" if isinstance(key, bool) else "a name starts with a letter"
            where = ".".join(place) or "top level"
            raise ConfigError(f"config, {where}: the key {key} is no text: {why}; put it in quotes")
        check_keys(inner, *place, str(key))


def mapping(value: Any) -> dict[str, Any]:
    """``value`` if it is a mapping; what else a user may have written is refused later."""
    return value if isinstance(value, dict) else {}


def merge(base: Any, top: Any) -> Any:
    """``top`` laid over ``base``; a null removes a mapping or list."""
    if not (isinstance(base, dict) and isinstance(top, dict)):
        return top
    merged = dict(base)
    if any(key in base and top.get(key, base[key]) != base[key] for key in SELECTORS):
        # Another plugin has other parameters, other images other folds.
        gone = ("params", "params_for", "search", "trials", "at_edge", "folds")
        merged = {k: v for k, v in base.items() if k not in gone}
    for key, value in top.items():
        if value is None and isinstance(merged.get(key), (dict, list)):
            del merged[key]
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def spread(layer: dict[str, Any]) -> dict[str, Any]:
    """A layer in which every name has an entry of its own, where several stood before one."""
    found = dict(layer)
    for kind in {"problems", "rows", "networks", "priors"} & set(layer):
        found[kind] = _spread(layer[kind])
    for name, row in mapping(found.get("rows")).items():
        if isinstance(row, dict) and "params_for" in row:
            found["rows"][name] = {**row, "params_for": _spread(row["params_for"])}
    for name, table in mapping(layer.get("tables")).items():
        if isinstance(table, dict) and "sweep" in table:
            found["tables"] = {**found["tables"], name: {**table, "sweep": _spread(table["sweep"])}}
    return found


def _spread(entries: Any) -> Any:
    found: dict[str, Any] = {}
    for key, entry in mapping(entries).items():
        for name in str(key).split(", "):
            own = copy.deepcopy(entry)
            found[name] = merge(found[name], own) if name in found else own
    return found if isinstance(entries, dict) else entries
