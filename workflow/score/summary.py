"""Scores of single images, averaged per row and problem, with intervals and paired differences.

All means of scores and their intervals are computed here. The difference of two rows is named
"row - other".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workflow.score.intervals import half_width, ranks
from workflow.score.samples import LEVELS, name
from workflow.score.scores import MEASURED
from workflow.store.provenance import CONDITIONS

SCORES = ("psnr", "ssim")
CALLS = ["denoiser_calls", "jacobian_calls", "operator_calls"]
COSTS = {  # column: label
    "denoiser_calls": "Denoiser calls",
    "jacobian_calls": "Jacobian products",
    "operator_calls": "Operator calls",
    "seconds_per_image": "Seconds per image",
    "peak_memory_mb": "Peak memory (MB)",
}
PARTS = ("", "_std", "_ci95", "_rank", "_rank_holm", "_published")
COLUMNS = [
    *("problem", "method", "variant", "images", "clusters", "status", "reason", "published_as"),
    *(f"{score}{part}" for score in SCORES for part in PARTS),
    *("seeds", "psnr_seeds_std", "psnr_folds"),
    *COSTS,
    "ran",
]
RANKS = [f"{score}_rank{holm}" for score in SCORES for holm in ("", "_holm")]
TEXT = dict.fromkeys(
    ("variant", "status", "reason", "published_as", "psnr_folds", "ran", *RANKS), ""
)
OF_IMAGE = ["cluster", "fold"]


@dataclass(frozen=True)
class Mean:
    """A mean over images and the half-width of its 95 % interval."""

    value: float
    half: float

    @property
    def resolved(self) -> bool:
        """Whether the interval does not reach zero."""
        return bool(abs(self.value) > self.half)


def mean_of(images: pd.DataFrame, column: str) -> Mean:
    """Mean of a column of what ``per_image`` or ``difference`` returns."""
    values = images[column]
    return Mean(float(values.mean(skipna=False)), half_width(values, images["cluster"]))


def per_image(group: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Mean over seeds of each reconstructed image, with its cluster and its fold."""
    columns = list(columns)
    done = group[group["status"] == "ok"]
    means = done[["image", *columns]].astype(dict.fromkeys(columns, float)).groupby("image")
    return means.mean(skipna=False).join(done.groupby("image")[OF_IMAGE].first())


