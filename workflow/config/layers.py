"""The files of a configuration and a user's settings, as they are written."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from workflow.config.blocks import Experiment, InlineRow, NetworkBlock, RowBlock
from workflow.config.entry import mistake
from workflow.config.yaml import ConfigError, Loader, check_keys, read_yaml
from workflow.plugins.params import nearest

FOLDER = Path(__file__).parents[1]
PRESETS = FOLDER / "presets"
YOURS = "your settings"
NAMED = ("datasets", "problems", "networks", "priors", "rows")  # sections of named entries
SELECTORS = ("source", "family", "method")  # keys that name a plugin
OWN = ("own", "all")  # values of a grid that are the row itself


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
    """

    def __init__(self, overrides: dict[str, Any]):
        check_keys(overrides)
        own = dict(overrides)
        self.preset = own.pop("preset", "quick")
        chosen = _preset(self.preset)
        base = chosen.pop("preset", None)  # a preset may name the one that it differs from
        self.presets = {base: _preset(base)} if base else {}
        self.presets[self.preset] = chosen
        self.files = {
            "presets/common.yaml": read_yaml(PRESETS / "common.yaml"),
            "exact.yaml": {"exact": read_yaml(FOLDER / "exact.yaml")},
            "rows.yaml": {"rows": read_yaml(FOLDER / "rows.yaml")},
            **{f"presets/{name}.yaml": written for name, written in self.presets.items()},
            YOURS: {"name": self.preset, **own},
        }
        self.tuned: dict[tuple[str, str], Tuned] = {}
        for name in self.presets:
            self.tuned |= read_tuned(FOLDER / f"tuned/{name}.csv")
        self.config = self._combined()
        self.trials: dict[str, int] = {}  # of searches of rows that grids make
        self.experiments = self._experiments()
        self.made = self._made()
        self.rows: dict[str, list[tuple[str, RowBlock]]] = self._rows()
        self.networks = {
            name: NetworkBlock.model_validate(block)
            for name, block in self.config.get("networks", {}).items()
        }

    def _combined(self) -> dict[str, Any]:
        """Sections other than rows and experiments, each layer over the earlier ones."""
        config: dict[str, Any] = {}
        for place, layer in self.files.items():
            for key, value in layer.items():
                if key in NAMED:
                    if not isinstance(value, dict) or not all(
                        isinstance(v, dict) for v in value.values()
                    ):
                        raise ConfigError(f"{place}, {key}: must hold a mapping for each name")
                    entries = config.setdefault(key, {})
                    for name, entry in value.items() if key != "rows" else ():
                        entries[name] = over(entries.get(name, {}), entry)
                elif isinstance(value, dict) and isinstance(config.get(key), dict):
                    config[key] = {**config[key], **value}
                else:
                    config[key] = value
        return config

    def _made(self) -> list[str]:
        """Names of the experiments that `all` makes."""
        made = self.config.get("experiments", [])
        for name in made:
            if name not in self.experiments:
                raise ConfigError(
                    f"experiments: unknown experiment {name!r}{nearest(name, self.experiments)}"
                )
        return made

    def _experiments(self) -> dict[str, Experiment]:
        """All experiments that the preset names, and the user's."""
        own = self.files[YOURS]
        names = [*self.config.get("experiments", []), *self.config.pop("more", [])]
        found: dict[str, Experiment] = {}
        tables = own.get("tables", {})
        if not isinstance(tables, dict) or not all(isinstance(v, dict) for v in tables.values()):
            raise ConfigError("tables: must hold a mapping for each name")
        self.config.pop("tables", None)
        for name in dict.fromkeys([*names, *tables]):
            written = _experiment_file(self.presets, str(name))
            block = read_yaml(written) if written else {}
            if name in tables:
                block = {**block, **tables[name]}
            elif not written:
                known = [p.stem for p in (FOLDER / "experiments").glob("*.yaml")]
                raise ConfigError(f"experiments: unknown experiment {name!r}{nearest(name, known)}")
            found[name] = _valid(Experiment, block, f"experiments/{name}")
        new = [name for name in tables if name not in names]
        self.config["experiments"] = [*self.config.get("experiments", []), *new]
        return found

    def _rows(self) -> dict[str, list[tuple[str, RowBlock]]]:
        """Row to its blocks, each with the file that has it."""
        found: dict[str, list[tuple[str, RowBlock]]] = {}

        def add(place: str) -> None:
            for name, block in self.files[place].get("rows", {}).items():
                found.setdefault(name, []).append((place, _valid(RowBlock, block, f"rows.{name}")))

        for place in self.files:
            if place != YOURS:
                add(place)
        for experiment, settings in self.experiments.items():
            for row in settings.rows:
                if isinstance(row, InlineRow):
                    if row.name in found:
                        raise ConfigError(f"experiments/{experiment}: there is a row {row.name!r}")
                    found[row.name] = [(f"experiments/{experiment}.yaml", row)]
        add(YOURS)
        return found

    def chain(self, row: str) -> list[str]:
        """The rows that a row is ``from``, the first one first, and the row itself."""
        found = [row]
        while base := self.field(found[0], "from_", own=True):
            if base not in self.rows:
                hint = nearest(base, self.rows)
                raise ConfigError(f"rows.{found[0]}.from: unknown row {base!r}{hint}")
            if base in found:
                raise ConfigError(f"rows.{row}: {' from '.join([base, *found])} is a circle")
            found.insert(0, base)
        return found

    def field(self, row: str, key: str, own: bool = False) -> Any:
        """What the last block that sets ``key`` says, of the row or else of those it is from."""
        for name in [row] if own else reversed(self.chain(row)):
            for _, block in reversed(self.rows[name]):
                if getattr(block, key) is not None:
                    return getattr(block, key)
        return None

    def values(self, row: str, problem: str | None) -> dict[str, Value]:
        """Parameters of a row on a problem, or those that hold on every problem."""
        kin = self._kin(problem)
        names = self.chain(row)
        searched = next((n for n in reversed(names) if self._tuned(n, problem)), None)
        found: dict[str, Value] = {}
        for name in names:
            blocks = self.rows[name]
            for yours in (False, True):
                for place, block in [b for b in blocks if (b[0] == YOURS) == yours]:
                    here = f"{place}, {name}"
                    chosen = [block.params, *(block.at.get(key, {}) for key in kin)]
                    for values in chosen:
                        found |= {k: Value(v, here) for k, v in values.items()}
                if name == searched and not yours:
                    tuned = self._tuned(name, problem)
                    here = f"{tuned.place}, {name} on {problem}"
                    found |= {k: Value(v, here) for k, v in tuned.values.items()}
        return found

    def main_rows(self) -> list[str]:
        """Rows of the preset's first experiment: those of a table that names none."""
        name = self.presets[self.preset]["experiments"][0]
        first = self.experiments.get(name)
        if first is None:  # the user's `experiments` are others
            written = read_yaml(_experiment_file(self.presets, name))
            first = _valid(Experiment, written, f"experiments/{name}")
        return [row if isinstance(row, str) else row.name for row in first.rows]

    def new_rows(self) -> list[str]:
        """Rows of the user that none of the user's tables names: they join the main tables."""
        own = self.files[YOURS]
        named = {
            str(row) for t in own.get("tables", {}).values() for row in (t or {}).get("rows", ())
        }
        return [
            row
            for row in own.get("rows", {})
            if row not in named and all(place == YOURS for place, _ in self.rows[row])
        ]

    def at_edge(self, row: str, problem: str) -> list[str]:
        """Parameters of a row whose search on ``problem`` ended at an edge."""
        for name in reversed(self.chain(row)):
            tuned = self._tuned(name, problem)
            if tuned:
                now = self.values(row, problem)
                return [key for key in tuned.at_edge if now[key].place.startswith(tuned.place)]
        return []

    def _tuned(self, row: str, problem: str | None) -> Tuned | None:
        while problem:
            if (row, problem) in self.tuned:
                return self.tuned[row, problem]
            problem = self.config["problems"].get(problem, {}).get("from")
        return None

    def _kin(self, problem: str | None) -> list[str]:
        """Keys of ``at`` that hold on a problem, the weakest first."""
        if problem is None:
            return []
        entry = self.config["problems"][problem]
        base = entry.get("from")
        return [*(self._kin(base) if base else [entry.get("family")]), problem]


