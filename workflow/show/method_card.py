"""The card of a method: one page that says how it does against the stored results of a run."""

from pathlib import Path
from typing import Any

import pandas as pd

from workflow.config.resolve import REFERENCE, label_of, labels_of
from workflow.score.scores import read_scores
from workflow.score.summary import SCORES, complete, difference, mean_of
from workflow.show.candidate import Candidate, prepare, reconstruct, result, scores, steadiness
from workflow.show.contents import main_tables
from workflow.show.figures import score_text
from workflow.show.html import COLOURS, png_uri, render
from workflow.store.arrays import load_arrays
from workflow.store.files import write_text

COST = ("denoiser_calls", "jacobian_calls", "forward_calls", "adjoint_calls", "seconds")
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
    config = candidate.config
    row = config["rows"][candidate.row]
    of = {problem: images[images["problem"] == problem] for problem in candidate.problems}
    compared = [compare(candidate, problem, images) for problem, images in of.items()]
    done = [found["problem"] for found in compared if found["status"] == "ok"]
    _, record = result(candidate.folder, candidate.problems[0])
    return render(
        "card.html.j2",
        label=label_of(row),
        name=candidate.row,
        run=config["name"],
        params=record.get("params") or row["params"],
        problems=compared,
        steadiness=steadiness(candidate),
        labels={problem: config["problems"][problem]["label"] for problem in candidate.problems},
        worst=[worst(candidate, problem, of[problem]) for problem in done],
        error_max=config["figures"]["error_max"],
        colours=COLOURS,
        made_with=record.get("made_with", {}),
    )


def compare(candidate: Candidate, problem: str, images: pd.DataFrame) -> dict[str, Any]:
    """Scores, rank, cost and paired differences of the method on one problem.

    Args:
        images: scores on this problem.

    Returns:
        problem, label, status and reason; if status is "ok" also the number of patients, per score
        of ``SCORES`` its mean (``workflow.score.summary.Mean``), rank and number of rows ranked,
        cost per image, and ``differences``: label of the other row to a mean per score.
    """
    own = images[images["method"] == candidate.row]
    status = "ok" if (own["status"] == "ok").all() else own["status"].iloc[0]
    found: dict[str, Any] = {
        "problem": problem,
        "label": candidate.config["problems"][problem]["label"],
        "status": status,
        "reason": "; ".join(own["reason"].unique()),
    }
    if status != "ok":
        return found
    rows = _complete(candidate, problem, images)
    mine = rows.pop(candidate.row)
    for score in SCORES:
        found[score] = mean_of(mine, score)
        better = sum(frame[score].mean() > mine[score].mean() for frame in rows.values())
        found[f"{score}_rank"] = better + 1
    found |= {"ranked": len(rows) + 1, "patients": mine["cluster"].nunique()}
    found["cost"] = mine[list(COST)].mean().to_dict()
    best = max(rows, key=lambda name: rows[name]["psnr"].mean())
    found["differences"] = {}
    others = [name for name in OTHERS if name in rows]
    for name, label in labels_of(candidate.config, [best, *others]).items():
        pairs = difference(mine, rows[name])
        label = f"{label}, the best" if name == best else label
        found["differences"][label] = {score: mean_of(pairs, score) for score in SCORES}
    return found


def _complete(candidate: Candidate, problem: str, images: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Scores and cost of the method and of the other complete rows of the main tables."""
    tables = [t for t in main_tables(candidate.config).values() if problem in t["problems"]]
    names = dict.fromkeys([candidate.row, *(row for table in tables for row in table["rows"])])
    return complete(images, names, [*SCORES, *COST])


def worst(candidate: Candidate, problem: str, images: pd.DataFrame) -> dict[str, Any]:
    """The test image on which the method falls furthest behind PaDIS, else the one of lowest PSNR.

    Returns:
        An item of the gallery: problem, image, panels of truth, method and the rows compared.
    """
    rows = _complete(candidate, problem, images)
    behind = rows[candidate.row]["psnr"]
    if REFERENCE in rows:
        behind = difference(rows[candidate.row], rows[REFERENCE])["psnr"]
    image = behind.idxmin()
    truth = candidate.truth(problem)
    number = truth.ids.index(image)
    panels = [{"label": "Truth", "uri": png_uri(truth.pixels[number]), "score": ""}]
    names = [candidate.row, *(name for name in OTHERS if name in rows)]
    for name, label in labels_of(candidate.config, names).items():
        folder = candidate.run / "reconstructions" / problem
        own = name == candidate.row
        path = candidate.folder / f"{problem}.npz" if own else folder / f"{name}.npz"
        uri = png_uri(load_arrays(path)["x_hat"][number])
        panels.append({"label": label, "uri": uri, "score": score_text(rows[name].loc[image])})
    return {
        "problem": candidate.config["problems"][problem]["label"],
        "image": image,
        "panels": panels,
        "behind": behind.min() if REFERENCE in rows else None,
    }
