"""The files of a configuration and a user's settings, as they are written.

presets/common.yaml   problems, priors and what else all presets share
presets/<preset>.yaml sizes, data sets, recipes of networks, lengths; experiments that it makes
exact.yaml            rows against posteriors that are known
rows.yaml             a block per row
experiments/          a file per table; experiments/<preset>/ has those of one preset
tuned/<preset>.csv    values that searches found: a line per row and problem
a user's file         the same words as a preset, over all
"""

import csv
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from workflow.config.entry import ConfigError, Entry, mistake
from workflow.config.schema import Experiment, InlineRow, Network, Row
from workflow.config.yaml import Loader, check_keys, read_yaml
from workflow.plugins.params import nearest

FOLDER = Path(__file__).parents[1]
PRESETS = FOLDER / "presets"
YOURS = "your settings"
NAMED = ("datasets", "problems", "networks", "priors", "rows", "tables")
LISTS = ("experiments", "more", "plugins")  # of names
SELECTORS = ("source", "family", "method")  # keys that name a plugin
OWN = ("own", "all")  # values of a grid that are the row itself
Point = tuple[str, str, Any]  # of a grid: row, axis and value


class Value(NamedTuple):
    """A parameter and the file that sets it."""

    value: Any
    place: str


class Tuned(NamedTuple):
    """What a search found, its values at an edge, and the file that has it."""

    values: dict[str, Any]
    at_edge: list[str]
    place: str


