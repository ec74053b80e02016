"""Collects the best trials of all searches."""

from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from workflow.config.spec import Show
from workflow.run.search import Axis, at_edge
from workflow.store.files import write_text


def tuned(job: Show, out: Path, *trials: Path) -> None:
    """Write the best trial of every search as a configuration to lay over the preset.

    What was found on test images becomes rows of their own, which are marked as oracles.

    Args:
        job: its settings are ``split``, and ``searches``: problem, row, label and search of each.
        trials: of these searches; one that does not exist is left out, and so are parameters that
            it did not vary, as it is older than their search.
    """
    rows: dict[str, Any] = {}
    settings, split = job.settings, job.settings["split"]
    for line, path in zip(settings["searches"], trials, strict=True):
        problem, row = line["problem"], line["row"]
        tried = pd.read_csv(path) if Path(path).exists() else pd.DataFrame({"psnr": []})
        if not tried["psnr"].notna().any():
            continue
        axes = {name: Axis(**axis) for name, axis in line["search"].items() if name in tried}
        points = tried[[*axes]].to_dict("records")
        best = points[0]
        chosen = {n: int(v) if axes[n].whole else float(v) for n, v in best.items()}
        if split == "test":
            label = f"{line['label']}, oracle (tuned on the test images)"
            new = rows.setdefault(f"{row}_oracle", {"like": row, "only_named": True})
            new.update(label=label, params_for={**new.get("params_for", {}), problem: chosen})
        else:
            new = rows.setdefault(row, {"params_for": {}})
            new["params_for"][problem] = chosen
            if edges := at_edge(axes, points, best):
                new.setdefault("at_edge", {})[problem] = edges
    head = f"# Written by `snakemake tune`: the best trials on {split} images."
    text = yaml.safe_dump({"rows": rows}, default_flow_style=None, sort_keys=False, width=100)
    write_text(out, f"{head}\n{text}")
