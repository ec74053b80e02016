"""Parameter searches on a grid without edges: what `snakemake tune` runs for a row and a problem.

Every parameter has a start and a factor; its values are start * factor^k, k an integer, or that
multiple of another parameter, with which it then moves. From the best point so far the search tries
one factor up and down along a parameter, and goes on to the better side while it pays; so for one
parameter after the other (compass search: Kolda, Lewis, Torczon, SIAM Review 2003). When no move
pays, factors become their square roots. It ends after a given number of trials, so that a value is
the last one that was tried only if these are used up, or if a limit forbids more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Point = dict[str, float]
REFINEMENTS = 3  # times that factors become their square roots


@dataclass(frozen=True)
class Axis:
    """The values of one parameter.

    Attributes:
        start: first value, > 0.
        factor: between neighbours, > 1.
        low: least value, or None.
        high: largest value, or None.
        of: name of an earlier parameter whose multiples all these are, or None.
        whole: whether values are integers.
    """

    start: float
    factor: float
    low: float | None = None
    high: float | None = None
    of: str | None = None
    whole: bool = False

    @property
    def limits(self) -> tuple[float, float]:
        """The least and the largest value."""
        low = max(self.low or 0.0, 1.0 if self.whole else 0.0)
        return low, self.high or float("inf")

    def limited(self, value: float) -> float:
        """``value`` within the limits."""
        low, high = self.limits
        return min(max(value, low), high)


def parameters(point: Point, axes: dict[str, Axis]) -> Point:
    """Parameter values, rounded, of a point on the axes."""
    found: Point = {}
    for name, axis in axes.items():
        value = point[name] * (found[axis.of] if axis.of else 1)
        found[name] = round(value) if axis.whole else float(f"{value:.3g}")
    return found


def search(
    axes: dict[str, Axis],
    trials: int,
    evaluate: Callable[[Point], float],
    starts: Sequence[Point] = (),
) -> None:
    """Call ``evaluate`` for ``trials`` different points, or fewer where limits leave no more.

    Args:
        axes: by parameter.
        trials: number of points.
        evaluate: gives the score of parameter values; NaN is worse than everything.
        starts: further points on the axes; the search goes on from the best.
    """
    tried: set[tuple[float, ...]] = set()

    def score(point: Point) -> float:
        """The score of a new point, -inf for one that was tried or is one too many."""
        values = parameters(point, axes)
        if tuple(values.values()) in tried or len(tried) >= trials:
            return float("-inf")
        tried.add(tuple(values.values()))
        found = evaluate(values)
        return found if found == found else float("-inf")

    best = {name: axis.limited(axis.start) for name, axis in axes.items()}
    highest = score(best)
    for start in starts:
        point = {name: axis.limited(start[name]) for name, axis in axes.items()}
        found = score(point)
        if found > highest:
            best, highest = point, found
    for refinement in range(REFINEMENTS + 1):
        improved = True
        while improved:
            improved = False
            for name, axis in axes.items():
                step = axis.factor ** (0.5**refinement)
                sides = {}
                for move in (1 / step, step):
                    point = {**best, name: axis.limited(best[name] * move)}
                    sides[move] = score(point), point
                move = max(sides, key=lambda side: sides[side][0])
                found, point = sides[move]
                while found > highest:
                    best, highest, improved = point, found, True
                    point = {**best, name: axis.limited(best[name] * move)}
                    found = score(point)


def at_edge(axes: dict[str, Axis], trials: list[Point], best: Point) -> list[str]:
    """Parameters whose best value is the smallest or largest tried, and not at its limit."""
    found = []
    for name, axis in axes.items():
        units = [trial[axis.of] if axis.of else 1.0 for trial in trials]
        values = [trial[name] / unit for trial, unit in zip(trials, units, strict=True)]
        value = best[name] / (best[axis.of] if axis.of else 1.0)
        low, high = axis.limits
        below = any(v < 0.99 * value for v in values) or value < 1.01 * low
        above = any(v > 1.01 * value for v in values) or value > 0.99 * high
        if not (below and above):
            found.append(name)
    return found
