"""How long jobs take: guessed from what they compute, corrected by those that took their time."""

from collections.abc import Iterable
from math import prod

from workflow.config.spec import Generate, JobSpec, Reconstruct, Train, Tune

# Seconds, as two cores took in the preset quick. Only their relation counts once a few jobs ended.
START = 8.0  # of any job: imports, files
STEP = 0.3  # of training
EVALUATION = 0.45  # of a network, for all test images
ITERATION = 0.03  # without a network, for all test images
IMAGES = 12  # of the test split
TRUST = 30.0  # seconds of jobs after which their own pace counts more than the guess

Guess = tuple[str, float]  # kind of the job, seconds


def guess(job: JobSpec | None) -> Guess:
    """Kind of a job and the seconds that it is guessed to take; of one kind if they just start."""
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
            each = EVALUATION if job.prior else ITERATION
            work = each * job.repeats * prod(n for n in counts if n)
            if isinstance(job, Tune):
                work *= job.trials * job.images / IMAGES
    return type(job).__name__ if work > START else "short", START + work


def pace(taken: Iterable[tuple[Guess, float]]):
    """The function from a guess to seconds that ``taken`` suggest: guesses and what they took."""
    sums = {"": (TRUST, TRUST)}  # of all kinds together
    for (kind, guessed), seconds in taken:
        for key in ("", kind):
            took, of = sums.get(key, (0.0, 0.0))
            sums[key] = took + seconds, of + guessed
    overall = sums[""][0] / sums[""][1]

    def seconds(guess: Guess) -> float:
        took, of = sums.get(guess[0], (0.0, 0.0))
        return guess[1] * (took + TRUST * overall) / (of + TRUST)

    return seconds


def spoken(seconds: float) -> str:
    """A time as one says it of an estimate."""
    if seconds < 90:
        return "a minute" if seconds >= 60 else "less than a minute"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