class Layers:
    """Everything that a configuration is made of, as it is written.

    Args:
        overrides: of the user: a ``preset`` and what lies over it.

    Attributes:
        config: all sections but tables and rows, each file's over those of the earlier ones.
        experiments: those that are asked for; ``made`` are those of the target `all`.
        rows: name to blocks, each with the file that has it, those of the user's settings last.
        networks: as they are written, and those that grids make.
        grids: experiment to the points of its grids, each with the row that it is.
        trials: rows that grids make to the trials of their searches, where these are set.

    Raises:
        ConfigError: something is not what it must be, or unknown.
    """

    def __init__(self, overrides: dict[str, Any]):
        check_keys(overrides)
        own = dict(overrides)
        self.preset = own.pop("preset", "quick")
        chosen = _preset(self.preset)
        base = chosen.pop("preset", None)  # a preset may name the one that it differs from
        presets = {base: _preset(base)} if base else {}
        presets[self.preset] = chosen
        self.files = {
            "presets/common.yaml": read_yaml(PRESETS / "common.yaml"),
            "exact.yaml": {"exact": read_yaml(FOLDER / "exact.yaml")},
            "rows.yaml": {"rows": read_yaml(FOLDER / "rows.yaml")},
            **{f"presets/{name}.yaml": written for name, written in presets.items()},
            YOURS: {"name": self.preset, **own},
        }
        self.folders = [FOLDER / "experiments" / name for name in ("", *presets)][::-1]
        self.tuned: dict[tuple[str, str], Tuned] = {}
        for name in presets:
            self.tuned |= read_tuned(FOLDER / f"tuned/{name}.csv")
        self.config = self._combined()
        self.experiments = self._experiments()
        self.made = self.config["experiments"]
        self.rows = self._rows()
        self.networks = {
            name: valid(Network, block, f"networks.{name}")
            for name, block in self.config.get("networks", {}).items()
        }
        self.trials: dict[str, int] = {}
        self.grids = {name: self._grid(name) for name in self.experiments}

    def _combined(self) -> dict[str, Any]:
        """Sections other than rows and tables, each layer over the earlier ones."""
        config: dict[str, Any] = {}
        for place, layer in self.files.items():
            for key, value in layer.items():
                where = f"{place}, {key}"
                if key in NAMED:
                    if not isinstance(value, dict) or not all(
                        isinstance(entry, dict) for entry in value.values()
                    ):
                        raise ConfigError(
                            f"{where}: must hold a mapping for each name; remove what is empty"
                        )
                    entries = config.setdefault(key, {})
                    for name, entry in value.items() if key not in ("rows", "tables") else ():
                        entries[name] = over(entries.get(name, {}), entry)
                elif key in LISTS and not (
                    isinstance(value, list) and all(isinstance(name, str) for name in value)
                ):
                    raise ConfigError(f"{where}: must be a list of names, such as [a, b]")
                elif isinstance(value, dict) and isinstance(config.get(key), dict):
                    config[key] = {**config[key], **value}
                else:
                    config[key] = value
        return config

    def _experiments(self) -> dict[str, Experiment]:
        """All experiments that the preset names, and the user's."""
        own = self.files[YOURS].get("tables", {})
        names = [*self.config.get("experiments", []), *self.config.get("more", [])]
        self.config["experiments"] = [
            *self.config.get("experiments", []),
            *(name for name in own if name not in names),
        ]
        return {name: self._experiment(name, own) for name in dict.fromkeys([*names, *own])}

    def _experiment(self, name: str, own: dict[str, Any]) -> Experiment:
        """An experiment: its file, and over it that of the user."""
        files = [folder / f"{name}.yaml" for folder in self.folders]
        written = next((read_yaml(file) for file in files if file.is_file()), None)
        if written is None and name not in own:
            known = [file.stem for folder in self.folders for file in folder.glob("*.yaml")]
            hint = nearest(name, {*known, *own})
            raise ConfigError(f"experiments: unknown experiment {name!r}{hint}")
        return valid(Experiment, {**(written or {}), **own.get(name, {})}, f"experiments/{name}")

    def _rows(self) -> dict[str, list[tuple[str, Row]]]:
        blocks = [
            (place, name, valid(Row, block, f"rows.{name}"))
            for place, layer in self.files.items()
            for name, block in layer.get("rows", {}).items()
        ]
        inline = [
            (f"experiments/{experiment}.yaml", row.name, row)
            for experiment, settings in self.experiments.items()
            for row in settings.rows
            if isinstance(row, InlineRow)
        ]
        found: dict[str, list[tuple[str, Row]]] = {}
        for place, name, block in [
            *(block for block in blocks if block[0] != YOURS),
            *inline,
            *(block for block in blocks if block[0] == YOURS),
        ]:
            if isinstance(block, InlineRow) and name in found:
                raise ConfigError(f"{place}: there is a row {name!r}; choose another name")
            found.setdefault(name, []).append((place, block))
        return found

    def chain(self, row: str) -> list[str]:
        """The rows that a row is ``from``, the first one first, and the row itself."""
        return chain("rows", row, self.rows, lambda name: self._own(name, "from_"))

    def _own(self, row: str, key: str) -> Any:
        """What the last block of a row that sets ``key`` says."""
        said = (getattr(block, key) for _, block in reversed(self.rows[row]))
        return next((value for value in said if value is not None), None)

    def field(self, row: str, key: str) -> Any:
        """What is said of ``key`` by a row, or else by those that it is from."""
        said = (self._own(name, key) for name in reversed(self.chain(row)))
        return next((value for value in said if value is not None), None)

    def label(self, row: str) -> str | None:
        """The label of a row, which those that are from it do not have."""
        return self._own(row, "label")

    def values(self, row: str, problem: str | None) -> dict[str, Value]:
        """Parameters of a row on a problem, or those that hold on every problem."""
        names, kin = self.chain(row), self._kin(problem)
        searched = next((n for n in reversed(names) if self._tuned(n, problem)), None)
        found: dict[str, Value] = {}
        for name in names:
            blocks = [(f"{place}, {name}", block) for place, block in self.rows[name]]
            if name == searched:
                tuned = self._tuned(name, problem)
                yours = self.rows[name][-1][0] == YOURS
                block = (f"{tuned.place}, {name} on {problem}", Row(params=tuned.values))
                blocks.insert(len(blocks) - yours, block)
            for place, block in blocks:
                for values in (block.params, *(block.at.get(key, {}) for key in kin)):
                    found |= {k: Value(v, place) for k, v in values.items()}
        return found

    def main_rows(self) -> list[str]:
        """Rows of the preset's first experiment: those of a table that names none."""
        name = self.files[f"presets/{self.preset}.yaml"]["experiments"][0]
        first = self.experiments.get(name) or self._experiment(name, {})
        return names_of(first)

    def new_rows(self) -> list[str]:
        """Rows of the user that none of the user's tables names: they join the main tables."""
        own = self.files[YOURS]
        named = {row for name in own.get("tables", {}) for row in names_of(self.experiments[name])}
        return [
            row
            for row in own.get("rows", {})
            if row not in named and all(place == YOURS for place, _ in self.rows[row])
        ]

    def at_edge(self, row: str, problem: str) -> list[str]:
        """Parameters of a row whose search on ``problem`` ended at an edge."""
        for name in reversed(self.chain(row)):
            if tuned := self._tuned(name, problem):
                now = self.values(row, problem)
                return [key for key in tuned.at_edge if now[key].place.startswith(tuned.place)]
        return []

    def problems(self, problem: str) -> list[str]:
        """The problems that a problem is ``from``, the first one first, and the problem itself."""
        entries = self.config["problems"]
        return chain("problems", problem, entries, lambda name: entries[name].get("from"))

    def _tuned(self, row: str, problem: str | None) -> Tuned | None:
        names = reversed(self.problems(problem)) if problem else []
        return next((self.tuned[row, name] for name in names if (row, name) in self.tuned), None)

    def _kin(self, problem: str | None) -> list[str]:
        """Keys of ``at`` that hold on a problem, the weakest first."""
        if problem is None:
            return []
        first, *others = self.problems(problem)
        return [self.config["problems"][first].get("family"), first, *others]

    def _grid(self, experiment: str) -> dict[Point, str]:
        """Points of the grids of an experiment; their rows and networks are added to the others."""
        place, found = f"experiments/{experiment}.yaml", {}
        for grid in self.experiments[experiment].grid:
            axes = [axis for axis in grid if axis != "row"]
            if "row" not in grid or len(axes) != 1:
                raise ConfigError(
                    f"{place}, grid: needs `row` and one other axis, such as `images`"
                )
            for row in grid["row"]:
                if row not in self.rows:
                    hint = nearest(row, self.rows)
                    raise ConfigError(f"{place}, grid: unknown row {row!r}{hint}")
                for value in grid[axes[0]]:
                    found[row, axes[0], value] = self._point(place, row, axes[0], value)
        if trials := self.experiments[experiment].trials:
            made = {name for (row, *_), name in found.items() if name != row}
            self.trials |= dict.fromkeys(made, trials)
        return found

    def _point(self, place: str, row: str, axis: str, value: Any) -> str:
        """Name of the row that has ``value`` on ``axis`` and is otherwise ``row``."""
        if value in OWN:
            return row
        block, text = {"from": row}, f"{axis} = {value}"
        if axis in ("network", "prior"):
            block[axis] = text = value
        elif axis in ("images", "training"):
            block["network"] = self._network(place, row, axis, value)
            text = f"{value} slices" if axis == "images" else f"training {value}"
        else:
            block["params"] = {axis: value}
            searched = self.field(row, "search") or {}
            block["search"] = {k: v for k, v in searched.items() if k != axis}
        block["label"] = f"{self.field(row, 'label') or row}, {text}"
        name = point_name(row, axis, value)
        own = self.rows.get(name, [])
        if all(where == YOURS for where, _ in own):  # the user's parameters of it come last
            self.rows[name] = [(place, valid(Row, block, f"{place}, grid")), *own]
        return name

    def _network(self, place: str, row: str, axis: str, value: Any) -> str:
        """Name of the network of a row trained on other images, or once more."""
        prior = self.config["priors"].get(self.field(row, "prior"), {})
        network = self.field(row, "network") or prior.get("network")
        if network is None:
            raise ConfigError(
                f"{place}, grid: {row} has no prior, so that `{axis}` changes nothing"
            )
        made = f"{network}_{axis}{value}"
        block = {"from": network} | ({"images": value} if axis == "images" else {})
        self.networks.setdefault(made, valid(Network, block, f"{place}, grid"))
        return made


