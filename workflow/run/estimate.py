"""Expected duration of a job, for the time left in the terminal."""

from math import prod

from workflow.config.spec import Generate, JobSpec, Reconstruct, Train, Tune

# Seconds on two cores in the preset quick. The display scales them by the jobs that have finished.
START = 8.0  # of any job: imports and files
STEP = 0.3  # per training step
EVALUATION = 0.45  # per evaluation of a network, for all test images
ITERATION = 0.03  # per iteration without a network, for all test images
IMAGES = 12  # in the test split


def expected_seconds(job: JobSpec | None) -> float:
    """Expected seconds of a job, from the number of its steps or evaluations."""
    work = 0.0
    match job:
        case Train():
            sizes = job.training.get("batch") or [8]
            shares = job.training.get("probabilities") or [1 / len(sizes)] * len(sizes)
            batch = sum(share * size for share, size in zip(shares, sizes, strict=False))
            work = STEP * job.training.get("examples", 10_000) / max(batch, 1)
        case Generate():
            work = EVALUATION * job.sampler.get("levels", 300) * job.samples / IMAGES
        case Reconstruct():
            counts = [job.params.get(name) for name in ("levels", "updates", "steps", "iterations")]
            work = (
                (EVALUATION if job.prior else ITERATION) * job.repeats * prod(filter(None, counts))
            )
            if isinstance(job, Tune):
                work *= job.trials * job.images / IMAGES
    return START + work
