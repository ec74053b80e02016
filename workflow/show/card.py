"""The card of a method: one page that says how it does against the stored results of a run."""

from pathlib import Path
from typing import Any

import pandas as pd

from workflow.config.resolve import REFERENCE, label_of, labels_of
from workflow.score.intervals import half_width
from workflow.score.scores import read_scores
from workflow.score.summary import SCORES, difference, per_image
from workflow.show.pages import COLOURS, png_uri, render
from workflow.show.trial import Trial, prepare, reconstruct, result, scores, steadiness
from workflow.store.arrays import load_arrays
from workflow.store.files import write_text

COST = ("denoiser_calls", "jacobian_calls", "forward_calls", "adjoint_calls", "seconds")
OTHERS = (REFERENCE, "baseline")  # with which a method is compared, beside the best


def card(file: Path, run: Path, params: dict[str, Any], cores: int) -> Path:
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
    trial = prepare(file, run, params)
    reconstruct(trial, cores)
    images = pd.concat([read_scores(run / "images.csv"), scores(trial)], ignore_index=True)
    out = run / "cards" / f"{trial.row}.html"
    write_text(out, page(trial, images))
    return out


def page(trial: Trial, images: pd.DataFrame) -> str:
    """The card as HTML.

    Args:
        trial: what was run.
        images: scores of the run and of the method.
    """
    row = trial.config["rows"][trial.row]
    compared = [compare(trial, problem, images) for problem in trial.problems]
    _, record = result(trial.folder, trial.problems[0])
    return render(
        "card.html.j2",
        label=label_of(row),
        name=trial.row,
        run=trial.config["name"],
        params=record.get("params") or row["params"],
        problems=compared,
        steadiness=steadiness(trial).to_dict("records"),
        labels={name: problem["label"] for name, problem in trial.config["problems"].items()},
        worst=[worst(trial, p["problem"], images) for p in compared if p["status"] == "ok"],
        error_max=trial.config["figures"]["error_max"],
        colours=COLOURS,
        made_with=record.get("made_with", {}),
    )


def compare(trial: Trial, problem: str, images: pd.DataFrame) -> dict[str, Any]:
    """Scores, rank, cost and paired differences of the method on one problem.

    Returns:
        problem, label, status and reason; if status is "ok" also per score of ``SCORES`` its mean,
        half-width, rank and number of rows ranked, cost per image, and ``differences``: label of
        the other row to a (mean, half-width) per score.
    """
    of_problem = images[images["problem"] == problem]
    own = of_problem[of_problem["method"] == trial.row]
    status = "ok" if (own["status"] == "ok").all() else own["status"].iloc[0]
    found: dict[str, Any] = {
        "problem": problem,
        "label": trial.config["problems"][problem]["label"],
        "status": status,
        "reason": "; ".join(dict.fromkeys(own["reason"])),
    }
    if status != "ok":
        return found
    rows = _ranked(trial, problem, of_problem)
    scored = {name: per_image(group, list(SCORES)) for name, group in rows.items()}
    means = {name: frame[list(SCORES)].mean() for name, frame in scored.items()}
    mine = per_image(own, [*SCORES, *COST])
    for score in SCORES:
        found[score] = mine[score].mean(), half_width(mine[score], mine["cluster"])
        better = sum(means[name][score] > mine[score].mean() for name in rows)
        found[f"{score}_rank"] = better + 1
    found["ranked"] = len(rows) + 1
    found["cost"] = mine[list(COST)].mean().to_dict()
    best = max(rows, key=lambda name: means[name]["psnr"])
    labels = labels_of(trial.config, list(rows))
    found["differences"] = {}
    for name in dict.fromkeys([best, *(other for other in OTHERS if other in rows)]):
        pairs = difference(own, rows[name])
        label = f"{labels[name]}, the best" if name == best else labels[name]
        found["differences"][label] = {
            score: (pairs[score].mean(), half_width(pairs[score], pairs["cluster"]))
            for score in SCORES
        }
    return found


def _ranked(trial: Trial, problem: str, images: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Scores of the other rows of the main tables that are complete on a problem."""
    tables = trial.config["tables"].values()
    shown = [t for t in tables if problem in t["problems"] and not (t["ablation"] or t["extra"])]
    names = dict.fromkeys(row for table in shown for row in table["rows"])
    groups = {name: images[images["method"] == name] for name in names if name != trial.row}
    return {n: g for n, g in groups.items() if len(g) and (g["status"] == "ok").all()}


def worst(trial: Trial, problem: str, images: pd.DataFrame) -> dict[str, Any]:
    """The test image on which the method falls furthest behind PaDIS, else the one of lowest PSNR.

    Returns:
        An item of the gallery: problem, image, panels of truth, method and the rows compared.
    """
    of_problem = images[images["problem"] == problem]
    groups = dict(iter(of_problem.groupby("method")))
    own = per_image(groups[trial.row], list(SCORES))
    others = [name for name in OTHERS if name in _ranked(trial, problem, of_problem)]
    behind = own["psnr"]
    if REFERENCE in others:
        behind = difference(groups[trial.row], groups[REFERENCE])["psnr"]
    image = behind.idxmin()
    truth = trial.truth(problem)
    number = truth.ids.index(image)
    panels = [{"label": "Truth", "uri": png_uri(truth.pixels[number]), "score": ""}]
    labels = labels_of(trial.config, [trial.row, *others])
    for name in (trial.row, *others):
        path = trial.folder / f"{problem}.npz"
        if name != trial.row:
            path = trial.run / "reconstructions" / problem / f"{name}.npz"
        scored = per_image(groups[name], list(SCORES)).loc[image]
        said = f"{scored['psnr']:.2f} dB / {scored['ssim']:.3f}"
        pixels = load_arrays(path)["x_hat"][number]
        panels.append({"label": labels[name], "uri": png_uri(pixels), "score": said})
    return {
        "problem": trial.config["problems"][problem]["label"],
        "image": image,
        "panels": panels,
        "behind": behind.min() if REFERENCE in others else None,
    }