def point_name(row: str, axis: str, value: Any) -> str:
    """Name of the row that a grid makes of ``row`` for ``value`` on ``axis``."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    text = text.replace(".", "p").replace("-", "m")
    return f"{row}_{text}" if axis in ("network", "prior") else f"{row}_{axis}{text}"


def names_of(experiment: Experiment) -> list[str]:
    """Names of the rows of an experiment, but for those of its grid."""
    return [row if isinstance(row, str) else row.name for row in experiment.rows]


def chain(
    kind: str, name: str, entries: Container[str], base_of: Callable[[str], str | None]
) -> list[str]:
    """The entries of a section that one is ``from``, the first one first, and itself.

    Raises:
        ConfigError: one of them is unknown, or from itself.
    """
    found = [name]
    while base := base_of(found[0]):
        if base not in entries:
            hint = nearest(base, entries)
            raise ConfigError(f"{kind}.{found[0]}.from: unknown {kind[:-1]} {base!r}{hint}")
        if base in found:
            raise ConfigError(f"{kind}.{name}: {' from '.join([base, *found])} is a circle")
        found.insert(0, base)
    return found


def over(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """An entry over an earlier one of the name: keys are replaced, parameters one by one.

    Another plugin has other parameters, and other images have other folds and units.
    """
    if any(key in base and top.get(key, base[key]) != base[key] for key in SELECTORS):
        base = {k: v for k, v in base.items() if k not in ("params", "folds", "hu")}
    both = {k: {**base[k], **v} for k, v in top.items() if isinstance(v, dict) and k in base}
    return {**base, **top, **both}


def valid(kind: type[Entry], block: dict[str, Any], place: str) -> Any:
    """A block as an object of its kind.

    Raises:
        ConfigError: it is not of this kind.
    """
    try:
        return kind.model_validate(block)
    except ValidationError as error:
        raise ConfigError(mistake(error, place)) from None


def presets() -> list[str]:
    """Names of all presets."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml") if path.stem != "common")


def _preset(name: str) -> dict[str, Any]:
    if name not in presets():
        raise ConfigError(f"unknown preset {name!r}{nearest(name, presets())}")
    return read_yaml(PRESETS / f"{name}.yaml")


def read_tuned(file: Path) -> dict[tuple[str, str], Tuned]:
    """What the file has for a row and a problem; nothing if it is not there."""
    place = f"{file.parent.name}/{file.name}"
    lines = csv.DictReader(file.read_text().splitlines()) if file.exists() else ()
    return {
        (line.pop("row"), line.pop("problem")): Tuned(
            {k: yaml.load(v, Loader) for k, v in line.items() if v and k != "at_edge"},
            line["at_edge"].split(),
            place,
        )
        for line in lines
    }
