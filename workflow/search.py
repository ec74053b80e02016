"""Parameter searches on a grid without edges: what `snakemake tune` runs for a row and a problem.

Every parameter has a start and a factor; its values are start * factor^k, k an integer. From the
best point so far the search moves one parameter by one factor, in one direction after the other,
and goes on in a direction while it pays (compass search: Kolda, Lewis, Torczon, SIAM Review 2003).
When no move pays, factors become their square roots. It ends after a given number of trials, so
that a value is the last one that was tried only if these are used up, or if a limit forbids more.
"""

from collections.abc import Callable
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
        of: name of the parameter whose multiples ``low`` and ``high`` are, or None.
        whole: whether values are integers.
    """

    start: float
    factor: float
    low: float | None = None
    high: float | None = None
    of: str | None = None
    whole: bool = False

    def limits(self, point: Point) -> tuple[float, float]:
        """The least and the largest value at ``point``."""
        unit = point[self.of] if self.of else 1.0
        low = max(self.low or 0.0, 1.0 if self.whole else 0.0)
        return unit * low, unit * (self.high or float("inf"))


def limited(point: Point, axes: dict[str, Axis]) -> Point:
    """``point`` with every parameter rounded and within its limits, in the order of the axes."""
    kept = dict(point)
    for name, axis in axes.items():
        low, high = axis.limits(kept)
        value = min(max(kept[name], low), high)
        kept[name] = round(value) if axis.whole else float(f"{value:.3g}")
    return kept


def search(axes: dict[str, Axis], trials: int, evaluate: Callable[[Point], float]) -> None:
    """Call ``evaluate`` for ``trials`` different points, or fewer where limits leave no more.

    Args:
        axes: by parameter.
        trials: number of points.
        evaluate: gives the score of a point; NaN is worse than everything.
    """
    best = limited({name: axis.start for name, axis in axes.items()}, axes)
    tried = {tuple(best.values())}
    score = _worst(evaluate(best))
    for refinement in range(REFINEMENTS + 1):
        improved = True
        while improved:
            improved = False
            for name, axis in axes.items():
                for sign in (-1, 1):
                    while len(tried) < trials:
                        step = axis.factor ** (sign / 2**refinement)
                        point = limited({**best, name: best[name] * step}, axes)
                        if tuple(point.values()) in tried:
                            break
                        tried.add(tuple(point.values()))
                        found = _worst(evaluate(point))
                        if found <= score:
                            break
                        best, score, improved = point, found, True


def _worst(score: float) -> float:
    return score if score == score else float("-inf")


def at_edge(axes: dict[str, Axis], trials: list[Point], best: Point) -> list[str]:
    """Parameters whose best value is the smallest or largest tried, and not at its limit."""
    found = []
    for name, axis in axes.items():
        value, values = best[name], [trial[name] for trial in trials]
        low, high = axis.limits(best)
        if (value == min(values) and value > 1.01 * low) or (
            value == max(values) and value < 0.99 * high
        ):
            found.append(name)
    return found
