"""The comparison of rankings by every metric, as Markdown, JSON and CSV."""

from pathlib import Path
from typing import Any

import pandas as pd

from workflow.config.spec import Show
from workflow.config.views import labels_of, title
from workflow.score.ranking import FIRST, compare
from workflow.score.scores import METRICS, read_all
from workflow.show.cells import NOTHING, plain, save, write_csv
from workflow.show.tables import INTERVALS
from workflow.store.files import write_text

CAPTION = (
    "Does the ranking depend on the metric? Each cell: the first row, Kendall's tau between the "
    f"orders of the rows by this metric and by {METRICS[FIRST][0]}, and how many of the pairs of "
    "rows that both metrics resolve (95 %, paired) they put in opposite orders. The residual says "
    f"how well the measured data are met, not how good the image is. {INTERVALS}"
)

OPPOSED = (
    f"Pairs of rows that a metric and {METRICS[FIRST][0]} put in opposite orders, both resolved: "
    "the order by the metric."
)


def metrics(job: Show, out: Path, *scores: Path) -> None:
    """Write images.csv (``out``), all scores, and tables/metrics.csv, .md and .json.

    These say whether rankings depend on the metric.
    """
    config, images = job.settings, read_all(scores)
    write_text(out, images.to_csv(index=False))
    if not config["tables"]:
        return
    found = {
        (name, problem): compare(images[images["problem"] == problem], chosen["rows"])
        for name, chosen in config["tables"].items()
        for problem in chosen["problems"]
    }
    table = pd.concat(found, names=["table", "problem", None]).droplevel(2).reset_index()
    rows = labels_of(
        config, list(dict.fromkeys(r for t in config["tables"].values() for r in t["rows"]))
    )
    lines, opposed = [], []
    for (name, problem), group in table.groupby(["table", "problem"], sort=False):
        found = {line["metric"]: _cell(line, rows) for line in group.to_dict("records")}
        cells = [found.get(metric, NOTHING) for metric in METRICS]
        place = [title(name), config["problems"][problem]["label"]]
        lines.append([*place, *cells])
        for line in group[group["opposed"] > 0].to_dict("records"):
            pairs = [pair.split(" > ") for pair in line["which"].split(", ")]
            which = "; ".join(" above ".join(rows[row] for row in pair) for pair in pairs)
            opposed.append([*place, METRICS[line["metric"]][0], which])
    labels = [label for label, _, _ in METRICS.values()]
    header = ["Table", "Problem", *labels]
    protocols = [[label, protocol] for label, _, protocol in METRICS.values()]
    shown = {
        "ranking": plain(header, lines, "l" * len(header), CAPTION),
        "opposed": plain(["Table", "Problem", "Metric", "Pairs"], opposed, "llll", OPPOSED),
        "protocols": plain(["Metric", "Name, version and protocol"], protocols, "ll"),
    }
    save(out.parent / "tables", "metrics", shown)
    write_csv(out.parent / "tables", "metrics", table)


def _cell(line: dict[str, Any], rows: dict[str, str]) -> str:
    text = rows.get(line["first"], NOTHING)
    if line["metric"] != FIRST and pd.notna(line["tau"]):
        text += f"; {line['tau']:.2f}; {line['opposed']} of {line['pairs']}"
    return text
