"""Scores of single images, averaged per row and problem, with intervals and paired differences.

A row of a table is named after its method, or "method/variant" for a variant of it; the difference
of two rows is named "row - other".
"""

import pandas as pd

from workflow.score.intervals import half_width

KEY = ["problem", "method", "variant"]
SCORES = ("psnr", "ssim")
SEEDS = ("seeds", "psnr_seeds_std")
COSTS = (
    "denoiser_calls",
    "jacobian_calls",
    "operator_calls",
    "seconds_per_image",
    "peak_memory_mb",
)
COLUMNS = [
    *KEY,
    *("images", "clusters", "status", "reason", "published_as"),
    *(
        f"{score}{part}"
        for score in SCORES
        for part in ("", "_std", "_ci95", "_best", "_published")
    ),
    *SEEDS,
    *COSTS,
]


def summarise(
    images: pd.DataFrame,
    problems: dict[str, str],
    rows: dict[str, str],
    published: pd.DataFrame,
    published_as: dict[str, str] | None = None,
    differences: list[tuple[str, str]] | None = None,
    controls: dict[str, str] | None = None,
) -> pd.DataFrame:
    """Average the images of every (row, problem).

    Args:
        images: one row per (problem, method, variant, seed, image) with scores, cost and status.
            A job that was skipped or failed has one row with an empty image and the reason.
        problems: name to label.
        rows: name to label, in the order of the table.
        published: what ``workflow.score.published.load`` returns.
        published_as: row to "problem/method/variant" of the published number beside it, where it is
            not that of the same problem and row.
        differences: pairs of rows; the second is subtracted from the first, image by image.
        controls: name to label, of rows that are not compared with the others.

    Returns:
        One line per (row, problem), per (control, problem) and per (pair, problem). Seeds are
        averaged first, so that mean and sample standard deviation are over images. ``clusters`` is
        the number of patients or persons, ``published_as`` the key of the published number.
        ``_ci95`` is half the width of the 95 % interval (``workflow.score.intervals``),
        ``psnr_seeds_std`` the sample standard deviation of the mean over sampling seeds. ``_best``
        says whether the mean is the highest and the interval of its difference to every other
        complete row does not reach zero. Cost is per image;
        operator calls are A and its adjoint together; memory is the largest peak. Status is "ok",
        "skipped", "failed" or, where ``images`` has nothing, "missing"; a partly failed line is
        "failed" and keeps its means.
    """
    images = images.assign(
        **{name: as_text(images[name]) for name in ("variant", "image", "reason", "cluster")},
        operator_calls=images["forward_calls"] + images["adjoint_calls"],
    )
    groups = dict(iter(images.groupby(KEY)))
    paper = published.set_index(KEY)[list(SCORES)].to_dict("index")
    best = {
        problem: _best({row: groups.get((problem, *split(row)), images[:0]) for row in rows})
        for problem in problems
    }
    lines = []
    for row in [*rows, *(controls or {})]:
        for problem in problems:
            key = (problem, *split(row))
            line = dict(zip(KEY, key, strict=True)) | _average(groups.get(key, images[:0]))
            named = (published_as or {}).get(row)
            beside = tuple(named.split("/")) if named else key
            line["published_as"] = "/".join(beside) if beside in paper else ""
            for score in SCORES:
                line[f"{score}_published"] = paper.get(beside, {}).get(score, float("nan"))
                line[f"{score}_best"] = row == best[problem][score]
            lines.append(line)
    for pair in differences or []:
        for problem in problems:
            of_row, of_other = (groups.get((problem, *split(r)), images[:0]) for r in pair)
            key = dict(zip(KEY, (problem, *split(minus(pair))), strict=True))
            lines.append(key | _subtract(of_row, of_other))
    return pd.DataFrame(lines, columns=COLUMNS)


def minus(pair: tuple[str, str]) -> str:
    """Name of the difference of two rows."""
    return " - ".join(pair)


def split(row: str) -> tuple[str, str]:
    """Method and variant of a row."""
    method, _, variant = row.partition("/")
    return method, variant


def as_text(column: pd.Series) -> pd.Series:
    """The column with empty text where it has nothing."""
    return column.astype(object).where(column.notna(), "").astype(str)


def per_image(group: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Mean over seeds of each image that was reconstructed, and its cluster."""
    done = group[group["status"] == "ok"]
    values = done[["image", *columns]].astype(dict.fromkeys(columns, float))
    means = values.groupby("image").mean(skipna=False)
    return means.assign(cluster=done.groupby("image")["cluster"].first())


def difference(group: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Scores of the images that both have, the second's subtracted from the first's."""
    first, second = (per_image(g, list(SCORES)) for g in (group, other))
    pairs = (first[list(SCORES)] - second[list(SCORES)]).dropna()
    return pairs.assign(cluster=first["cluster"].reindex(pairs.index))


def is_above(group: pd.DataFrame, other: pd.DataFrame, score: str) -> bool:
    """Whether the mean difference of two rows is positive and its interval does not reach zero."""
    pairs = difference(group, other)
    return bool(pairs[score].mean() > half_width(pairs[score], pairs["cluster"]))


def _average(group: pd.DataFrame) -> dict[str, object]:
    done, other = group[group["status"] == "ok"], group[group["status"] != "ok"]
    costs = ["denoiser_calls", "jacobian_calls", "operator_calls", "seconds"]
    images = per_image(group, [*SCORES, *costs])
    mean = images[[*SCORES, *costs]].mean(skipna=False)
    if len(other):
        status = "failed" if (other["status"] == "failed").any() else "skipped"
    else:
        status = "ok" if len(done) else "missing"
    seeds = done.groupby("seed")["psnr"].mean().astype(float)
    return {
        **_scores(images),
        "seeds": len(seeds),
        "psnr_seeds_std": seeds.std(),
        "denoiser_calls": mean["denoiser_calls"],
        "jacobian_calls": mean["jacobian_calls"],
        "operator_calls": mean["operator_calls"],
        "seconds_per_image": mean["seconds"],
        "peak_memory_mb": done["peak_memory_mb"].astype(float).max(),
        "status": status,
        "reason": "; ".join(dict.fromkeys(" ".join(r.split()) for r in other["reason"] if r)),
    }


def _subtract(group: pd.DataFrame, other: pd.DataFrame) -> dict[str, object]:
    pairs = difference(group, other)
    return {**_scores(pairs), "status": "ok" if len(pairs) else "missing"}


def _scores(images: pd.DataFrame) -> dict[str, object]:
    found: dict[str, object] = {"images": len(images), "clusters": images["cluster"].nunique()}
    for score in SCORES:
        values = images[score]
        found[score], found[f"{score}_std"] = values.mean(skipna=False), values.std(skipna=False)
        found[f"{score}_ci95"] = half_width(values, images["cluster"])
    return found


def _best(groups: dict[str, pd.DataFrame]) -> dict[str, str | None]:
    """Per score the row that is above every other complete one by more than the interval."""
    done = {row: g for row, g in groups.items() if len(g) and (g["status"] == "ok").all()}
    found: dict[str, str | None] = dict.fromkeys(SCORES)
    for score in SCORES if len(done) > 1 else ():
        means = {row: per_image(g, [score])[score].mean() for row, g in done.items()}
        first = max(means, key=lambda row: means[row])
        if all(is_above(done[first], g, score) for row, g in done.items() if row != first):
            found[score] = first
    return found
