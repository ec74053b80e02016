"""python -m workflow weights: trained networks as one file, for other machines."""

from pathlib import Path
from typing import Annotated, Any

import typer

weights = typer.Typer(
    help="Take trained networks from one machine to another.",
    no_args_is_help=True,
    add_completion=False,
)
Zip = Annotated[Path, typer.Argument(help="file of `weights export`")]


def chosen(preset: str | None, configfile: Path | None) -> dict[str, Any]:
    """The configuration of the options --preset and --configfile, of which the file wins."""
    from workflow.config.resolve import read, resolve

    named = {"preset": preset} if preset else {}
    return resolve(named | (read(configfile) if configfile else {}))


@weights.command("export")
def export_(
    run: Annotated[Path, typer.Argument(help="results/<name>")],
    out: Annotated[Path | None, typer.Option(help="file, default <name>-networks.zip")] = None,
) -> None:
    """Write all trained networks of a run to one file."""
    from workflow.run.exchange import export

    print(*export(run, out), sep="\n")


@weights.command("import")
def import__(
    file: Zip,
    preset: Annotated[str | None, typer.Option(help="whose networks they are")] = None,
    configfile: Annotated[Path | None, typer.Option(help="YAML file over a preset")] = None,
    force: Annotated[bool, typer.Option(help="train what differs, import the others")] = False,
) -> None:
    """Let the next run of snakemake take networks from a file instead of training them."""
    from workflow.run.exchange import import_

    print(*import_(file, chosen(preset, configfile), force), sep="\n")


@weights.command("list")
def list_(file: Zip) -> None:
    """Say which networks a file holds."""
    from workflow.run.exchange import contents

    print(*contents(file), sep="\n")
