"""The report: one page about a run that can be opened from a file, without a connection."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.config.resolve import labels_of, rows_of
from workflow.show import leaderboard, plots
from workflow.show.figures import inner
from workflow.show.leaderboard import Board
from workflow.show.pages import COLOURS, file_uri, png_uri, render, svg, table_of
from workflow.store.arrays import load_arrays, load_images, load_record
from workflow.store.failures import failed
from workflow.store.files import write_text


def report(config: dict[str, Any], run: Path, out: Path) -> None:
    """Write the page of a run that is finished.

    Args:
        config: of the run.
        run: its folder, results/<name>.
        out: HTML file to write; links in it are relative to a folder in ``run``.
    """
    card = load_record(run / "run.json")
    board = leaderboard.read(config, run)
    reasons = {f"{p.stem} on {p.parent.name}": why for p, why in failed(run).items()}
    page = render(
        "index.html.j2",
        name=config["name"],
        differs=config["differs"],
        failed=reasons,
        board=board,
        scores=leaderboard.scores(board) if board else {},
        first=leaderboard.first(board) if board else {},
        plots=_plots(board) if board else {},
        gallery=gallery(config, run, board) if board else [],
        error_max=config["figures"]["error_max"],
        colours=COLOURS,
        ablations=_ablations(config, run),
        budgets=_budgets(config, run),
        generation=_shown(run, "generation") if "generation" in config else None,
        training=_shown(run, "training"),
        metrics=_shown(run, "metrics"),
        claims=_claims(config, run),
        made_with=card["made_with"],
        config=json.dumps(config, indent=1, sort_keys=True),
    )
    write_text(out, page)


def _plots(board: Board) -> dict[str, list[tuple[str, Any]]]:
    """Plots of a kind, each with the label of its problem."""
    found: dict[str, list[tuple[str, Any]]] = {"differences": [], "cost": []}
    for label, rows in leaderboard.differences(board).items():
        said = "; ".join(f"{row} {mean:+.2f} ± {wide:.2f} dB" for row, mean, wide in rows)
        drawn = svg(plots.difference_figure(rows, "PaDIS"), f"{label}, minus PaDIS: {said}")
        found["differences"].append((label, drawn))
    for label, rows in leaderboard.cost(board).items():
        said = "; ".join(f"{row} {psnr:.2f} dB in {time:.2g} s" for row, time, psnr in rows)
        found["cost"].append((label, svg(plots.cost_figure(rows), f"{label}: {said}")))
    return found


def gallery(config: dict[str, Any], run: Path, board: Board) -> list[dict[str, Any]]:
    """Truth, reconstructions and controls of some test images of every problem.

    Returns:
        Items of ``gallery.html.j2``.
    """
    items = []
    for problem, label in board.problems.items():
        truth = load_images(run / "data" / config["problems"][problem]["dataset"] / "test.npz")
        tables = [t for t in config["tables"] if problem in config["tables"][t]["problems"]]
        shown = [t for t in tables if not config["tables"][t]["ablation"]]
        rows = dict.fromkeys(row for t in shown[:1] for row in rows_of(config, t))
        labels = labels_of(config, list(rows))
        for number in inner(len(truth.ids), config["figures"]["images"]):
            image = truth.ids[number]
            panels = [{"label": "Truth", "uri": png_uri(truth.pixels[number]), "score": ""}]
            for row in rows:
                found = board.of(problem, row).set_index(["image", "seed"])
                if (image, 0) not in found.index:
                    continue
                score = found.loc[(image, 0)]
                pixels = load_arrays(run / "reconstructions" / problem / f"{row}.npz")["x_hat"]
                said = f"{score['psnr']:.2f} dB / {score['ssim']:.3f}"
                panel = {"label": labels[row], "uri": png_uri(pixels[number]), "score": said}
                panels.append(panel)
            items.append({"problem": label, "image": image, "panels": panels})
    return items


def _budgets(config: dict[str, Any], run: Path) -> list[dict[str, Any]]:
    """Tables of quality against cost, with their pictures, that the run has."""
    shown = [_shown(run, name) for name, t in config["tables"].items() if "sweep" in t]
    return [part for part in shown if part and part["picture"]]


def _ablations(config: dict[str, Any], run: Path) -> list[dict[str, Any]]:
    names = [n for n, t in config["tables"].items() if t["ablation"] and not t["extra"]]
    return [_shown(run, name) for name in names]


def _shown(run: Path, name: str) -> dict[str, Any] | None:
    """Caption, cells and picture of a table, None if the run has no such table."""
    path, picture = run / "tables" / f"{name}.md", run / "figures" / f"{name}.png"
    if not path.exists():
        return None
    caption, cells = table_of(path.read_text())
    uri = file_uri(picture) if picture.exists() else None
    return {"name": name, "caption": caption, "cells": cells, "picture": uri}


def _claims(config: dict[str, Any], run: Path) -> dict[str, Any] | None:
    """The ledger: counts as in its Markdown, and one line per order and score."""
    path = run / "tables" / "claims.csv"
    if not path.exists():
        return None
    caption, counts = table_of(path.with_suffix(".md").read_text())
    lines = pd.read_csv(path).fillna({"table": ""}).to_dict("records")
    labels = labels_of(config, list(config["rows"]))
    for line in lines:
        for key in ("row", "other"):
            line[key] = labels[line[key]]
        digits = 2 if line["score"] == "psnr" else 3
        line["problem"] = config["problems"][line["problem"]]["label"]
        line["paper_says"] = f"{line['published']:+.{digits}f}"
        known = line["verdict"] != "not run"
        line["we_find"] = f"{line['ours']:+.{digits}f} ± {line['ci95']:.{digits}f}" * known or "-"
    return {"caption": caption, "counts": counts, "lines": lines}
