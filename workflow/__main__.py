"""python -m workflow: every job of the DAG as one command, and what people ask for by hand."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from workflow.plugins.params import parsed
from workflow.run.contained import end_with_parent, fork, seal

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
hand = {"rich_help_panel": "By hand"}

Spec = Annotated[Path, typer.Argument(help="what the job reads: results/<name>/specs/<hash>.json")]
Out = Annotated[Path, typer.Option(help="file to write")]
Beside = Annotated[Path, typer.Option("--out", help="CSV file to write, others beside it")]
Files = Annotated[list[Path], typer.Argument(help="files that are shown")]
Given = Annotated[Path, typer.Option(help="an input: images or measurements (NPZ), or a folder")]
Weights = Annotated[Path | None, typer.Argument(help="of the network of the prior")]
Cache = Annotated[Path, typer.Option(envvar="BENCHMARK_CACHE", help="of operators' matrices")]
Kind = Annotated[Literal["method", "problem"], typer.Argument()]
Threads = Annotated[int, typer.Option(help="cores to use")]
Minutes = Annotated[
    float, typer.Option(envvar="BENCHMARK_MINUTES", help="of this attempt; 0 is no limit")
]
Truth = Annotated[
    list[Path], typer.Option(envvar="BENCHMARK_TRUTH", help="folders that no method may read")
]
Params = Annotated[str, typer.Option(help="parameters that differ from the defaults, as YAML")]
CACHE, DOWNLOADS = Path("results/cache/operators"), Path("results/cache/downloads")


def job(path: Path):
    """What a job reads; the plugins that it names can be imported afterwards."""
    from workflow.config.spec import load_spec
    from workflow.plugins.discovery import use

    found = load_spec(path)
    use(found.plugins)
    return found


@app.command()
def fetch(requirement: str, out: Annotated[Path, typer.Option(help="folder")]) -> None:
    """Download images, check their hashes and store them."""
    from problems.datasets.sources import fetch

    fetch(requirement, out)


@app.command()
def prepare(
    spec: Spec,
    out: Out,
    downloads: Annotated[Path, typer.Option(envvar="BENCHMARK_DOWNLOADS")] = DOWNLOADS,
) -> None:
    """Write the images of a split of a dataset."""
    from workflow.run.prepare import prepare

    prepare(job(spec), downloads, out)


@app.command()
def measure(spec: Spec, images: Given, out: Out, cache: Cache = CACHE) -> None:
    """Measure the test images of a problem."""
    from workflow.run.measure import measure

    measure(job(spec), images, out, cache)


@app.command()
def train(
    spec: Spec,
    images: Given,
    validation: Given,
    out: Out,
    threads: Threads = 1,
    checkpoint_seconds: Annotated[
        float, typer.Option(envvar="BENCHMARK_CHECKPOINT_SECONDS")
    ] = 30.0,
) -> None:
    """Train one network."""
    from workflow.run.train import train

    train(job(spec), images, validation, out, threads, checkpoint_seconds)


@app.command()
def reconstruct(
    spec: Spec,
    measurements: Path,
    out: Out,
    weights: Weights = None,
    cache: Cache = CACHE,
    threads: Threads = 1,
    minutes: Minutes = 0.0,
    truth: Truth = (),
) -> None:
    """Run one row on one problem."""
    reason = fork(60 * minutes if minutes else None)
    if reason:
        from workflow.run.reconstruct import give_up

        return give_up(job(spec), out, reason)
    seal(*truth)
    from workflow.run.reconstruct import reconstruct

    return reconstruct(job(spec), measurements, weights, out, cache, threads)


@app.command()
def controls(spec: Spec, out: Files, images: Given, train: Given, cache: Cache = CACHE) -> None:
    """Make the controls of a problem."""
    from workflow.run.controls import controls

    controls(job(spec), images, train, out, cache)


@app.command()
def tune(
    spec: Spec,
    images: Annotated[Path, typer.Argument(help="validation images")],
    out: Out,
    weights: Weights = None,
    cache: Cache = CACHE,
    threads: Threads = 1,
) -> None:
    """Try a row's search on validation images."""
    from workflow.run.tune import tune

    tune(job(spec), images, weights, out, cache, threads)


@app.command()
def tuned(spec: Spec, trials: Files, out: Out) -> None:
    """Write the best trials of all searches as a configuration."""
    from workflow.run.tuned import tuned

    tuned(job(spec).settings, trials, out)


@app.command()
def generate(spec: Spec, weights: Path, out: Out, threads: Threads = 1) -> None:
    """Sample a prior without a measurement."""
    from workflow.run.generate import generate

    generate(job(spec), weights, out, threads)


