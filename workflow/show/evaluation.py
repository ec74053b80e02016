"""What the rules of ``evaluate.smk`` run: scores, tables and figures of finished work."""

from pathlib import Path
from typing import Any

from workflow.config.resolve import rows_of
from workflow.store.arrays import (
    StoreError,
    arrays_hash,
    load_arrays,
    load_images,
    load_measurements,
    load_record,
)


def score(
    config: dict[str, Any],
    table: str,
    problem: str,
    images: Path,
    measurements: Path,
    folder: Path,
    out: Path,
) -> None:
    """Score the rows and controls of a table on one of its problems; write one line per image."""
    import pandas as pd

    from workflow.config.build import build_problem
    from workflow.score.metrics import score as score_row
    from workflow.score.scores import COLUMNS
    from workflow.store.files import write_text

    truth, measured = load_images(images), load_measurements(measurements)
    built = build_problem(config, problem, truth.pixels.shape[1:])
    frames = []
    for row in rows_of(config, table):
        record = load_record(Path(folder) / f"{row}.json")
        x_hat = load_arrays(Path(folder) / f"{row}.npz")["x_hat"]
        if arrays_hash(x_hat) != record.get("x_hat_sha256", arrays_hash(x_hat)):
            path = Path(folder) / f"{row}.npz"
            raise StoreError(f"{path} is damaged (wrong hash): delete it and run snakemake")
        frame = score_row(truth, measured["y"], built, x_hat, record)
        frames.append(frame.assign(problem=problem, method=row))
    scores = pd.concat(frames, ignore_index=True).reindex(columns=list(COLUMNS))
    write_text(out, scores.to_csv(index=False))


def collect(scores: list[Path], out: Path) -> None:
    """Put the scores of all tables and problems into one file, every row once."""
    import pandas as pd

    from workflow.score.scores import read_scores
    from workflow.store.files import write_text

    table = pd.concat([read_scores(path) for path in scores], ignore_index=True)
    table = table.drop_duplicates(["problem", "method", "variant", "seed", "image"])
    write_text(out, table.to_csv(index=False))
