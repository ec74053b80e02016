"""The jobs that show something: for each the part of a configuration that it reads."""

from dataclasses import replace
from typing import Any

from problems.datasets.base import SPLITS
from workflow.config import spec
from workflow.config.jobs import outside
from workflow.config.views import (
    CONTROLS,
    main_tables,
    networks_for,
    plain_label,
    recipe,
    rows_of,
    searches,
    shown,
)
from workflow.plugins.discovery import find

Config = dict[str, Any]


def show(config: Config, command: str, tables: list[str], name: str = "") -> spec.Show:
    """A table, figure or page about ``tables``: ``command`` is that of ``python -m workflow``."""
    settings = part(config, tables, command == "table")
    methods = {config["rows"][row]["method"] for row in settings["rows"]}
    plugins = outside(*(find("method", method) for method in methods))
    return spec.Show(name=name or command, settings=settings, plugins=plugins)


def page(config: Config, tables: list[str], asked: Config | None = None) -> spec.Show:
    """A page about tables; ``data`` has the splits of datasets that those of `all` are made of.

    That about the finished run also has the whole configuration, as ``config``, and what the user
    ``asked`` for.
    """
    job, used = show(config, "report", tables), set()
    for problem, row in shown(config, [n for n in tables if not config["tables"][n]["extra"]]):
        dataset, trained_on = (config["problems"][problem][k] for k in ("dataset", "trained_on"))
        used |= {(dataset, "test")}
        if networks_for(config, problem, row):
            used |= {(trained_on, "train"), (trained_on, "validation")}
        used |= {(trained_on, "train")} if row == "mean_image" else set()
    splits = {d: [s for s in SPLITS if (d, s) in used] for d in config["datasets"]}
    settings = {**job.settings, "data": {d: s for d, s in splits.items() if s}}
    whole = {} if asked is None else {"config": config, "asked": asked}
    return replace(job, settings={**settings, **whole})


def training(drawn: list[str]) -> spec.Show:
    """The table of all trainings, with the validation curves of networks (names of folders)."""
    return spec.Show(name="training", settings={"drawn": drawn})


def generation(config: Config) -> spec.Show:
    """Samples of priors beside real images."""
    settings = config["generation"]
    priors = {name: config["priors"][name] for name in settings["priors"]}
    dataset = settings["dataset"]
    networks = {p["network"]: recipe(config, p["network"], dataset) for p in priors.values()}
    settings = {"generation": settings, "priors": priors, "networks": networks}
    return spec.Show(name="generation", settings=settings)


def sensitivity(config: Config, parameter: str) -> spec.Show:
    """The trials of all searches against a parameter."""
    settings = {**part(config, list(config["tables"])), "tuning": config["tuning"]}
    for name, row in settings["rows"].items():
        row |= {k: v for k, v in config["rows"][name].items() if k in ("search", "like")}
    return spec.Show(name=parameter, settings=settings)


def tuned(config: Config) -> spec.Show:
    """The best of all searches."""
    found = [(problem, row, config["rows"][row]) for problem, row in searches(config)]
    searched = [
        {"problem": problem, "row": name, "label": plain_label(row), "search": row["search"]}
        for problem, name, row in found
    ]
    settings = {"split": config["tuning"]["split"], "searches": searched}
    return spec.Show(name="tuned", settings=settings)


def exact(config: Config) -> spec.Show:
    """The distances of rows to exact posteriors."""
    chosen = config["exact"]
    kinds = ("priors", "problems", "rows")
    labels = {k: {name: entry["label"] for name, entry in chosen[k].items()} for k in kinds}
    settings = {**labels, "samples": chosen["samples"], "size": chosen["images"]["size"]}
    return spec.Show(name="exact", settings=settings)


def part(config: Config, tables: list[str], with_params: bool = False) -> Config:
    """What is shown of a configuration: a configuration without what other tables have.

    Rows have their label, be it that of their method, their place among all rows, where those that
    are like another one and in no main table come last, and that of the row that they are like;
    ``with_params`` also what they have for the problems shown.
    """
    main = {row for table in main_tables(config).values() for row in table["rows"]}
    order = sorted(config["rows"], key=lambda r: "like" in config["rows"][r] and r not in main)
    chosen = {name: config["tables"][name] for name in tables}
    problems = list(dict.fromkeys(p for table in chosen.values() for p in table["problems"]))
    names = dict.fromkeys(r for name in tables for r in rows_of(config, name) if r not in CONTROLS)
    rows = {}
    for name in names:
        row = config["rows"][name]
        place, kin = order.index(name), order.index(row.get("like", name))
        rows[name] = {"label": plain_label(row), "place": place, "kin": kin}
        if with_params:
            used = ("params_for", "at_edge")
            chosen_for = {k: {p: v for p, v in row[k].items() if p in problems} for k in used}
            rows[name] = {**row, **rows[name], **chosen_for}
    kept = {key: config[key] for key in ("name", "differs", "means_nothing", "figures")}
    labels = {
        p: {key: config["problems"][p][key] for key in ("label", "dataset")} for p in problems
    }
    return {**kept, "tables": chosen, "problems": labels, "rows": rows}
