"""Contents of the page about a run, and the files it reads; quick to import for the rules."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workflow.config.views import main_tables, rows_of, shown


def main_problems(config: dict[str, Any]) -> dict[str, list[str]]:
    """Problems of the main tables, each with rows and controls of the first table that has it."""
    found: dict[str, list[str]] = {}
    for name, table in main_tables(config).items():
        for problem in table["problems"]:
            found.setdefault(problem, rows_of(config, name))
    return found


def problem_labels(config: dict[str, Any], problems: Iterable[str]) -> dict[str, str]:
    """Names of problems to their labels."""
    return {problem: config["problems"][problem]["label"] for problem in problems}


def test_images(config: dict[str, Any], run: Path, problem: str) -> Path:
    """File of the test images of a problem."""
    return run / "data" / config["problems"][problem]["dataset"] / "test.npy"


def splits(config: dict[str, Any]) -> list[tuple[str, str]]:
    """(dataset, split) of the images used for the tables."""
    return [(dataset, split) for dataset, found in config["data"].items() for split in found]


def score_files(config: dict[str, Any], run: Path, tables: list[str]) -> list[Path]:
    """Scores of single images of the rows and controls of tables."""
    return [run / "scores" / problem / f"{row}.csv" for problem, row in shown(config, tables)]


def page_files(config: dict[str, Any], run: Path) -> list[Path]:
    """Files that a page of ``workflow.config.shown.page`` reads beside those it is given."""
    problems = main_problems(config)
    described = [run / "data" / dataset / split for dataset, split in splits(config)]
    return [
        *score_files(config, run, list(main_tables(config))),
        *(run / "tables" / f"{name}.csv" for name in main_tables(config)),
        *dict.fromkeys(test_images(config, run, problem) for problem in problems),
        *(path.with_suffix(suffix) for path in described for suffix in (".json", ".png")),
        *(
            run / "reconstructions" / p / f"{row}.npz"
            for p, rows in problems.items()
            for row in rows
        ),
    ]
