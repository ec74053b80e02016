"""The report: one page about a run that can be opened from a file, without a connection."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from problems.datasets.description import lines
from workflow.config.layers import Layers
from workflow.config.shown import page
from workflow.config.spec import Show
from workflow.config.views import NOT_IN_PAPER, labels_of, main_tables, title
from workflow.score.scores import read_scores
from workflow.show import cells, leaderboard
from workflow.show.contents import main_problems, problem_labels, splits, test_images
from workflow.show.figures import inner, score_text
from workflow.show.html import COLOURS, file_uri, panel, render, thumbnail_uri
from workflow.show.leaderboard import Board
from workflow.show.reference import run_card
from workflow.show.settings import to_copy
from workflow.store.arrays import load_arrays, load_record
from workflow.store.files import write_text
from workflow.store.images import load_images
from workflow.store.provenance import made_with


class Links(NamedTuple):
    """Where the page finds what else there is of its run."""

    tables: str
    images: str
    card: str


OWN = Links("../tables", "../images.csv", "../run.json")


def report(job: Show, out: Path, *shown: Path) -> None:
    """Write a page about the run, or about its main table while the rest is being made.

    Args:
        out: HTML file to write, in a folder of results/<name>;
            ``workflow.show.contents.page_files`` says what of the run is read.
        shown: tables (JSON), figures (PNG) and claims.csv to show besides.

    Once everything is made, the settings hold the whole configuration as ``config``, and the card
    of the run, run.json, is written too.
    """
    config, run = job.settings, out.parents[1]
    board, whole = leaderboard.read(config, run), config.get("config")
    made = run_card(run, whole, config["asked"])["made_with"] if whole else made_with({}, [])
    pictures = gallery(config, run, board) if board else []
    copied = _settings(whole, config["asked"], board) if whole and board else ""
    text = _page(
        config, list(shown), board, made, OWN,
        gallery=pictures, data=_data(config, run), settings=copied,
    )  # fmt: skip
    write_text(out, text)


def reference_page(run: Path, out: Path) -> None:
    """Write the page about a run of results/reference (HTML): with figures instead of a gallery."""
    card = load_record(run / "run.json")
    tables = [name for name, table in card["config"]["tables"].items() if not table["extra"]]
    tables.sort(key=lambda name: name != "table1")  # those of a card are in alphabetical order
    config = page(card["config"], tables, card["asked"]).settings
    board = leaderboard.read(config, run, read_scores(run / "images.csv"))
    main = next(iter(main_tables(config)))
    figures = [
        {"label": label, "picture": file_uri(run / "figures" / main / f"{problem}.png")}
        for problem, label in problem_labels(config, config["tables"][main]["problems"]).items()
    ]
    where = f"../results/reference/{run.name}"
    links = Links(f"{where}/tables/{main}/", f"{where}/images.csv", f"{where}/run.json")
    names = [*tables, "generation", "training", "metrics", "claims"]
    found = [run / "tables" / f"{name}.json" for name in names]
    found += [run / "figures" / f"{name}.png" for name in names]
    found = [path for path in [*found, run / "tables/claims.csv"] if path.exists()]
    copied = _settings(card["config"], card["asked"], board)
    text = _page(config, found, board, card["made_with"], links, figures=figures, settings=copied)
    write_text(out, text)


def _page(
    config: dict[str, Any],
    shown: list[Path],
    board: Board | None,
    made: dict[str, Any],
    links: Links,
    gallery: Sequence[dict[str, Any]] = (),
    figures: Sequence[dict[str, str]] = (),
    data: Sequence[dict[str, Any]] = (),
    settings: str = "",
) -> str:
    """The page about a run, of what is read of it.

    Args:
        shown: tables (JSON), figures (PNG) and claims.csv.
        made: what the run was made with.
        gallery: reconstructions of single images, or
        figures: label and picture of all reconstructions of a problem.
        data: description and contact sheet of every split.
        settings: parameters to copy.
    """
    files, whole = {path.name: path for path in shown}, config.get("config")
    judged, tables = not config["means_nothing"], config["tables"]
    sweeps = [name for name, table in tables.items() if "sweep" in table]
    return render(
        "index.html.j2",
        links=links,
        name=config["name"],
        differs=config["differs"],
        means_nothing=config["means_nothing"],
        failed=_failed(config, board) if board else [],
        board=board,
        scores=leaderboard.scores(board, judged) if board else {},
        resolution=leaderboard.resolution(board) if board else {},
        few=leaderboard.few(board) if board else [],
        marked=bool(board) and any(NOT_IN_PAPER in label for label in board.rows.values()),
        first=leaderboard.first(board) if board and judged else {},
        differences=leaderboard.difference_plots(board) if board else [],
        costs=leaderboard.cost_plots(board) if board else [],
        gallery=gallery,
        figures=figures,
        error_max=config["figures"]["error_max"],
        colours=COLOURS,
        ablations=_parts(files, [name for name, t in tables.items() if t["ablation"]]),
        budgets=[part for part in _parts(files, sweeps) if part["picture"]],
        generation=_part(files, "generation"),
        training=_part(files, "training"),
        metrics=_part(files, "metrics") if judged else None,
        claims=_part(files, "claims") if judged else None,
        ledger=_ledger(config, files["claims.csv"]) if judged and "claims.csv" in files else [],
        data=data,
        settings=settings,
        made_with=made,
        config=json.dumps(whole, indent=1, sort_keys=True) if whole else "",
    )


def _settings(config: dict[str, Any], asked: dict[str, Any], board: Board) -> str:
    """The parameters of the rows of a board, to copy."""
    return to_copy(config, Layers(asked), board.rows, board.problems)


def _failed(config: dict[str, Any], board: Board) -> list[tuple[str, str]]:
    """Rows that have no result, with the reason."""
    failed = board.images[board.images["status"] == "failed"].sort_values(["problem", "method"])
    labels = labels_of(config, list(failed["method"].unique()))
    return [
        (f"{labels[row]} on {config['problems'][problem]['label']}", reason)
        for problem, row, reason in failed[["problem", "method", "reason"]].itertuples(index=False)
    ]


def gallery(config: dict[str, Any], run: Path, board: Board) -> list[dict[str, Any]]:
    """Truth, reconstructions and controls of some test images of every problem.

    Returns:
        Items of ``gallery.html.j2``.
    """
    items = []
    for problem, rows in main_problems(config).items():
        truth = load_images(test_images(config, run, problem))
        found = board.of(problem).set_index(["method", "image", "seed"]).sort_index()
        chosen = inner(len(truth.ids), config["figures"]["images"])
        panels = {n: [panel("Truth", truth.pixels[n])] for n in chosen}
        for row, label in labels_of(config, rows).items():
            path = run / "reconstructions" / problem / f"{row}.npz"
            shown = [n for n in chosen if (row, truth.ids[n], 0) in found.index]
            pixels = load_arrays(path)["x_hat"] if shown else []
            for n in shown:
                score = score_text(found.loc[(row, truth.ids[n], 0)])
                panels[n].append(panel(label, pixels[n], score, row=row))
        label = board.problems[problem]
        items += [{"problem": label, "image": truth.ids[n], "panels": panels[n]} for n in chosen]
    return items


def _data(config: dict[str, Any], run: Path) -> list[dict[str, Any]]:
    """Description and contact sheet of every split that the tables are made of."""
    found = []
    for dataset, split in splits(config):
        path = run / "data" / dataset / f"{split}.json"
        sheet = thumbnail_uri(path.with_suffix(".png"))
        described = lines(f"{title(dataset)}, {split}", load_record(path))
        found.append({"lines": described, "sheet": sheet})
    return found


def _part(files: dict[str, Path], name: str) -> dict[str, Any] | None:
    """Caption, first table and picture of a part of the page, None if there is no such table."""
    if f"{name}.json" not in files:
        return None
    table = next(iter(cells.load(files[f"{name}.json"]).values()))
    picture = files.get(f"{name}.png")
    return {"name": title(name), "table": table, "html": cells.html(table),
            "picture": file_uri(picture) if picture else None}  # fmt: skip


def _parts(files: dict[str, Path], names: list[str]) -> list[dict[str, Any]]:
    return [part for part in (_part(files, name) for name in names) if part]


def _ledger(config: dict[str, Any], path: Path) -> list[dict[str, Any]]:
    """One line per order of two rows and score."""
    claims = pd.read_csv(path).fillna({"table": ""}).to_dict("records")
    labels = labels_of(config, list({line[key] for line in claims for key in ("row", "other")}))
    for line in claims:
        digits = 2 if line["score"] == "psnr" else 3
        line |= {"row": labels[line["row"]], "other": labels[line["other"]]}
        line["problem"] = config["problems"][line["problem"]]["label"]
        line["paper_says"] = f"{line['published']:+.{digits}f}"
        line["table"] = title(line["table"])
        known = line["verdict"] != "not run"
        line["we_find"] = f"{line['ours']:+.{digits}f} ± {line['ci95']:.{digits}f}" * known or "-"
    return claims
