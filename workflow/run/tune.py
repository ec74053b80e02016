"""What the rules of ``tune.smk`` run: trials on validation images, and the best of them."""

from pathlib import Path
from typing import Any

import numpy as np

from workflow.config.build import build_method, build_problem
from workflow.config.resolve import plain_label, searches, trials_of
from workflow.plugins.discovery import find
from workflow.run.search import Axis


def axes_of(config: dict[str, Any], row: str) -> dict[str, Axis]:
    """What the search of a row varies."""
    settings = config["rows"][row]
    annotations = find("method", settings["method"]).params
    return {
        name: Axis(**axis, whole=annotations[name] == "int")
        for name, axis in settings["search"].items()
    }


def tune(
    config: dict[str, Any], problem: str, row: str, images: Path, weights: Path | None, out: Path
) -> None:
    """Search a row's parameters on validation images (``workflow.run.search``); log every trial.

    Trials share measurements and random numbers. A trial takes one image after the other and ends
    early when its mean PSNR is ``tuning.margin`` below that of the best trial on the same images.
    """
    import pandas as pd
    import torch

    from problems.datasets.base import evenly_spaced
    from problems.noise import ImageNoise, seed_of
    from workflow.run import harness
    from workflow.run.device import setup
    from workflow.run.jobs import prior_for
    from workflow.run.progress import ProgressLine
    from workflow.run.search import search
    from workflow.score.metrics import mean_psnr
    from workflow.store.arrays import load_images
    from workflow.store.files import write_text

    device, precision = setup(config)
    images = load_images(images)
    chosen = evenly_spaced(list(range(len(images.ids))), config["tuning"]["images"])
    truth, ids = torch.from_numpy(images.pixels[chosen]), [images.ids[i] for i in chosen]
    shape = tuple(truth.shape[1:])
    built = build_problem(config, problem, shape).to(device)
    prior = prior_for(config, row, weights, shape, device, precision)
    seeds = [seed_of(config["seed"], "measure", problem, id_) for id_ in ids]
    y = built.measure(truth.to(device), ImageNoise(seeds, device))
    axes, trials = axes_of(config, row), trials_of(config, row)
    line = ProgressLine(f"tune {row} on {problem}", trials, "trials", interval=0)
    results: list[dict[str, Any]] = []
    best: list[float] = []  # PSNR of every image by the best trial

    def reconstruct(method, i):
        """PSNR of one image and the seconds that it took."""
        noise = ImageNoise([seed_of(config["seed"], "tune", problem, row, ids[i])], device)
        bound = prior.bind(noise) if prior else None
        x_hat, seconds = harness.timed(
            method, y[i : i + 1], built, bound, noise, lambda done, total: None
        )
        return mean_psnr(truth[i : i + 1], x_hat.clamp(0, 1).cpu()), seconds

    def evaluate(point):
        """Mean PSNR at parameter values, NaN if the trial is hopeless or the values are refused."""
        nonlocal best
        scores, seconds, note = [], 0.0, ""
        try:
            method = build_method(config, row, problem, point)
            for i in range(len(ids)):
                score, spent = reconstruct(method, i)
                scores.append(score)
                seconds += spent
                hopeful = np.mean(scores) > np.mean(best[: i + 1] or -np.inf) - margin
                if not hopeful:
                    break
        except ValueError as error:  # values that do not go together
            note = f": {error}"
        psnr = float(np.mean(scores)) if scores else float("nan")
        cost = seconds / max(len(scores), 1)
        results.append({**point, "psnr": psnr, "images": len(scores), "seconds_per_image": cost})
        line.update(len(results), f"{point} {psnr:.2f} dB on {len(scores)} images{note}")
        if len(scores) < len(ids):
            return float("nan")
        if not best or psnr > np.mean(best):
            best = scores
        return psnr

    margin = config["tuning"]["margin"]
    if not build_method(config, row, problem).skip(built):
        search(axes, trials, evaluate)
    frame = pd.DataFrame(results, columns=[*axes, "psnr", "images", "seconds_per_image"])
    frame = frame.assign(trial=range(1, len(frame) + 1))
    ranked = frame.sort_values(["images", "psnr"], ascending=False)
    write_text(out, ranked.to_csv(index=False))


def tuned(config: dict[str, Any], folder: Path, out: Path) -> None:
    """Write the best trial of every search as a configuration to lay over the preset.

    A search whose trials are not in ``folder`` is left out. What was found on test images becomes
    rows of their own, which are marked as oracles.
    """
    import pandas as pd
    import yaml

    from workflow.run.search import at_edge
    from workflow.store.files import write_text

    rows: dict[str, Any] = {}
    split = config["tuning"]["split"]
    for problem, row in searches(config):
        path = Path(folder) / problem / f"{row}.csv"
        trials = pd.read_csv(path) if path.exists() else pd.DataFrame({"psnr": []})
        if not trials["psnr"].notna().any():
            continue
        axes = axes_of(config, row)
        points = trials[[*axes]].to_dict("records")
        best = points[0]
        chosen = {n: int(v) if axes[n].whole else float(v) for n, v in best.items()}
        if split == "test":
            label = f"{plain_label(config['rows'][row])}, oracle (tuned on the test images)"
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
