"""Settings to copy: the parameters of rows as YAML for a configuration, and how they were found."""

import re
from collections.abc import Iterable
from typing import Any

import yaml

from workflow.config.layers import Layers
from workflow.config.views import params_of
from workflow.show.reference import REFERENCES

TUNED = re.compile(r"tuned/(\w+)\.csv, (\w+) on (\w+)")


def to_copy(
    config: dict[str, Any], layers: Layers, rows: Iterable[str], problems: Iterable[str]
) -> str:
    """YAML that sets the parameters of rows on problems; a remark says what search found them.

    Args:
        config: the whole configuration.
        layers: its files.
    """
    lines, problems = ["rows:"], list(problems)
    for row in rows:
        found = {problem: params_of(config["rows"][row], problem) for problem in problems}
        if not any(found.values()):
            continue
        lines += [f"  {row}:", "    at:"]
        for problem, params in found.items():
            text = yaml.safe_dump(params, default_flow_style=True, width=1e6, sort_keys=False)
            lines.append(f"      {problem}: {text.strip()}{source(layers, row, problem)}")
    return "\n".join(lines) + "\n"


def source(layers: Layers, row: str, problem: str) -> str:
    """A remark on the search that found parameters, with its trials if they are kept."""
    known = row in layers.rows and problem in layers.config["problems"]
    values = layers.values(row, problem) if known else {}
    places = [TUNED.fullmatch(v.place) for v in values.values()]
    for preset, of, on in (place.groups() for place in places if place):
        file = REFERENCES / preset / "tuning" / on / f"{of}.csv"
        trials = len(file.read_text().splitlines()) - 1 if file.exists() else 0
        where = f" of {of} on {on}" * ((of, on) != (row, problem))
        return f"  # tuned/{preset}.csv{where}" + f", {trials} trials" * bool(trials)
    return ""
