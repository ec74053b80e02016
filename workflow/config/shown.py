"""The jobs that show something: for each the part of a configuration that it reads."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from problems.datasets.base import SPLITS
from workflow.config import jobs, spec
from workflow.config.views import (
    CONTROLS,
    main_tables,
    networks_for,
    plain_label,
    rows_of,
    searches,
)

Config = dict[str, Any]


def show(config: Config, command: str, tables: list[str], name: str = "") -> spec.Show:
    """A table, figure or page about ``tables``: ``command`` is that of ``python -m workflow``."""
    settings = part(config, tables, command == "table")
    return _show(name or command, settings, jobs.plugins_of(config, settings["rows"]))


def page(config: Config, tables: list[str]) -> spec.Show:
    """A page about tables; ``data`` has the splits of datasets that those of `all` are made of."""
    job, used = show(config, "report", tables), set()
    for name in [name for name in tables if not config["tables"][name]["extra"]]:
        for problem in config["tables"][name]["problems"]:
            dataset, trained_on = (
                config["problems"][problem][k] for k in ("dataset", "trained_on")
            )
            used |= {(dataset, "test")}
            for row in rows_of(config, name):
                if networks_for(config, problem, row):
                    used |= {(trained_on, "train"), (trained_on, "validation")}
                used |= {(dataset, "train")} if row == "mean_image" else set()
    splits = {d: [s for s in SPLITS if (d, s) in used] for d in config["datasets"]}
    return replace(job, settings={**job.settings, "data": {d: s for d, s in splits.items() if s}})


def figure(config: Config, table: str) -> spec.Show:
    """Reconstructions of the rows of a table on one of its problems, which one does not matter."""
    settings = part(config, [table])
    chosen = {key: settings["tables"][table][key] for key in ("rows", "controls", "published")}
    shown = {key: settings[key] for key in ("figures", "rows")}
    return _show(table, {**shown, "tables": {table: chosen}})


def bare(command: str) -> spec.Show:
    """What reads nothing of a configuration."""
    return _show(command, {})


def run_card(config: Config) -> spec.Show:
    """The card of the run, which has the whole configuration."""
    return _show("run_card", config)


def generation(config: Config) -> spec.Show:
    """Samples of priors beside real images."""
    settings = config["generation"]
    priors = {name: config["priors"][name] for name in settings["priors"]}
    networks = {p["network"]: config["networks"][p["network"]] for p in priors.values()}
    shown = {"generation": settings, "priors": priors, "networks": networks}
    return _show("generation", shown)


def sensitivity(config: Config, parameter: str) -> spec.Show:
    """The trials of all searches against a parameter."""
    settings = {**part(config, list(config["tables"])), "tuning": config["tuning"]}
    for name, row in settings["rows"].items():
        row |= {k: v for k, v in config["rows"][name].items() if k in ("search", "like")}
    return _show(parameter, settings)


def tuned(config: Config) -> spec.Show:
    """The best of all searches."""
    searched = [
        {
            "problem": problem,
            "row": row,
            "label": plain_label(config["rows"][row]),
            "search": jobs.tune(config, problem, row).search,
        }
        for problem, row in searches(config)
    ]
    return _show("tuned", {"split": config["tuning"]["split"], "searches": searched})


def part(config: Config, tables: list[str], with_params: bool = False) -> Config:
    """What is shown of a configuration: a configuration without what other tables have.

    Rows have their label, be it that of their method, and ``with_params`` what they have for the
    problems shown, else their place among all rows and that of the row that they are like. Those
    that are like another one and in no main table come last.
    """
    main = {row for table in main_tables(config).values() for row in table["rows"]}
    order = sorted(config["rows"], key=lambda r: "like" in config["rows"][r] and r not in main)
    chosen = {name: config["tables"][name] for name in tables}
    problems = list(dict.fromkeys(p for table in chosen.values() for p in table["problems"]))
    names = dict.fromkeys(r for name in tables for r in rows_of(config, name) if r not in CONTROLS)
    rows = {}
    for name in names:
        row = {**config["rows"][name], "label": plain_label(config["rows"][name])}
        for key in ("params_for", "at_edge"):
            row[key] = {p: v for p, v in row[key].items() if p in problems}
        place, kin = order.index(name), order.index(row.get("like", name))
        shown = {"label": row["label"], "place": place, "kin": kin}
        rows[name] = row if with_params else shown
    kept = {key: config[key] for key in ("name", "differs", "means_nothing", "figures")}
    shown = {p: {key: config["problems"][p][key] for key in ("label", "dataset")} for p in problems}
    return {**kept, "tables": chosen, "problems": shown, "rows": rows}


def _show(name: str, settings: Config, plugins: Sequence[str] = ()) -> spec.Show:
    return spec.Show(name=name, settings=settings, plugins=list(plugins))