@app.command()
def score(
    spec: Spec, files: Files, images: Given, measurements: Given, cache: Cache = CACHE
) -> None:
    """Score rows on a problem; FILES are reconstructions (NPZ), then the scores to write (CSV)."""
    from workflow.score.images import score

    read, count = job(spec), len(files) // 2
    score(read, images, measurements, files[:count], files[count:], cache)


@app.command()
def collect(scores: Files, out: Out) -> None:
    """Put all scores into one table."""
    from workflow.score.images import collect

    collect(scores, out)


@app.command()
def table(spec: Spec, scores: Files, out: Beside) -> None:
    """Write a table as CSV, Markdown and LaTeX."""
    from workflow.show import evaluation

    read = job(spec)
    evaluation.table(read.settings, read.name, scores, out.parent)


@app.command()
def claims(spec: Spec, tables: Files, out: Beside) -> None:
    """Give the paper's claims a verdict."""
    from workflow.show import evaluation

    evaluation.claims(job(spec).settings, tables, out.parent)


@app.command()
def metrics(spec: Spec, scores: Path, out: Beside) -> None:
    """Compare the rankings by every metric."""
    from workflow.show import evaluation

    evaluation.metrics(job(spec).settings, scores, out.parent)


@app.command()
def figure(spec: Spec, rows: Files, images: Given, out: Out) -> None:
    """Draw reconstructions of the rows of a table and error maps; ROWS are NPZ files and scores."""
    from workflow.show import evaluation

    evaluation.figure(job(spec).settings, images, rows, out)


@app.command()
def plot(spec: Spec, scores: Files, out: Out) -> None:
    """Draw the plot of a table."""
    from workflow.show import evaluation

    read = job(spec)
    evaluation.plot(read.settings, read.name, scores, out)


@app.command()
def sensitivity(spec: Spec, trials: Files, out: Out) -> None:
    """Draw the trials of all searches against a parameter."""
    from workflow.show import evaluation

    read = job(spec)
    evaluation.sensitivity(read.settings, read.name, trials, out)


@app.command()
def training(files: Files, out: Beside) -> None:
    """Write the table of all trainings; FILES are their cards and validation curves."""
    from workflow.show import evaluation

    evaluation.training(files, out.parent)


@app.command()
def validation(files: Files, out: Out) -> None:
    """Draw validation curves of networks; FILES are their cards and validation curves."""
    from workflow.show import evaluation

    evaluation.validation(files, out)


@app.command()
def generation(spec: Spec, samples: Files, train: Given, test: Given, out: Out) -> None:
    """Compare samples of priors with real images."""
    from workflow.show.generation import report

    report(job(spec).settings, samples, train, test, out.parents[1])


@app.command(name="run_card")
def run_card(spec: Spec, results: Files, out: Out) -> None:
    """Write what the run was made with."""
    from workflow.show import evaluation

    read = job(spec)
    evaluation.run_card(read.settings, results, read.code, out)


@app.command()
def report(spec: Spec, card: Path, out: Out) -> None:
    """Write the page about a finished run."""
    from workflow.show.report import report

    report(job(spec).settings, card.parent, out)


@app.command(**hand)
def new(kind: Kind, name: str, out: Annotated[Path | None, typer.Option()] = None) -> None:
    """Write a new method or problem to change."""
    from workflow.plugins.scaffold import new

    print(new(kind, name, out))


@app.command(**hand)
def check(file: Path, params: Params = "{}") -> None:
    """Check the contract of a method, problem or dataset."""
    from workflow.run.check import check

    check(file, parsed(params))


@app.command(name="list", **hand)
def listing(plugins: Annotated[list[str], typer.Argument(help="files and folders")] = ()) -> None:
    """Show methods, problems, priors and datasets."""
    from workflow.show.listing import listing

    print(*listing(list(plugins)), sep="\n")


@app.command(**hand)
def card(
    file: Path,
    run: Annotated[Path, typer.Option(help="results/<name>")] = Path("results/quick"),
    params: Params = "{}",
    cores: int = os.cpu_count(),
) -> None:
    """Run a method on the problems of a finished run and write a page about it."""
    from workflow.show.card import card

    print(f"wrote {card(file, run, parsed(params), cores)}")


@app.command(**hand)
def verify(table: Path, images: int = 3, seed: int = 0, cache: Cache = CACHE) -> None:
    """Recompute images of a table, chosen at random."""
    from workflow.run.verify import verify

    print(*verify(table, images, seed, cache, 1), sep="\n")


@app.command(**hand)
def retry(run: Path) -> None:
    """Let the next run try again what failed in RUN (results/<name>)."""
    from workflow.store.failures import retry

    print(retry(run))


@app.command(**hand)
def reference(run: Path) -> None:
    """Copy a run (results/<name>) to results/reference, its main table to the README."""
    from workflow.show.reference import keep, update_readme

    update_readme(keep(run))


def main() -> None:
    """Entry point: bad input ends in one line and exit status 1."""
    end_with_parent()
    try:
        app()
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
