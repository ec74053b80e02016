"""Parameter search on logarithmic axes: starts, random steps, then optuna's Gaussian process."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from optuna.distributions import FloatDistribution, IntDistribution

FIRST = 4  # trials before the Gaussian process chooses
STEP = 10**0.5  # factor by which every parameter moves, up or down, in these
Point = dict[str, float]


@dataclass(frozen=True)
class Axis:
    """Range of a parameter, or of its ratio to the parameter ``of``; ``whole`` for integers."""

    low: float
    high: float
    of: str | None = None
    whole: bool = False

    def limited(self, value: float) -> float:
        """The nearest value within the range."""
        value = min(max(value, self.low), self.high)
        return round(value) if self.whole else float(value)


def on_axes(values: Point, axes: dict[str, Axis]) -> Point:
    """Coordinates of parameter values, within the ranges; the middle for a missing value."""
    found = {name: (axis.low * axis.high) ** 0.5 for name, axis in axes.items()}
    for name, axis in axes.items():
        if name in values and (axis.of is None or axis.of in values):
            found[name] = values[name] / (values[axis.of] if axis.of else 1)
    return {name: axis.limited(found[name]) for name, axis in axes.items()}


def parameters(point: Point, axes: dict[str, Axis]) -> Point:
    """Parameter values at coordinates, rounded to three digits."""
    found = dict.fromkeys(axes, 0.0)
    for name, axis in sorted(axes.items(), key=lambda item: item[1].of is not None):
        value = point[name] * (found[axis.of] if axis.of else 1)
        found[name] = round(value) if axis.whole else float(f"{value:.3g}")
    return found


def search(axes: dict[str, Axis], trials: int, evaluate: Callable, starts: list, seed: int) -> None:
    """Maximise ``evaluate`` over ``trials`` points; equal scores give equal points, NaN fails."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    kinds = {False: FloatDistribution, True: IntDistribution}
    space = {name: kinds[axis.whole](axis.low, axis.high, log=True) for name, axis in axes.items()}
    sampler = optuna.samplers.GPSampler(seed=seed, n_startup_trials=1)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    rng, scores, repeated = np.random.default_rng(seed), {}, False
    first = [on_axes(start, axes) for start in starts or [{}]]
    best, highest = first[0], float("-inf")
    for attempt in range(20 * trials):  # integers may leave fewer points than trials
        if attempt < len(first):
            study.enqueue_trial(first[attempt])
        elif repeated or len(scores) < FIRST:
            steps = STEP ** (rng.choice((-1, 1), len(axes)) * (rng.uniform() if repeated else 1))
            moved = {n: best[n] * step for n, step in zip(axes, steps, strict=True)}
            out = {n for n, axis in axes.items() if not axis.low <= moved[n] <= axis.high}
            moved |= {n: best[n] ** 2 / moved[n] for n in out}  # the other way
            study.enqueue_trial({n: axis.limited(moved[n]) for n, axis in axes.items()})
        with warnings.catch_warnings(action="ignore"):  # optuna's on scores of -inf
            trial = study.ask(space)
        values = parameters(trial.params, axes)
        point = tuple(values.values())
        if not (repeated := point in scores):
            score = evaluate(values)
            scores[point] = score if score == score else float("-inf")
            if score > highest:
                best, highest = trial.params, score
        study.tell(trial, scores[point])
        if len(scores) == trials:
            return


def at_edge(axes: dict[str, Axis], trials: Sequence[Point], best: Point) -> list[str]:
    """Parameters whose best value is at a limit, or the smallest or largest that was tried."""
    found = []
    for name, axis in axes.items():
        value, *tried = [p[name] / (p[axis.of] if axis.of else 1) for p in (best, *trials)]
        low, high = max(axis.low, min(tried)), min(axis.high, max(tried))
        if value < 1.01 * low or value > 0.99 * high:
            found.append(name)
    return found
