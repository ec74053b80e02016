"""What the rules of ``evaluate.smk`` run: scores, tables and figures of finished work."""

from pathlib import Path
from typing import Any

from workflow.config.resolve import labels_of, rows_of, searched, searches
from workflow.store.arrays import (
    load_arrays,
    load_images,
    load_record,
)


def table(config: dict[str, Any], name: str, scores: list[Path], folder: Path) -> None:
    """Write one table as CSV, Markdown and LaTeX from the scores of its problems."""
    import pandas as pd

    from workflow.score import published
    from workflow.score.scores import read_scores
    from workflow.score.summary import summarise
    from workflow.show import protocol, tables

    settings = config["tables"][name]
    problems = {p: config["problems"][p]["label"] for p in settings["problems"]}
    rows = labels_of(config, settings["rows"])
    controls = labels_of(config, settings["controls"])
    images = pd.concat([read_scores(path) for path in scores], ignore_index=True)
    pairs = settings["differences"]
    summary = summarise(
        images, problems, rows, published.load(), settings["published"], pairs, controls
    )
    caption = settings["caption"] + (f" {tables.BARS}" if "plot" in settings else "")
    tables.write_table(
        Path(folder),
        name,
        summary,
        problems,
        rows,
        caption,
        controls,
        pairs,
        protocol.remarks(config, name),
        protocol.settings(config, name, summary),
    )


def claims(config: dict[str, Any], tables: list[Path], folder: Path) -> None:
    """Write the ledger of what the paper claims from the tables (CSV) that show its numbers."""
    import pandas as pd

    from workflow.show import claims

    frames = {path.stem: pd.read_csv(path) for path in map(Path, tables)}
    problems = {name: problem["label"] for name, problem in config["problems"].items()}
    labels = labels_of(config, list(config["rows"]))
    claims.write(Path(folder), frames, problems, labels, config["differs"])


def metrics(config: dict[str, Any], scores: Path, folder: Path) -> None:
    """Write whether the ranking in the tables survives another metric."""
    import pandas as pd

    from workflow.score import ranking
    from workflow.score.scores import read_scores
    from workflow.show import ranking as shown

    images, frames = read_scores(scores), []
    for name in config["tables"]:
        for problem in config["tables"][name]["problems"]:
            of_problem = images[images["problem"] == problem]
            found = ranking.compare(of_problem, config["tables"][name]["rows"])
            frames.append(found.assign(table=name, problem=problem))
    table = pd.concat(frames, ignore_index=True)
    table = table[["table", "problem", *table.columns.drop(["table", "problem"])]]
    problems = {name: problem["label"] for name, problem in config["problems"].items()}
    shown.write(Path(folder), table, problems, labels_of(config, list(config["rows"])))


def run_card(config: dict[str, Any], results: list[Path], code: str, out: Path) -> None:
    """Write what the run was made with, its configuration and the hashes of its results."""
    from workflow.store.arrays import save_record
    from workflow.store.provenance import hashes, made_with

    card = {"made_with": made_with(code, []), "results": hashes(results), "config": config}
    save_record(out, card)


def plot(config: dict[str, Any], name: str, scores: list[Path], out: Path) -> None:
    """Draw the plot of a table from the scores of its problems."""
    import pandas as pd

    from workflow.config.sweeps import points
    from workflow.score.scores import read_scores
    from workflow.show import budget, figures, plots

    settings = config["tables"][name]
    problems = {p: config["problems"][p]["label"] for p in settings["problems"]}
    images = pd.concat([read_scores(path) for path in scores], ignore_index=True)
    if "sweep" in settings:
        labels = labels_of(config, list(settings["sweep"]))
        rows = {
            labels[of]: [of, *(row for row, *_ in points(of, values))]
            for of, values in settings["sweep"].items()
        }
        drawn = budget.figure(budget.costs(images, rows), problems)
    else:
        plot = settings["plot"]
        drawn = plots.series_figure(images, problems, plot["series"], plot["label"])
    figures.save(drawn, out)


def figure(config: dict[str, Any], images: Path, rows: list[Path], out: Path) -> None:
    """Draw reconstructions of a few test images by the rows of a table, with error maps."""
    from workflow.score.scores import read_scores
    from workflow.show import figures

    truth, settings = load_images(images), config["figures"]
    ((table, _),) = config["tables"].items()
    chosen = figures.inner(len(truth.ids), settings["images"])
    shown, captions = {}, {}
    pixels = {path.stem: path for path in rows if path.suffix == ".npz"}
    scores = {path.stem: path for path in rows if path.suffix == ".csv"}
    for row in rows_of(config, table):
        frame = read_scores(scores[row])
        of_row = frame[frame["seed"] == 0].set_index("image")
        if of_row["status"].iloc[0] != "ok":
            continue
        label = labels_of(config, [row])[row]
        shown[label] = load_arrays(pixels[row])["x_hat"][chosen]
        values = of_row.loc[[truth.ids[i] for i in chosen], ["psnr", "ssim"]]
        captions[label] = [f"{p:.2f} dB / {s:.3f}" for p, s in values.to_numpy()]
    drawn = figures.reconstruction_figure(
        truth.pixels[chosen],
        shown,
        window=tuple(settings["window"]),
        error_max=settings["error_max"],
        titles=[truth.ids[i] for i in chosen],
        scores=captions,
    )
    figures.save(drawn, out, colours=256 if truth.pixels.shape[1] == 1 else None)


def sensitivity(config: dict[str, Any], parameter: str, paths: list[Path], out: Path) -> None:
    """Draw how the rows' PSNR on validation images depends on a parameter, from their trials."""
    import pandas as pd

    from workflow.show import figures, plots

    trials: dict[str, dict[str, pd.DataFrame]] = {}
    for (problem, row), path in zip(searches(config), paths, strict=True):
        settings = config["rows"][row]
        if parameter in settings["search"] and "like" not in settings:  # not the points of sweeps
            trials.setdefault(problem, {})[row] = pd.read_csv(path)
    labels = {name: problem["label"] for name, problem in config["problems"].items()}
    labels |= labels_of(config, list(config["rows"]))
    figures.save(plots.sensitivity_figure(trials, labels, parameter, searched(config)), out)


def training(files: list[Path], folder: Path) -> None:
    """Write the table of all trainings from their cards and validation curves."""
    from workflow.show import training

    cards, curves = _trained(files)
    training.write_table(Path(folder), training.summarise(cards, curves))


def validation(files: list[Path], out: Path) -> None:
    """Draw the validation curves of networks, a line of panels per dataset."""
    from workflow.show import figures, plots

    frames: dict[str, dict[str, Any]] = {}
    for card, curve in zip(*_trained(files), strict=True):
        frames.setdefault(card["dataset"], {})[card["name"]] = curve
    figures.save(plots.validation_figure(frames), out)


def _trained(files: list[Path]) -> tuple[list[dict[str, Any]], list[Any]]:
    """Cards (JSON) and validation curves (CSV) of the same networks in the same order."""
    import pandas as pd

    cards = [load_record(path) for path in files if path.suffix == ".json"]
    return cards, [pd.read_csv(path) for path in files if path.suffix == ".csv"]
