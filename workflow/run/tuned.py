"""Collects the best trials of all searches."""

from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from workflow.config.spec import Show
from workflow.store.files import write_text


def tuned(job: Show, out: Path, *trials: Path) -> None:
    """Write the best trial of every search: a CSV with a line per row and problem.

    What was found on test images becomes rows of their own (YAML), which are labelled as oracles.

    Args:
        job: its settings are ``split``, and ``searches``: problem, row, label and search of each.
        trials: of these searches; one that does not exist is left out, and so are parameters that
            it did not vary, as it is older than their search.
    """
    lines: list[dict[str, Any]] = []
    oracles: dict[str, Any] = {}
    for line, path in zip(job.settings["searches"], trials, strict=True):
        tried = pd.read_csv(path) if Path(path).exists() else pd.DataFrame({"psnr": []})
        if not tried["psnr"].notna().any():
            continue
        best = tried.iloc[0]
        values = {name: tried[name].iloc[0].item() for name in line["search"] if name in tried}
        lines.append({"row": line["row"], "problem": line["problem"], **values})
        lines[-1]["at_edge"] = best.get("at_edge")
        label = f"{line['label']}, oracle (tuned on the test images)"
        oracle = oracles.setdefault(f"{line['row']}_oracle", {"from": line["row"], "label": label})
        oracle.setdefault("at", {})[line["problem"]] = values
    if job.settings["split"] == "test":
        head = "# Written by `snakemake tune`: the best trials on test images."
        text = yaml.safe_dump({"rows": oracles}, default_flow_style=None, sort_keys=False)
        return write_text(out, f"{head}\n{text}")
    names = dict.fromkeys(["row", "problem", *(name for line in lines for name in line)])
    columns = [*(name for name in names if name != "at_edge"), "at_edge"]
    frame = pd.DataFrame(lines, columns=columns, dtype=object)  # whole numbers stay whole
    write_text(out, frame.to_csv(index=False, lineterminator="\n"))