def points_of(
    layers: Layers, place: str, grid: dict[str, list[Any]]
) -> Iterator[tuple[str, str, Any, str]]:
    """(row, axis, value, name) of a grid; rows that are not there yet are added to ``layers``."""
    axes = [axis for axis in grid if axis != "row"]
    if "row" not in grid or len(axes) != 1:
        raise ConfigError(f"{place}, grid: needs `row` and one other axis, such as `images`")
    axis = axes[0]
    for row in grid["row"]:
        if row not in layers.rows:
            raise ConfigError(f"{place}, grid: unknown row {row!r}{nearest(row, layers.rows)}")
        for value in grid[axis]:
            if value in OWN:
                yield row, axis, value, row
                continue
            name = point_name(row, axis, value)
            own = layers.rows.get(name, [])
            if all(where == YOURS for where, _ in own):  # the user's parameters of it come last
                layers.rows[name] = [(place, _point(layers, row, axis, value)), *own]
            yield row, axis, value, name


def point_name(row: str, axis: str, value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    text = text.replace(".", "p").replace("-", "m")
    return f"{row}_{text}" if axis in ("network", "prior") else f"{row}_{axis}{text}"


def _point(layers: Layers, row: str, axis: str, value: Any) -> RowBlock:
    """The row that has ``value`` on ``axis`` and is otherwise ``row``."""
    label = layers.field(row, "label") or row
    if axis == "network":
        return RowBlock.model_validate(
            {"from": row, "network": value, "label": f"{label}, {value}"}
        )
    if axis == "prior":
        return RowBlock.model_validate({"from": row, "prior": value, "label": f"{label}, {value}"})
    if axis in ("images", "training"):
        network = layers.field(row, "network")
        if network is None:
            prior = layers.config["priors"].get(layers.field(row, "prior"))
            if prior is None:
                raise ConfigError(f"grid: {row} has no prior, so that `{axis}` changes nothing")
            network = prior["network"]
        made = f"{network}_{axis}{value}"
        block = {"from": network} | ({"images": value} if axis == "images" else {})
        layers.networks.setdefault(made, NetworkBlock.model_validate(block))
        text = f"{value} slices" if axis == "images" else f"training {value}"
        block = {"from": row, "network": made, "label": f"{label}, {text}"}
        return RowBlock.model_validate(block)
    search = {k: v for k, v in (layers.field(row, "search") or {}).items() if k != axis}
    return RowBlock.model_validate(
        {"from": row, "params": {axis: value}, "search": search,
         "label": f"{label}, {axis} = {value}"}
    )  # fmt: skip


def over(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """An entry over an earlier one of the name: keys are replaced, parameters one by one.

    Another plugin has other parameters, and other images have other folds.
    """
    if any(key in base and top.get(key, base[key]) != base[key] for key in SELECTORS):
        base = {k: v for k, v in base.items() if k not in ("params", "folds")}
    both = {k: {**base[k], **v} for k, v in top.items() if isinstance(v, dict) and k in base}
    return {**base, **top, **both}


def _valid(kind: type, block: Any, place: str) -> Any:
    try:
        return kind.model_validate(block)
    except ValidationError as error:
        raise ConfigError(mistake(error, place)) from None


def _preset(name: str) -> dict[str, Any]:
    known = presets()
    if name not in known:
        raise ConfigError(f"unknown preset {name!r}{nearest(name, known)}")
    return read_yaml(PRESETS / f"{name}.yaml")


def _experiment_file(presets: Iterable[str], name: str) -> Path | None:
    folder = FOLDER / "experiments"
    places = [*(folder / preset for preset in reversed(list(presets))), folder]
    return next((p / f"{name}.yaml" for p in places if (p / f"{name}.yaml").is_file()), None)


def presets() -> list[str]:
    """Names of all presets."""
    files = (PRESETS).glob("*.yaml")
    return sorted(path.stem for path in files if path.stem != "common")


def read_tuned(file: Path) -> dict[tuple[str, str], Tuned]:
    """What the file has for a row and a problem."""
    if not file.exists():
        return {}
    place = f"{file.parent.name}/{file.name}"
    with open(file, newline="") as lines:
        return {
            (line.pop("row"), line.pop("problem")): Tuned(
                {k: yaml.load(v, Loader) for k, v in line.items() if v and k != "at_edge"},
                line["at_edge"].split(),
                place,
            )
            for line in csv.DictReader(lines)
        }
