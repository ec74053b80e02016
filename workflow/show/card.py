"""Runs a method from anywhere on the problems of a run, for its card."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from workflow.config.resolve import command
from workflow.plugins.discovery import defined_in, use
from workflow.plugins.params import PluginError
from workflow.show.contents import main_problems
from workflow.show.reference import REFERENCES
from workflow.store.arrays import StoreError, load_record
from workflow.store.files import write_text


def card(
    file: Path, run: Path, params: dict[str, Any], cores: int, problems: list[str] | None = None
) -> int:
    """Run the method of ``file`` beside the rows of ``run`` and write its card.

    The configuration of the run with a row and a table for the method is written to
    cards/<name>.yaml in ``run``; from it Snakemake makes cards/<name>.html. Where the run has not
    been made, the scores of the other rows are those of results/reference/<name>.

    Args:
        file: with one subclass of ``Method``.
        run: folder of a run, results/<name>.
        params: parameters that differ from the defaults.
        cores: jobs at a time.
        problems: some of those of the main tables; default is all.

    Returns:
        The exit status of Snakemake.

    Raises:
        PluginError: the file defines no method.
        StoreError: the run is not finished, and there is no reference of its name.
    """
    made_in = run if (run / "run.json").exists() else REFERENCES / run.name
    if not (made_in / "run.json").exists():
        raise StoreError(f"{run}/run.json is missing: run `{command(str(run))}` first")
    made = load_record(made_in / "run.json")
    if "asked" not in made:
        raise StoreError(f"{run} is of an older version: run `{command(str(run))}` again")
    config, asked = made["config"], made["asked"]
    shown = list(main_problems(config))
    if not shown:
        raise StoreError(f"{run} has no main table (table1), beside which a card shows a method")
    for problem in problems or []:
        if problem not in shown:
            raise PluginError(f"{run} has no problem {problem!r} in its main tables: {shown}")
    use([*config["plugins"], str(file.resolve())])
    if "method" not in [plugin.kind for plugin in defined_in(file)]:
        raise PluginError(f"{file} defines no subclass of Method")
    name, row = file.stem, {"method": file.stem, "params": params, "search": {}}
    if name in config["rows"]:  # the file of a row of the run, tried again
        old = config["rows"][name]
        name, row = (
            f"{name}_again",
            {"from": name, "params": params, "label": f"{old['label']}, again"},
        )
    table = {
        "problems": problems or shown, "rows": [name], "ablation": True, "compare": [],
        "caption": f"The method {name}.",
    }  # fmt: skip
    chosen = {
        **asked,
        "name": run.name,
        "plugins": [*config["plugins"], str(file.resolve())],
        "rows": {**asked.get("rows", {}), name: row},
        "tables": {**asked.get("tables", {}), name: table},
    }
    settings, page = run / "cards" / f"{name}.yaml", run / "cards" / f"{name}.html"
    write_text(settings, yaml.safe_dump(chosen, sort_keys=False))
    job = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--configfile", str(settings)]
    return subprocess.run([*job, "--", str(page)], check=False).returncode
