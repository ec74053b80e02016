"""The card of a method: one page that says how it does against the stored results of a run."""

from pathlib import Path
from typing import Any

import pandas as pd

from workflow.config.views import REFERENCE, labels_of, main_tables
from workflow.score import published
from workflow.score.scores import read_scores
from workflow.score.summary import SCORES, complete, difference, summarise
from workflow.show.candidate import Candidate, prepare, reconstruct, result, scores, steadiness
from workflow.show.cells import Table, html, plain
from workflow.show.figures import score_text
from workflow.show.html import COLOURS, png_uri, render
from workflow.show.score_table import score_table
from workflow.show.tables import cost_table
from workflow.store.arrays import StoreError, load_arrays
from workflow.store.files import write_text

OTHERS = (REFERENCE, "baseline")  # beside which the worst cases are shown


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
        StoreError: the run is not finished or damaged, or the method failed; where it did not fail
            on everything, the page is written.
    """
    candidate = prepare(file, run, params)
    failed = reconstruct(candidate, cores)
    said = "; ".join(f"no result on {', '.join(on)}: {why}" for why, on in failed.items())
    if set(candidate.problems) == {problem for on in failed.values() for problem in on}:
        raise StoreError(said)
    images = pd.concat([read_scores(run / "images.csv"), scores(candidate)], ignore_index=True)
    out = run / "cards" / f"{candidate.row}.html"
    write_text(out, page(candidate, images))
    if failed:
        raise StoreError(f"{said}; the rest is in {out}")
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
    rows = labels_of(config, list(dict.fromkeys([row, *(r for t in tables for r in t["rows"])])))
    pairs = [(row, other) for other in rows if other != row]
    summary = summarise(images, labels, rows, published.load(), differences=pairs)
    scored = score_table(summary, labels, rows, f"{rows[row]} among the rows of {config['name']}",
                         differences=pairs)  # fmt: skip
    _, record = result(candidate.folder, candidate.problems[0])
    done = summary[(summary["method"] == row) & (summary["status"] == "ok")]["problem"]
    return render(
        "card.html.j2",
        label=rows[row],
        name=row,
        run=config["name"],
        on=labels[candidate.problems[0]],
        params=record.get("params") or config["rows"][row]["params"],
        ranks=html(ranks(summary, labels, row)),
        scored=scored,
        scores=html(scored),
        cost=html(cost_table(summary, labels, {row: rows[row]})),
        steadiness=html(steadiness_table(steadiness(candidate), labels)),
        worst=[worst(candidate, p, images[images["problem"] == p]) for p in done],
        error_max=config["figures"]["error_max"],
        colours=COLOURS,
        made_with=record.get("made_with", {}),
    )


def ranks(summary: pd.DataFrame, problems: dict[str, str], row: str) -> Table:
    """Rank of a row among the complete ones, a line per problem."""
    complete_rows = summary[(summary["status"] == "ok") & ~summary["method"].str.contains(" - ")]
    lines = []
    for problem, label in problems.items():
        done = complete_rows[complete_rows["problem"] == problem].set_index("method")
        found = done[list(SCORES)].rank(ascending=False, method="min")
        of = (
            [f"{rank:.0f} of {len(done)}" for rank in found.loc[row]]
            if row in done.index
            else ["", ""]
        )
        lines.append([label, *of])
    return plain(["Problem", "Rank by PSNR", "Rank by SSIM"], lines, "lrr")


def steadiness_table(found: list[dict[str, Any]], problems: dict[str, str]) -> Table:
    """Lay out what ``workflow.show.candidate.steadiness`` found."""
    lines = []
    for line in found:
        seed = "draws nothing" if line["other_seed"] is None else f"{line['other_seed']:+.2f}"
        batch = f"{line['batch']:.1g}"
        batch += " (it should not depend on it)" if line["batch"] > 0.05 else ""
        psnr = f"{line['psnr']:.2f}"
        lines.append([problems[line["problem"]], line["images"], psnr, seed, batch])
    header = ["Problem", "Images", "PSNR (dB)", "Change with another seed (dB)"]
    return plain([*header, "Largest change of a pixel with the batch size"], lines, "lrrrr")


def worst(candidate: Candidate, problem: str, images: pd.DataFrame) -> dict[str, Any]:
    """The test image on which the method falls furthest behind PaDIS, else the one of lowest PSNR.

    Returns:
        An item of the gallery: problem, image, panels of truth, method and the rows compared.
    """
    rows = complete(images, [candidate.row, *OTHERS], SCORES)
    behind = rows[candidate.row]
    if REFERENCE in rows:
        behind = difference(behind, rows[REFERENCE])
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
