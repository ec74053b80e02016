"""The configuration that a run has: what files say of each other is carried out.

A row has, from weakest to strongest: defaults of the method, then for the row that it is ``from``
and for itself what rows.yaml, the preset, the search of this problem and the user's file give it.
"""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from problems.datasets.reading.files import root_of
from problems.files import is_file
from workflow.config.check import check_labels, check_names
from workflow.config.entry import ConfigError, mistake
from workflow.config.layers import OWN, YOURS, Layers, chain, names_of, over, presets
from workflow.config.schema import Config, InlineRow
from workflow.config.views import split_datasets
from workflow.config.yaml import read_yaml
from workflow.plugins.discovery import described, discover, use
from workflow.plugins.params import PluginError, nearest

PARTS = ("network", "training")  # of a recipe


def resolve(overrides: dict[str, Any]) -> dict[str, Any]:
    """Return the full configuration for ``overrides``, which may name a ``preset``.

    It has the words of ``workflow.config.schema``, but for rows (``params_for``: problem to
    parameters on top of ``params``; ``like``: the row that it is from; ``at_edge``: problem to the
    parameters whose search ended at an edge), and tables (``extra``: not made by `all`;
    ``differences``: pairs of rows; ``sweep``: row to axis to values, drawn against cost;
    ``plot.series``: line to points [value, row]).

    Raises:
        ConfigError: unknown preset, key, plugin or name; the message names it and the nearest
            known one.
    """
    try:
        layers = Layers(overrides)
        config = Config.model_validate(_resolved(layers)).model_dump(mode="json")
        check_names(config)
        _check_datasets(config, layers)
    except ValidationError as error:
        raise ConfigError(mistake(error)) from None
    except PluginError as error:
        raise ConfigError(str(error)) from None
    return config


def _check_datasets(config: dict[str, Any], layers: Layers) -> None:
    """Refuse a dataset of the user that no problem uses; fill in what follows from one.

    That is which folders need no splits, and how a run on images of the user differs from the
    paper, as the words of the preset are about its own.
    """
    shipped = {
        n for p, layer in layers.files.items() if p != YOURS for n in layer.get("datasets", ())
    }
    used = {
        problem[key] for problem in config["problems"].values() for key in ("dataset", "trained_on")
    }
    yours = layers.files[YOURS].get("datasets", {})
    for name in yours:
        if name not in shipped | used:
            raise ConfigError(
                f"datasets.{name}: no problem uses it; add one, such as `problems: {{ct20_{name}: "
                f'{{from: ct20, dataset: {name}, label: "My images"}}}}`, and a table that has '
                "it, or give it the name of a dataset of the preset"
            )
    own = ", ".join(name for name, given in yours.items() if "source" in (given or ()))
    if own and "differs" not in layers.files[YOURS]:
        config["differs"] = f"images of your choice ({own}), settings of the preset {layers.preset}"
    folders = {n: d for n, d in config["datasets"].items() if d["source"] == "folder"}
    roots = {n: root_of(d["params"].get("path")) for n, d in folders.items()}
    split = {roots[n] for n in split_datasets(config) & folders.keys()}
    for name, dataset in folders.items():
        if roots[name] not in split:  # no network has seen any of its images
            dataset["params"].setdefault("test_only", True)


def _resolved(layers: Layers) -> dict[str, Any]:
    """The sections of a configuration, with every inheritance and grid carried out."""
    written = layers.config
    use(written.get("plugins", []))
    config = {
        **written,
        "datasets": {name: _dataset(layers, name) for name in written.get("datasets", {})},
        "problems": {name: _problem(layers, name) for name in written.get("problems", {})},
        "networks": {name: _network(layers, name) for name in layers.networks},
        "rows": {name: _row(layers, name) for name in layers.rows},
        "tables": {name: _table(layers, name) for name in layers.experiments},
    }
    yours = layers.files[YOURS].get("rows", {})  # shipped rows have a prior and a label
    said = described({name: row for name, row in config["rows"].items() if name in yours})
    for name, row in said.items():
        config["rows"][name] = {key: value for key, value in row.items() if value is not None}
    check_labels(config["rows"], "rows")
    return config


