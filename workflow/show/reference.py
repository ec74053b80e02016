"""Keeps what a run found under results/reference, and the README's table equal to it."""

import shutil
from dataclasses import replace
from pathlib import Path

from workflow.config.resolve import command
from workflow.plugins.discovery import ROOT
from workflow.show.cells import grid, load
from workflow.store.arrays import load_record
from workflow.store.files import write_text

README = ROOT / "README.md"
MARKS = "<!-- results/reference/{name}/tables/table1.md -->\n", "<!-- end -->\n"
FILES = ("run.json", "images.csv", "tables/*", "figures/**/*.png", "tuning/**/*.csv")


def keep(run: Path, folder: Path = ROOT / "results" / "reference") -> Path:
    """Copy tables, figures, scores, trials and cards of ``run`` (results/<name>).

    What an earlier run left there is removed, apart from trials, if this run has none.

    Raises:
        ValueError: the run is not complete.
    """
    run = Path(run)
    if not (run / "run.json").exists():
        raise ValueError(f"{run}/run.json is missing: run `{command(run)}` first")
    target = Path(folder) / run.name
    trials = target / "tuning"
    for old in [p for p in target.glob("*") if p != trials or (run / "tuning").is_dir()]:
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    kept = [path for pattern in FILES for path in run.glob(pattern) if path.is_file()]
    copies = {path: path.relative_to(run) for path in kept}
    records = (load_record(path) for path in run.glob("reconstructions/*/*.json"))
    priors = [record["spec"].get("prior") for record in records]
    for name in {name for prior in priors if prior for name in prior["networks"]}:
        copies[run.parent / "networks" / name / "card.json"] = Path("networks", f"{name}.json")
    for path, name in copies.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target / name)
    return target


def update_readme(target: Path, readme: Path = README) -> None:
    """Put the main table of the reference at ``target`` between the marks in the README.

    It has the rows, without controls and differences.

    Raises:
        ValueError: the README has no such marks.
    """
    start, end = (mark.format(name=target.name) for mark in MARKS)
    text = readme.read_text()
    if start not in text or end not in text.split(start, 1)[1]:
        raise ValueError(f"{readme.name} has no lines {start.strip()} and {end.strip()}")
    before, rest = text.split(start, 1)
    after = rest.split(end, 1)[1]
    scores = load(target / "tables" / "table1.json")["scores"]
    shown = grid(replace(scores, blocks=scores.blocks[:1]))
    write_text(readme, f"{before}{start}\n{shown}\n\n{end}{after}")