def complete(
    images: pd.DataFrame, rows: Iterable[str], columns: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """``per_image`` of the ``rows`` without a failure; ``images`` are of one problem."""
    groups = dict(iter(images.groupby("method")))
    done = [row for row in rows if row in groups and (groups[row]["status"] == "ok").all()]
    return {row: per_image(groups[row], columns) for row in done}


def difference(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Scores of the first minus those of the second, for the images that both have."""
    shared = first.index.intersection(second.index)
    columns = first.columns.intersection(second.columns).drop(OF_IMAGE)
    pairs = first.loc[shared, columns] - second.loc[shared, columns]
    return pairs.join(first.loc[shared, OF_IMAGE])


def within(images: pd.DataFrame, rows: Iterable[str], score: str) -> dict[str, Mean]:
    """Means of rows over the images that all have, with intervals for comparing these rows.

    What all rows of an image share (some images are harder) is taken out before the interval is
    computed (Cousineau, Tutorials in Quantitative Methods for Psychology 2005; factor of Morey,
    ibid. 2008).

    Args:
        images: of one problem.
        rows: those with a failure are left out.
    """
    frames = complete(images, dict.fromkeys(rows), [score])
    if not frames:
        return {}
    values = pd.DataFrame({row: frame[score] for row, frame in frames.items()}).dropna()
    clusters = next(iter(frames.values())).loc[values.index, "cluster"]
    count = max(len(frames), 2)
    factor = (count / (count - 1)) ** 0.5
    centred = values.sub(values.mean(axis=1), axis=0)
    return {
        row: Mean(float(values[row].mean()), factor * half_width(centred[row], clusters))
        for row in frames
    }


def read_summary(path: Path) -> pd.DataFrame:
    """Read a table that ``summarise`` made, from a CSV file; absent text is empty."""
    table = pd.read_csv(path, dtype=dict.fromkeys(TEXT, object))
    return table.fillna({name: "" for name in TEXT if name in table})


def summarise(
    images: pd.DataFrame,
    problems: Iterable[str],
    rows: Iterable[str],
    published: pd.DataFrame,
    published_as: dict[str, str] | None = None,
    differences: Iterable[Sequence[str]] = (),
    controls: Iterable[str] = (),
) -> pd.DataFrame:
    """Average the images of every (row, problem).

    Args:
        images: one row per (problem, method, seed, image) with scores, cost and status, as
            ``workflow.score.scores.read_scores`` returns it. A job that was skipped or failed has
            one row with an empty image and the reason.
        problems: names, as are ``rows``, in the order of the table.
        published: what ``workflow.score.published.load`` returns.
        published_as: row to "problem/method/variant" of the published number beside it, where it is
            not that of the same problem and row.
        differences: pairs of rows; the second is subtracted from the first, image by image.
        controls: rows that are not compared with the others.

    Returns:
        One line per (row, problem), per (control, problem) and per (pair, problem). Seeds are
        averaged first, so that mean and sample standard deviation are over images. ``clusters`` is
        the number of subjects, ``published_as`` the key of the published number.
        ``_ci95`` is the half-width of the 95 % interval, ``psnr_seeds_std`` the sample standard
        deviation of the mean over sampling seeds, ``psnr_folds`` the mean of each fold if there are
        several, with spaces between. ``_rank`` is what ``ranks`` returns of the complete rows,
        ``_rank_holm`` the same with Holm's correction. Cost is per image;
        operator calls are A and its adjoint together; memory is the largest peak. Status is "ok",
        "skipped", "failed" or, where ``images`` has nothing, "missing"; a partly failed line is
        "failed" and keeps its means. ``variant`` is empty: a row has its own name.
    """
    images = images.assign(operator_calls=images["forward_calls"] + images["adjoint_calls"])
    groups = dict(iter(images.groupby(["problem", "method"])))
    keys = published["problem"] + "/" + published["method"] + "/" + published["variant"]
    paper = published.set_index(keys)[list(SCORES)].to_dict("index")
    problems, rows, lines = list(problems), list(rows), []
    done = {p: complete(images[images["problem"] == p], rows, SCORES) for p in problems}
    places = {
        (problem, score, holm): ranks(done[problem], score, corrected=bool(holm))
        for problem in problems
        for score in SCORES
        for holm in ("", "_holm")
    }
    for row in [*rows, *controls]:
        for problem in problems:
            key = (published_as or {}).get(row, f"{problem}/{row}/")
            line = {"problem": problem, "method": row, "published_as": key * (key in paper)}
            line |= _average(groups.get((problem, row), images[:0]))
            for score in SCORES:
                for holm in ("", "_holm"):
                    line[f"{score}_rank{holm}"] = places[problem, score, holm].get(row, "")
                line[f"{score}_published"] = paper.get(key, {}).get(score, float("nan"))
            lines.append(line)
    scored = {key: per_image(group, SCORES) for key, group in groups.items()}
    nothing = per_image(images[:0], SCORES)
    for row, other in differences:
        for problem in problems:
            pairs = difference(*(scored.get((problem, r), nothing) for r in (row, other)))
            status = "ok" if len(pairs) else "missing"
            line = {"problem": problem, "method": f"{row} - {other}", "status": status}
            lines.append(line | _scores(pairs))
    return pd.DataFrame(lines, columns=COLUMNS).astype(dict.fromkeys(TEXT, object)).fillna(TEXT)


def _average(group: pd.DataFrame) -> dict[str, object]:
    done, other = group[group["status"] == "ok"], group[group["status"] != "ok"]
    images = per_image(group, [*SCORES, *CALLS, "seconds"])
    costs = images[[*CALLS, "seconds"]].mean(skipna=False)
    status = "ok" if len(done) else "missing"
    if len(other):
        status = "failed" if (other["status"] == "failed").any() else "skipped"
    seeds = done.groupby("seed")["psnr"].mean().astype(float)
    return {
        **_scores(images),
        "seeds": len(seeds),
        "psnr_seeds_std": seeds.std(),
        **costs.rename({"seconds": "seconds_per_image"}),
        "peak_memory_mb": done["peak_memory_mb"].astype(float).max(),
        "status": status,
        "ran": next(iter(done.get("ran", ())), ""),
        "reason": "; ".join(dict.fromkeys(" ".join(r.split()) for r in other["reason"] if r)),
    }


def _means(images: pd.DataFrame, scores: Sequence[str]) -> dict[str, float]:
    """How many images and subjects, and means over images with the half-widths of intervals."""
    found: dict[str, float] = {"images": len(images), "clusters": images["cluster"].nunique()}
    for score in scores:
        mean = mean_of(images, score)
        found |= {score: mean.value, f"{score}_ci95": mean.half}
    return found


def _scores(images: pd.DataFrame) -> dict[str, object]:
    folds = images.groupby("fold")["psnr"].mean()
    return {
        **_means(images, SCORES),
        **{f"{score}_std": images[score].std(skipna=False) for score in SCORES},
        "psnr_folds": " ".join(f"{mean:.3f}" for mean in folds) if len(folds) > 1 else "",
    }


def summarise_samples(
    images: pd.DataFrame, differences: Iterable[Sequence[str]] = ()
) -> pd.DataFrame:
    """Average the scores of samples over the images of every (row, problem).

    Args:
        images: scores of single images.
        differences: pairs of rows; the second is subtracted from the first, image by image, in a
            line of its own.

    Returns:
        Columns problem, method, status, reason, ``samples`` (1: a point estimator), costs of a
        sample, ``images``, ``clusters`` and every score with its ``_ci95``; scores that a row does
        not have are NaN. ``calibration_error`` is the distance of the coverage of an image from its
        level, mean over ``LEVELS``.
    """
    covered = images.reindex(columns=[name("coverage", level) for level in LEVELS]).astype(float)
    error = (covered - LEVELS).abs().mean(axis=1, skipna=False)
    images, names = images.assign(calibration_error=error), ["problem", "method"]
    about = [*names, "status", "reason", *CONDITIONS, "image", *OF_IMAGE, "samples", *MEASURED]
    scores = [column for column in images if column not in about]
    groups = dict(iter(images.groupby(names, sort=False)))
    single = {key: per_image(group, scores) for key, group in groups.items()}
    lines = []
    for key, group in groups.items():
        line = group[[*names, "status", "reason"]].iloc[0].to_dict()
        line |= group.reindex(columns=["samples", *MEASURED]).astype(float).mean().to_dict()
        lines.append(line | _means(single[key], scores))
    for row, other in differences:
        for problem in images["problem"].unique():
            first, second = single[problem, row], single[problem, other]
            if len(first) and len(second):
                line = {"problem": problem, "method": f"{row} - {other}", "status": "ok"}
                lines.append(line | _means(difference(first, second), scores))
    return pd.DataFrame(lines)
