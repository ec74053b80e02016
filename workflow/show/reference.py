"""Keeps what a run found under results/reference, and the README's table equal to it."""

import shutil
from pathlib import Path

from workflow.plugins.discovery import ROOT
from workflow.show.tables import RAN, RESOLVED, SEEDS
from workflow.store.files import write_text

README = ROOT / "README.md"
MARKS = "<!-- results/reference/{name}/tables/table1.md -->\n", "<!-- end -->\n"
FILES = ("config.json", "run.json", "images.csv", "tables/*", "figures/**/*.png", "tuning/**/*.csv")


def keep(run: Path, folder: Path = ROOT / "results" / "reference") -> Path:
    """Copy tables, figures, scores, trials and cards of ``run`` (results/<name>).

    What an earlier run left there is removed, apart from trials, if this run has none.

    Raises:
        ValueError: the run is not complete.
    """
    run = Path(run)
    if not (run / "run.json").exists():
        raise ValueError(f"{run}/run.json is missing: run `snakemake --cores all` first")
    target = Path(folder) / run.name
    trials = target / "tuning"
    for old in [p for p in target.glob("*") if p != trials or (run / "tuning").is_dir()]:
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    for path in [p for pattern in FILES for p in run.glob(pattern) if p.is_file()]:
        new = target / path.relative_to(run)
        new.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, new)
    for card in run.glob("networks/*/*/card.json"):
        new = target / "networks" / card.parts[-3] / f"{card.parts[-2]}.json"
        new.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(card, new)
    return target


def table_lines(markdown: str) -> list[str]:
    """Header, rows and controls of a table of scores, without the differences below them."""
    scores = markdown.split(SEEDS)[0].split(RAN)[0].splitlines()
    lines = [line for line in scores if line.startswith("|") and " minus " not in line]
    return [line for line in lines if not line.startswith(f"| {RESOLVED}")]


def update_readme(target: Path, readme: Path = README) -> None:
    """Put the main table of the reference at ``target`` between the marks in the README.

    Raises:
        ValueError: the README has no such marks.
    """
    start, end = (mark.format(name=target.name) for mark in MARKS)
    text = readme.read_text()
    if start not in text or end not in text.split(start, 1)[1]:
        raise ValueError(f"{readme.name} has no lines {start.strip()} and {end.strip()}")
    before, rest = text.split(start, 1)
    after = rest.split(end, 1)[1]
    found = (target / "tables" / "table1.md").read_text()
    table = "\n".join(table_lines(found))
    ran = found.split(RAN)[1].strip() if RAN in found else ""
    more = f"<details><summary>{RAN}</summary>\n\n{ran}\n\n</details>\n\n" if ran else ""
    write_text(readme, f"{before}{start}\n{table}\n\n{more}{end}{after}")