def _dataset(layers: Layers, name: str) -> dict[str, Any]:
    entries, found = layers.config["datasets"], {}
    for entry in chain("datasets", name, entries, lambda other: entries[other].get("from")):
        found = over(found, entries[entry])
    return {key: value for key, value in found.items() if key != "from"}


def _problem(layers: Layers, name: str) -> dict[str, Any]:
    first, *others = layers.problems(name)
    found = layers.config["problems"][first]
    for base, other in zip([first, *others], others, strict=False):
        kept = {k: found[k] for k in ("family", "params", "dataset") if k in found}
        kept |= {"trained_on": found.get("trained_on", found.get("dataset")), "like": base}
        entry = layers.config["problems"][other]
        found = over(kept, {key: value for key, value in entry.items() if key != "from"})
    return found


def _network(layers: Layers, name: str) -> dict[str, Any]:
    networks = layers.networks
    found: dict[str, Any] = {"network": {}, "training": {}, "at": {}, "images": None}
    for other in chain("networks", name, networks, lambda n: networks[n].from_):
        block = networks[other]
        for part in PARTS:
            found[part] = {**found[part], **getattr(block, part)}
        for dataset, recipe in block.at.items():
            before = found["at"].get(dataset, {})
            here = {part: {**before.get(part, {}), **getattr(recipe, part)} for part in PARTS}
            found["at"] = {**found["at"], dataset: here}
        found["images"] = block.images or found["images"]
        if block.foreign:
            found["foreign"] = block.foreign.model_dump()
    return found


def _row(layers: Layers, name: str) -> dict[str, Any]:
    """A row, without what its method says of itself."""
    chosen = {key: layers.field(name, key) for key in ("method", "prior", "network")}
    if chosen["method"] is None:
        raise ConfigError(f"rows.{name}: name its `method`, or the row that it is `from`")
    said = {**chosen, "label": layers.label(name)}
    said = {key: value for key, value in said.items() if value is not None}
    places = {*layers.config["problems"], *discover("problem")}
    for key in [key for _, block in layers.rows[name] for key in block.at]:
        if key not in places:
            hint = nearest(key, places)
            raise ConfigError(f"rows.{name}.at: unknown problem or family {key!r}{hint}")
    params = {k: v.value for k, v in layers.values(name, None).items()}
    params_for, at_edge = {}, {}
    for problem in layers.config["problems"]:
        values = {k: v.value for k, v in layers.values(name, problem).items()}
        if own := {k: v for k, v in values.items() if k not in params or params[k] != v}:
            params_for[problem] = own
        if edges := layers.at_edge(name, problem):
            at_edge[problem] = edges
    base = layers.chain(name)[-2:-1]
    found = {
        "like": base[0] if base else None,
        **{key: said.get(key) for key in ("method", "label", "prior", "network")},
        "params": params,
        "params_for": params_for,
        "search": layers.field(name, "search") or {},
        "trials": layers.trials.get(name),
        "at_edge": at_edge,
    }
    return {key: value for key, value in found.items() if value is not None}


