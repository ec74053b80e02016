"""The configuration: common.yaml, a preset, rows, experiments, tuned values and a user's file.

    presets/common.yaml   problems, priors and what else all presets share
    presets/<preset>.yaml sizes, data sets, recipes of networks, lengths; experiments that it makes
    rows.yaml             a block per row
    experiments/          a file per table; experiments/<preset>/ has those of one preset
    tuned/<preset>.csv    values that searches found: a line per row and problem
    a user's file         the same words as a preset, over all

A row has, from weakest to strongest: defaults of the method, then for the row that it is ``from``
and for itself what rows.yaml, the preset, the search of this problem and the user's file give it.
"""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from problems.datasets.reading.files import root_of
from problems.files import is_file
from workflow.config.blocks import Experiment, InlineRow
from workflow.config.check import check_names
from workflow.config.entry import mistake
from workflow.config.layers import OWN, YOURS, Layers, over, points_of, presets
from workflow.config.schema import Config
from workflow.config.views import split_datasets
from workflow.config.yaml import ConfigError, read_yaml
from workflow.plugins.discovery import described, use
from workflow.plugins.params import PluginError, nearest


def resolve(overrides: dict[str, Any]) -> dict[str, Any]:
    """Return the full configuration for ``overrides``, which may name a ``preset``.

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
    config = {k: v for k, v in layers.config.items() if k != "experiments"}
    config["datasets"] = {n: _dataset(layers, n) for n in layers.config.get("datasets", {})}
    config["problems"] = {n: _problem(layers, n) for n in layers.config.get("problems", {})}
    config["tables"] = {}
    for name, experiment in layers.experiments.items():
        config["tables"][name] = table_of(layers, name, experiment)
    config["networks"] = {name: _network(layers, name) for name in layers.networks}
    config["rows"] = {name: _row(layers, name, config["problems"]) for name in layers.rows}
    use(layers.config.get("plugins", []))
    yours = layers.files[YOURS].get("rows", {})  # shipped rows have a prior and a label
    config["rows"] |= described(
        {n: row for n, row in config["rows"].items() if n in yours and "method" in row}
    )
    labels: dict[str, str] = {}
    for name, row in config["rows"].items():
        if "label" in row and labels.setdefault(row["label"], name) != name:
            other = labels[row["label"]]
            raise ConfigError(
                f"rows.{name}: {other} has the label {row['label']!r} too; choose another"
            )
    return config


def _dataset(layers: Layers, name: str) -> dict[str, Any]:
    entry = dict(layers.config["datasets"][name])
    base = entry.pop("from", None)
    if base is None:
        return entry
    if base not in layers.config["datasets"] or "from" in layers.config["datasets"][base]:
        hint = nearest(base, [n for n in layers.config["datasets"] if n != name])
        raise ConfigError(f"datasets.{name}.from: unknown dataset {base!r}{hint}")
    return over(layers.config["datasets"][base], entry)


def _problem(layers: Layers, name: str) -> dict[str, Any]:
    entry = dict(layers.config["problems"][name])
    base = entry.pop("from", None)
    if base is None:
        return entry
    if base not in layers.config["problems"]:
        hint = nearest(base, layers.config["problems"])
        raise ConfigError(f"problems.{name}.from: unknown problem {base!r}{hint}")
    found = _problem(layers, base)
    trained_on = found.get("trained_on", found.get("dataset"))
    kept = {k: found[k] for k in ("family", "params", "dataset") if k in found}
    return {"trained_on": trained_on, "like": base, **over(kept, entry)}


def _network(layers: Layers, name: str) -> dict[str, Any]:
    block = layers.networks[name]
    base: dict[str, Any] = {}
    if block.from_:
        if block.from_ not in layers.networks:
            hint = nearest(block.from_, layers.networks)
            raise ConfigError(f"networks.{name}.from: unknown network {block.from_!r}{hint}")
        base = _network(layers, block.from_)
    parts = ("network", "training")
    found = {part: {**base.get(part, {}), **getattr(block, part)} for part in parts}
    found["at"] = dict(base.get("at", {}))
    for dataset, recipe in block.at.items():
        before = found["at"].get(dataset, {})
        found["at"][dataset] = {p: {**before.get(p, {}), **getattr(recipe, p)} for p in parts}
    found["images"] = block.images or base.get("images")
    foreign = block.foreign.model_dump() if block.foreign else base.get("foreign")
    return {**found, "foreign": foreign} if foreign else found


def _row(layers: Layers, name: str, problems: dict[str, Any]) -> dict[str, Any]:
    keys = ("method", "prior", "network", "search")
    found = {key: value for key in keys if (value := layers.field(name, key)) is not None}
    if label := layers.field(name, "label", own=True):
        found["label"] = label
    chain = layers.chain(name)
    if len(chain) > 1:
        found["like"] = chain[-2]
    found["only_named"] = True
    if name in layers.trials:
        found["trials"] = layers.trials[name]
    params = {k: v.value for k, v in layers.values(name, None).items()}
    found["params"], found["params_for"], found["at_edge"] = params, {}, {}
    for problem in problems:
        chosen = {k: v.value for k, v in layers.values(name, problem).items()}
        own = {k: v for k, v in chosen.items() if k not in params or params[k] != v}
        if own:
            found["params_for"][problem] = own
        if edges := layers.at_edge(name, problem):
            found["at_edge"][problem] = edges
    return found


def table_of(layers: Layers, name: str, experiment: Experiment) -> dict[str, Any]:
    """The table of an experiment; rows and networks that its grid needs are added to ``layers``."""
    place = f"experiments/{name}.yaml"
    rows = [row if isinstance(row, str) else row.name for row in experiment.rows]
    published = dict(experiment.published)
    for row in experiment.rows:
        if isinstance(row, InlineRow) and row.published:
            published[row.name] = row.published
    grids = experiment.grid if isinstance(experiment.grid, list) else [experiment.grid]
    points = [point for grid in grids if grid for point in points_of(layers, place, grid)]
    made = {(row, axis, value): found for row, axis, value, found in points}
    if experiment.trials:
        layers.trials |= dict.fromkeys(
            set(made.values()) - {r for r, *_ in made}, experiment.trials
        )
    rows = list(dict.fromkeys([*rows, *made.values()])) or layers.main_rows()
    if name in layers.made and not experiment.ablation and "padis" in rows:
        rows += [row for row in layers.new_rows() if row not in rows]
    table: dict[str, Any] = {
        "problems": experiment.problems,
        "rows": rows,
        "controls": experiment.controls,
        "caption": experiment.caption,
        "ablation": experiment.ablation,
        "extra": name not in layers.made,
        "published": published,
    }
    if experiment.trials:
        table["trials"] = experiment.trials
    if experiment.compare is not None:
        bases = {row for row, _, _ in made}
        table["differences"] = []
        for pair in experiment.compare:
            if set(pair) <= bases and points:
                values = dict.fromkeys((a, v) for row, a, v in made if row == pair[0])
                pairs = [[made.get((row, *value)) for row in pair] for value in values]
                table["differences"] += [p for p in pairs if None not in p and p[0] != p[1]]
            else:
                table["differences"].append(pair)
    if experiment.plot and experiment.plot.x == "cost":
        table["sweep"] = {}
        for row, axis, value in made:
            values = table["sweep"].setdefault(row, {}).setdefault(axis, [])
            values += [] if value in OWN else [value]
    elif experiment.plot:
        series: dict[str, list[Any]] = {
            label: [[value, row] for value, row in line.items()]
            for label, line in experiment.plot.lines.items()
        }
        for (row, axis, value), point in made.items():
            if axis == experiment.plot.x:
                series.setdefault(layers.field(row, "label") or row, []).append([value, point])
        table["plot"] = {"label": experiment.plot.label or experiment.plot.x, "series": series}
    return table


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
    try:
        found = read_yaml(Path(file))
    except ConfigError as error:
        hint = f"; presets are {', '.join(presets())}" if not Path(file).exists() else ""
        raise ConfigError(f"{error}{hint}") from None
    plugins = found.get("plugins")
    if isinstance(plugins, list) and all(isinstance(path, str) for path in plugins):
        found["plugins"] = [str(Path(file).parent / Path(p).expanduser()) for p in plugins]
    for (section, *_), named in with_files(found).items():
        for key, value in named.items():
            if isinstance(value, str) and (section == "networks" or is_file(value)):
                named[key] = str(Path(file).absolute().parent / Path(value).expanduser())
    return found


def with_files(settings: dict[str, Any]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """What may name files, in settings as they are written: `foreign` and `params` of problems."""
    found = {}
    for section, key in (("networks", "foreign"), ("problems", "params")):
        blocks = settings.get(section)
        for name, block in blocks.items() if isinstance(blocks, dict) else ():
            if isinstance(block, dict) and isinstance(block.get(key), dict):
                found[section, name, key] = block[key]
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
