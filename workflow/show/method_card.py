"""The card of a method: one page that says how it does against the stored results of a run."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from markupsafe import Markup

from workflow.config.resolve import command
from workflow.config.spec import Show
from workflow.config.views import REFERENCE, labels_of, main_tables
from workflow.plugins.contained import contained
from workflow.plugins.discovery import IMPORT_MINUTES, ROOT, defined_in, use
from workflow.plugins.params import PluginError
from workflow.score import published
from workflow.score.scores import read_all, read_scores
from workflow.score.summary import SCORES, complete, difference, summarise
from workflow.show.cells import Table, html, plain
from workflow.show.contents import main_problems, problem_labels, score_files, test_images
from workflow.show.figures import score_text
from workflow.show.html import COLOURS, panel, render
from workflow.show.leaderboard import difference_plot, differences
from workflow.show.plots import looks_of
from workflow.show.reference import REFERENCES
from workflow.show.tables import cost_table, score_table
from workflow.store.arrays import StoreError, load_arrays, load_record
from workflow.store.files import write_text
from workflow.store.images import load_images

OTHERS = (REFERENCE, "baseline")  # beside which the worst cases are shown


def method_card(job: Show, out: Path) -> None:
    """Write the card of a method (HTML): of the row of the table that the job names.

    Scores, images and reconstructions, of the main tables too, are read from the run,
    results/<name>, in which ``out`` is. Rows that have not been run are those of the reference of
    that name, which has their scores of single images.
    """
    config, run = job.settings, out.parents[1]
    own, tables = config["tables"][job.name], list(main_tables(config))
    (row,), labels = own["rows"], problem_labels(config, own["problems"])
    others = [r for table in tables for r in config["tables"][table]["rows"]]
    rows = labels_of(config, list(dict.fromkeys([row, *others])))
    files = score_files(config, run, [*tables, job.name])
    images = scores_of(files, REFERENCES / run.name)
    pairs = [(row, other) for other in rows if other != row]
    of_others = published.load()[:0]  # the paper's numbers are of other images
    summary = summarise(images, labels, rows, of_others, differences=pairs)
    caption = f"{rows[row]} among the rows of {config['name']}"
    scored = score_table(summary, labels, rows, caption)
    numbers = score_table(summary, labels, rows, caption, differences=pairs)
    numbers = replace(numbers, blocks=numbers.blocks[2:])
    left_out = [problem for problem in main_problems(config) if problem not in labels]
    record = load_record(run / "reconstructions" / next(iter(labels)) / f"{row}.json")
    done = summary[(summary["method"] == row) & (summary["status"] == "ok")]["problem"]
    page = render(
        "card.html.j2",
        label=rows[row],
        name=row,
        run=config["name"],
        reference=not all(file.exists() for file in files),
        left_out=problem_labels(config, left_out),
        on=next(iter(labels.values())),
        params=record["spec"]["params"],
        ranks=html(ranks(summary, labels, row)),
        scored=scored,
        scores=html(scored),
        plots=plots(config, summary, labels, rows, row),
        numbers=numbers,
        differences=html(numbers),
        cost=html(cost_table(summary, labels, {row: rows[row]})),
        worst=[worst(config, run, row, p, images[images["problem"] == p]) for p in done],
        error_max=config["figures"]["error_max"],
        colours=COLOURS,
        made_with=record.get("made_with", {}),
    )
    write_text(out, page)


def plots(
    config: dict[str, Any],
    summary: pd.DataFrame,
    problems: dict[str, str],
    rows: dict[str, str],
    row: str,
) -> list[tuple[str, Markup]]:
    """Per problem its label and how far ``row`` is ahead of the others, the nearest rival first."""
    found, looks, axis = [], looks_of(config, list(rows)), "PSNR minus that of the row (dB)"
    for problem, label in problems.items():
        lines = summary[summary["problem"] == problem].set_index("method")
        ahead = differences(lines, {other: f"{row} - {other}" for other in rows})
        ahead = dict(sorted(ahead.items(), key=lambda item: item[1].value))
        if ahead:
            found.append((label, difference_plot(ahead, rows, looks, axis, label)))
    return found


def scores_of(files: list[Path], reference: Path) -> pd.DataFrame:
    """Scores of single images in files of a run; of a reference those of files that are absent."""
    found = read_all(file for file in files if file.exists())
    absent = [(file.parent.name, file.stem) for file in files if not file.exists()]
    if not absent:
        return found
    stored = read_scores(reference / "images.csv")
    wanted = pd.MultiIndex.from_tuples(absent)
    kept = pd.MultiIndex.from_frame(stored[["problem", "method"]]).isin(wanted)
    return pd.concat([found, stored[kept]], ignore_index=True)


def ranks(summary: pd.DataFrame, problems: dict[str, str], row: str) -> Table:
    """Rank of a row among the complete ones, a line per problem."""
    complete_rows = summary[(summary["status"] == "ok") & ~summary["method"].str.contains(" - ")]
    lines = []
    for problem, label in problems.items():
        done = complete_rows[complete_rows["problem"] == problem].set_index("method")
        found = done[list(SCORES)].rank(ascending=False, method="min")
        own = ["", ""]
        if row in done.index:
            places = [(found.loc[row, score], done.loc[row, f"{score}_rank"]) for score in SCORES]
            own = [f"{place:.0f} of {len(done)}" + f" ({s})" * bool(s) for place, s in places]
        lines.append([label, *own])
    return plain(["Problem", "Rank by PSNR", "Rank by SSIM"], lines, "lrr")


def worst(
    config: dict[str, Any], run: Path, row: str, problem: str, images: pd.DataFrame
) -> dict[str, Any]:
    """The test image on which the method falls furthest behind PaDIS, else the one of lowest PSNR.

    Returns:
        An item of the gallery: problem, image, panels of truth, method and the rows compared.
    """
    rows = complete(images, [row, *OTHERS], SCORES)
    behind = rows[row]
    if REFERENCE in rows:
        behind = difference(behind, rows[REFERENCE])
    image, truth = behind["psnr"].idxmin(), load_images(test_images(config, run, problem))
    number = truth.ids.index(image)
    panels = [panel("Truth", truth.pixels[number])]
    for name, label in labels_of(config, list(rows)).items():
        path = run / "reconstructions" / problem / f"{name}.npz"
        if path.exists():
            score = score_text(rows[name].loc[image])
            panels.append(panel(label, load_arrays(path)["x_hat"][number], score))
    label = config["problems"][problem]["label"]
    return {"problem": label, "image": image, "panels": panels, "behind": REFERENCE in rows}


def card(
    file: Path,
    run: Path,
    params: dict[str, Any],
    cores: int,
    problems: list[str] | None = None,
    quick: bool = False,
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
        problems: some of those of the main tables; default are those of the first table, if
            ``quick`` the first of every dataset. Images and scores are the same; what is left out
            can be made later.

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
    problems = problems or config["tables"][next(iter(main_tables(config)))]["problems"]
    if quick:
        first = {config["problems"][problem]["dataset"]: problem for problem in reversed(problems)}
        problems = [problem for problem in problems if problem in first.values()]
    for problem in problems:
        if problem not in shown:
            raise PluginError(f"{run} has no problem {problem!r} in its main tables: {shown}")
    use([*config["plugins"], str(file.resolve())])
    kinds, reason = contained(lambda: [plugin.kind for plugin in defined_in(file)], IMPORT_MINUTES)
    if reason or "method" not in kinds:
        raise PluginError(reason or f"{file} defines no subclass of Method")
    name, row = file.stem, {"method": file.stem, "params": params, "search": {}}
    if name in config["rows"]:  # the file of a row of the run, tried again
        label = f"{config['rows'][name]['label']}, again"
        name, row = f"{name}_again", {"from": name, "params": params, "label": label}
    table = {
        "problems": problems, "rows": [name], "ablation": True, "compare": [],
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
    job = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    job += ["--cores", str(cores), "--configfile", str(settings), "--", str(page)]
    status = subprocess.run(job, check=False).returncode
    if page.exists():
        print(f"The card: {page}")
    return status