def _table(layers: Layers, name: str) -> dict[str, Any]:
    experiment, made = layers.experiments[name], layers.grids[name]
    rows = list(dict.fromkeys([*names_of(experiment), *made.values()])) or layers.main_rows()
    if name in layers.made and not experiment.ablation and "padis" in rows:
        rows += [row for row in layers.new_rows() if row not in rows]
    inline = [row for row in experiment.rows if isinstance(row, InlineRow)]
    plot, differences = experiment.plot, None
    if experiment.compare is not None:
        differences = [pair for pairs in experiment.compare for pair in _pairs(pairs, made)]
    table = {
        "problems": experiment.problems,
        "sweep": _sweep(made) if plot and plot.x == "cost" else None,
        "trials": experiment.trials,
        "rows": rows,
        "controls": experiment.controls,
        "caption": experiment.caption,
        "ablation": experiment.ablation,
        "extra": name not in layers.made,
        "published": experiment.published
        | {row.name: row.published for row in inline if row.published},
        "differences": differences,
        "plot": _plot(layers, name) if plot and plot.x != "cost" else None,
    }
    return {key: value for key, value in table.items() if value is not None}


def _pairs(pair: list[str], made: dict[tuple[str, str, Any], str]) -> list[list[str]]:
    """A pair of rows, or of those that a grid makes of them at every value."""
    first, second = pair
    if not {first, second} <= {row for row, _, _ in made}:
        return [pair]
    values = dict.fromkeys((axis, value) for row, axis, value in made if row == first)
    pairs = [[made.get((row, *value)) for row in pair] for value in values]
    return [found for found in pairs if None not in found and found[0] != found[1]]


def _sweep(made: dict[tuple[str, str, Any], str]) -> dict[str, dict[str, list[Any]]]:
    found: dict[str, dict[str, list[Any]]] = {}
    for row, axis, value in made:
        values = found.setdefault(row, {}).setdefault(axis, [])
        values += [] if value in OWN else [value]
    return found


def _plot(layers: Layers, name: str) -> dict[str, Any]:
    """The figure of an experiment: its lines, and those of the rows of its grid."""
    plot = layers.experiments[name].plot
    series: dict[str, list[Any]] = {
        label: [[value, row] for value, row in line.items()] for label, line in plot.lines.items()
    }
    for (row, axis, value), point in layers.grids[name].items():
        if axis == plot.x:
            series.setdefault(layers.field(row, "label") or row, []).append([value, point])
    if not series:
        axes = [axis for _, axis, _ in layers.grids[name]]
        hint = nearest(plot.x, {*axes, "cost"})
        raise ConfigError(f"experiments/{name}.plot.x: no axis of its grid is {plot.x!r}{hint}")
    return {"label": plot.label or plot.x, "series": series}


def asked(name: str | Path) -> dict[str, Any]:
    """What a user asks for by the name of a preset or of a YAML file."""
    return read(Path(name)) if Path(name).suffix else {"preset": str(name)}


def read(file: Path) -> dict[str, Any]:
    """Settings from a user's YAML file.

    Paths of plugins, of networks and of files that parameters of problems name are relative to its
    folder.

    Raises:
        ConfigError: the file is missing or cannot be read.
    """
    file = Path(file)
    try:
        found = read_yaml(file)
    except ConfigError as error:
        hint = f"; presets are {', '.join(presets())}" if not file.exists() else ""
        raise ConfigError(f"{error}{hint}") from None
    plugins = found.get("plugins")
    if isinstance(plugins, list) and all(isinstance(path, str) for path in plugins):
        found["plugins"] = [str(file.parent / Path(path).expanduser()) for path in plugins]
    for section, key in (("networks", "foreign"), ("problems", "params")):
        blocks = found.get(section)
        for block in blocks.values() if isinstance(blocks, dict) else ():
            named = block.get(key) if isinstance(block, dict) else None
            for name, value in named.items() if isinstance(named, dict) else ():
                if isinstance(value, str) and (section == "networks" or is_file(value)):
                    named[name] = str(file.absolute().parent / Path(value).expanduser())
    return found


def command(run: Path) -> str:
    """The command that makes a run (results/<name>), for messages."""
    name = Path(run).name
    if name == "quick":
        return "snakemake --cores all"
    settings = (
        f"--config preset={name}"
        if name in presets()
        else f"--configfile <the file with name: {name}>"
    )
    return f"snakemake --cores all {settings}"
