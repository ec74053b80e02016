"""The card of a run, and the copy of its results that is committed and shown in the README."""

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.config.resolve import command
from workflow.plugins.discovery import ROOT
from workflow.score.scores import read_scores
from workflow.show.cells import Cell, Table, grid, load
from workflow.store.arrays import file_hash, load_record, save_record
from workflow.store.files import write_text
from workflow.store.provenance import hashes, made_with

README = ROOT / "README.md"
REFERENCES = ROOT / "results" / "reference"
KEPT = ("images.csv", "tables/*", "figures/**/*.png", "tuning/**/*.csv")
MARKS = "<!-- results/reference/{name}/tables/table1.md -->\n", "<!-- end -->\n"


def kept(run: Path) -> list[Path]:
    """Files of a run (results/<name>) that a reference keeps, beside its cards."""
    return sorted({path for pattern in KEPT for path in run.glob(pattern) if path.is_file()})


def run_card(run: Path, config: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Write run.json: what the run was made with, its configuration and hashes of its results.

    Args:
        run: results/<name>.
        config: the configuration.
        asked: the part of it that is not of the preset.
    """
    made = made_with({}, [])
    card = {"made_with": made, "results": hashes(kept(run)), "config": config, "asked": asked}
    save_record(run / "run.json", card)
    return card


def keep(run: Path, folder: Path = REFERENCES) -> Path:
    """Copy tables, figures, scores, trials and cards of ``run`` (results/<name>).

    Files of an earlier run are removed, except its trials if this run has none. The card has the
    hash of every other file that is kept (``files``).

    Raises:
        ValueError: the run is not complete, or is in ``folder``.
    """
    run = Path(run)
    if Path(folder).resolve() in run.resolve().parents:
        raise ValueError(f"{run} is a reference, not a run: name a folder such as results/quick")
    if not (run / "run.json").exists():
        raise ValueError(f"{run}/run.json is missing: run `{command(run)}` first")
    target = Path(folder) / run.name
    trials = target / "tuning"
    for old in [p for p in target.glob("*") if p != trials or (run / "tuning").is_dir()]:
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    copies = {path: path.relative_to(run) for path in kept(run)}
    records = (load_record(path) for path in run.glob("reconstructions/*/*.json"))
    priors = [record["spec"].get("prior") for record in records]
    trained = [prior for prior in priors if prior and not prior.get("foreign")]
    for name in {name for prior in trained for name in prior["networks"]}:
        copies[run.parent / "networks" / name / "card.json"] = Path("networks", f"{name}.json")
    for path, name in copies.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target / name)
    _write_scores(run, target)
    card = load_record(run / "run.json")
    card.pop("results", None)
    files = {str(p.relative_to(target)): p for p in sorted(target.rglob("*")) if p.is_file()}
    card["files"] = {name: file_hash(path) for name, path in files.items()}
    save_record(target / "run.json", card)
    return target


def _write_scores(run: Path, target: Path) -> None:
    """Write the scores of single images of all tables: images.csv, and samples.csv of samples."""
    shown: set[Path] = set()
    for path in run.glob("tables/*.csv"):
        table = pd.read_csv(path, dtype=str)
        if {"problem", "method"} <= set(table):
            lines = table[["problem", "method"]].itertuples(index=False)
            shown |= {run / "scores" / problem / f"{row}.csv" for problem, row in lines}
    frames = [read_scores(path) for path in sorted(shown) if path.is_file()]
    sampled = {name for frame in frames if "samples" in frame for name in frame["problem"]}
    for name, several in (("images.csv", False), ("samples.csv", True)):
        parts = [frame for frame in frames if (frame["problem"][0] in sampled) == several]
        if parts:
            write_text(target / name, pd.concat(parts, ignore_index=True).to_csv(index=False))


def in_short(table: Table) -> Table:
    """The PSNR of CT of the rows of a table of scores, without controls and differences."""

    def psnr(scores: Cell) -> Cell:
        texts = [text for text, _ in scores.parts]
        end = next((n for n, text in enumerate(texts, 1) if " / " in text), len(texts))
        parts = [(text.partition(" / ")[0], bold) for text, bold in scores.parts[:end]]
        return Cell(parts, scores.note)

    def head(of: str, own: str) -> tuple[str, str]:
        return of, re.sub(r" / [^)]*", "", own)  # what it resolves, of SSIM

    shown = [n for n, (of, _) in enumerate(table.header) if not of or of.startswith("CT")]
    rows = [[psnr(row[n]) for n in shown] for row in table.blocks[0]]
    return replace(table, header=[head(*table.header[n]) for n in shown], blocks=[rows],
                   align="".join(table.align[n] for n in shown))  # fmt: skip


def update_readme(target: Path, readme: Path = README) -> None:
    """Put the main table of the reference at ``target`` between its marks in the README, if any.

    It is shown ``in_short``.

    Raises:
        ValueError: the README has the first mark and not the second.
    """
    start, end = (mark.format(name=target.name) for mark in MARKS)
    text = readme.read_text()
    if start not in text:
        return
    before, rest = text.split(start, 1)
    if end not in rest:
        raise ValueError(f"{readme.name} has no line {end.strip()} after {start.strip()}")
    after = rest.split(end, 1)[1]
    shown = grid(in_short(load(target / "tables" / "table1.json")["scores"]))
    write_text(readme, f"{before}{start}\n{shown}\n\n{end}{after}")
