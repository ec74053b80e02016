"""The scores of every image: one file per problem and row, and all of them in images.csv."""

from pathlib import Path

from workflow.config.build import build_problem
from workflow.config.machine import Machine
from workflow.config.spec import Score, parse
from workflow.score.metrics import score as score_row
from workflow.score.scores import COLUMNS
from workflow.store.arrays import (
    StoreError,
    arrays_hash,
    load_arrays,
    load_measurements,
    load_record,
)
from workflow.store.files import write_text
from workflow.store.images import load_images


def score(
    job: Score,
    out: Path,
    images: Path,
    measurements: Path,
    *reconstructions: Path,
    machine: Machine,
) -> None:
    """Score rows and controls on a problem; write one line per image.

    Args:
        out: CSV file of the first row; those of the others are written beside it.
        images: the truth.
        measurements: of the truth.
        reconstructions: NPZ files in the order of ``job.rows``, their records (JSON) beside them.

    Raises:
        StoreError: a reconstruction is damaged, of other images, or not of the job that is scored.
    """
    truth, measured = load_images(images), load_measurements(measurements)
    problem = build_problem(
        job.family, job.problem_params, truth.pixels.shape[1:], machine.operators
    )
    for row, path in zip(job.rows, reconstructions, strict=True):
        record, x_hat = load_record(path.with_suffix(".json")), load_arrays(path)["x_hat"]
        if "spec" not in record or parse(record["spec"]).hash != job.inputs[row]:
            raise StoreError(f"{path} is of another job: delete it and run snakemake")
        if arrays_hash(x_hat) != record.get("x_hat_sha256", arrays_hash(x_hat)):
            raise StoreError(f"{path} is damaged (wrong hash): delete it and run snakemake")
        frame = score_row(truth, measured["y"], problem, x_hat, record)
        frame = frame.assign(problem=job.problem, method=row).reindex(columns=list(COLUMNS))
        write_text(out.with_name(f"{row}.csv"), frame.to_csv(index=False))
