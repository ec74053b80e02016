"""The card of a method: one page that says how it does against the stored results of a run."""

from pathlib import Path
from typing import Any

import pandas as pd

from workflow.config.resolve import REFERENCE, label_of, labels_of
from workflow.score import published
from workflow.score.scores import read_scores
from workflow.score.summary import SCORES, complete, summarise
from workflow.score.summary import difference as subtract
from workflow.show.candidate import Candidate, prepare, reconstruct, result, scores, steadiness
from workflow.show.cells import Table, cell, html, plain
from workflow.show.contents import main_tables
from workflow.show.figures import score_text
from workflow.show.html import COLOURS, png_uri, render
from workflow.show.score_table import by_place, difference, ours
from workflow.show.tables import cost_table
from workflow.store.arrays import load_arrays
from workflow.store.files import write_text

OTHERS = (REFERENCE, "baseline")  # with which a method is compared, beside the best


def method_card(file: Path, run: Path, params: dict[str, Any], cores: int) -> Path:
    """Run the method of ``file`` on the problems of ``run`` and write its card.

    Args:
        file: with one subclass of ``Method``.
        run: folder of a finished run, results/<name>.
        params: parameters that differ from the defaults.
        cores: problems that are worked on at a time.

    Returns:
        The page, results/<name>/cards/<method>.html.

    Raises:
        PluginError: the file defines no method, or has other parameters.
        StoreError: the run is not finished or damaged.
    """
    candidate = prepare(file, run, params)
    reconstruct(candidate, cores)
    images = pd.concat([read_scores(run / "images.csv"), scores(candidate)], ignore_index=True)
    out = run / "cards" / f"{candidate.row}.html"
    write_text(out, page(candidate, images))
    return out


def page(candidate: Candidate, images: pd.DataFrame) -> str:
    """The card as HTML.

    Args:
        candidate: what was run.
        images: scores of the run and of the method.
    """
    config, row = candidate.config, candidate.row
    labels = {problem: config["problems"][problem]["label"] for problem in candidate.problems}
    tables = main_tables(config).values()
    others = [name for name in dict.fromkeys(r for t in tables for r in t["rows"]) if name != row]
    pairs = [(row, other) for other in others]
    summary = summarise(images, labels, [row, *others], published.load(), differences=pairs)
    _, record = result(candidate.folder, candidate.problems[0])
    done = summary[(summary["method"] == row) & (summary["status"] == "ok")]["problem"]
    items = [worst(candidate, p, images[images["problem"] == p]) for p in done]
    return render(
        "card.html.j2",
        label=label_of(config["rows"][row]),
        name=row,
        run=config["name"],
        on=labels[candidate.problems[0]],
        params=record.get("params") or config["rows"][row]["params"],
        scores=html(score_lines(summary, labels, row, others)),
        differences=html(difference_lines(summary, labels, row, labels_of(config, others))),
        cost=html(cost_table(summary, labels, {row: label_of(config["rows"][row])})),
        steadiness=html(steadiness_lines(steadiness(candidate), labels)),
        worst=items,
        error_max=config["figures"]["error_max"],
        colours=COLOURS,
        made_with=record.get("made_with", {}),
    )


def score_lines(
    summary: pd.DataFrame, problems: dict[str, str], row: str, others: list[str]
) -> Table:
    """Rank of a row among the complete ones and its scores, a line per problem."""
    lines, rows = by_place(summary), []
    for problem, label in problems.items():
        own, ranks = lines[problem, row], ["-", "-"]
        if own["status"] == "ok":
            done = [lines[problem, o] for o in others if lines[problem, o]["status"] == "ok"]
            better = [sum(line[score] > own[score] for line in done) for score in SCORES]
            ranks = [f"{count + 1} of {len(done) + 1}" for count in better]
        failed = f"{own['status']}: {own['reason']}"
        scored = ours(own) if own["status"] == "ok" else cell(failed)
        rows.append([cell(label), *map(cell, ranks), scored])
    header = ["Problem", "Rank by PSNR", "Rank by SSIM", "PSNR (dB) / SSIM"]
    return Table([("", name) for name in header], [rows], "lrrr")


def difference_lines(
    summary: pd.DataFrame, problems: dict[str, str], row: str, others: dict[str, str]
) -> Table:
    """Differences of a row to the best of the others, to PaDIS and to the baseline."""
    lines, rows = by_place(summary), []
    for problem, label in problems.items():
        done = [other for other in others if lines[problem, other]["status"] == "ok"]
        if not done or lines[problem, row]["status"] != "ok":
            continue
        best = max(done, key=lambda other: lines[problem, other]["psnr"])
        for other in dict.fromkeys([best, *(name for name in OTHERS if name in done)]):
            name = f"{others[other]}, the best" if other == best else others[other]
            shown = difference(lines[problem, f"{row} - {other}"])
            rows.append([cell(label), cell(name), shown])
    header = ["Problem", "minus", "PSNR (dB) / SSIM"]
    return Table([("", name) for name in header], [rows], "llr")


def steadiness_lines(found: list[dict[str, Any]], problems: dict[str, str]) -> Table:
    """Lay out what ``workflow.show.candidate.steadiness`` found."""
    lines = []
    for line in found:
        seed = "draws nothing" if line["other_seed"] is None else f"{line['other_seed']:+.2f}"
        batch = f"{line['batch']:.1g}"
        batch += " (it should not depend on it)" if line["batch"] > 0.05 else ""
        psnr = f"{line['psnr']:.2f}"
        lines.append([problems[line["problem"]], line["images"], psnr, seed, batch])
    header = ["Problem", "Images", "PSNR (dB)", "Change with another seed (dB)"]
    return plain([*header, "Largest change of a pixel with the batch size"], lines, "lrrrr", "")


def worst(candidate: Candidate, problem: str, images: pd.DataFrame) -> dict[str, Any]:
    """The test image on which the method falls furthest behind PaDIS, else the one of lowest PSNR.

    Returns:
        An item of the gallery: problem, image, panels of truth, method and the rows compared.
    """
    rows = complete(images, [candidate.row, *OTHERS], SCORES)
    behind = rows[candidate.row]
    if REFERENCE in rows:
        behind = subtract(behind, rows[REFERENCE])
    image, truth = behind["psnr"].idxmin(), candidate.truth(problem)
    number = truth.ids.index(image)
    panels = [{"label": "Truth", "uri": png_uri(truth.pixels[number]), "score": ""}]
    for name, label in labels_of(candidate.config, list(rows)).items():
        own = name == candidate.row
        folder = candidate.folder if own else candidate.run / "reconstructions"
        path = folder / f"{problem}.npz" if own else folder / problem / f"{name}.npz"
        uri = png_uri(load_arrays(path)["x_hat"][number])
        panels.append({"label": label, "uri": uri, "score": score_text(rows[name].loc[image])})
    label = candidate.config["problems"][problem]["label"]
    return {"problem": label, "image": image, "panels": panels, "behind": REFERENCE in rows}
