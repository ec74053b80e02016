"""Table and figure of all trainings: what a network saw, its time and how well it denoises."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from workflow.config.spec import Show
from workflow.config.views import title
from workflow.show import figures
from workflow.show.cells import NOTHING, Table, plain, save, write_csv
from workflow.show.plots import STYLES, finish, legend, panels
from workflow.store.arrays import load_record

COLUMNS = {  # of the table: heading, unit and format
    "dataset": ("Dataset", None, "{}"),
    "network": ("Network", None, "{}"),
    "patch": ("Patch size", 1, "{:.0f}"),
    "images": ("Training images", 1, "{:.0f}"),
    "parameters": ("Parameters (M)", 1e6, "{:.2f}"),
    "examples": ("Examples seen", 1, "{:.0f}"),
    "pixels": ("Pixels seen (M)", 1e6, "{:.1f}"),
    "seconds": ("Seconds", 1, "{:.0f}"),
}
LEVEL = "sigma_"  # in front of the noise levels among the columns of a validation curve


def training(job: Show, out: Path, *folders: Path) -> None:
    """Write training.csv (``out``), .md and .json, and the figure of the validation curves.

    Args:
        folders: of networks; those that ``job.settings`` names are in the figure. The last line of
            a validation curve is the finished network.
    """
    lines, drawn = [], {}
    for folder in folders:
        card, curve = load_record(folder / "card.json"), pd.read_csv(folder / "validation.csv")
        line = {name: card.get(name) for name in COLUMNS} | {"network": card["name"]}
        line["patch"] = card["training"]["patch"] or max(card["shape"][1:])
        line |= {k: card[k] for k in ("steps", "device", "precision", "threads")}
        lines.append(line | curve.filter(like=LEVEL).iloc[-1].to_dict())
        if folder.name in job.settings["drawn"]:
            drawn.setdefault(card["dataset"], {})[card["name"]] = curve
    table = pd.DataFrame(lines)
    write_csv(out.parent, "training", table)
    save(out.parent, "training", {"networks": training_table(table)})
    if drawn:
        figures.save(validation_figure(drawn), out.parents[1] / "figures" / "training.png")


def training_table(table: pd.DataFrame) -> Table:
    """Lay the table out; PSNR in dB of the finished network as a denoiser of validation images."""
    levels = _levels([table])
    header = [heading for heading, _, _ in COLUMNS.values()]
    header += [f"dB at noise {level.removeprefix(LEVEL)}" for level in levels]
    lines = []
    for record in table.to_dict("records"):
        cells = [
            form.format(record[name] / unit if unit else title(record[name]))
            for name, (_, unit, form) in COLUMNS.items()
        ]
        psnr = [NOTHING if pd.isna(record[level]) else f"{record[level]:.2f}" for level in levels]
        lines.append(cells + psnr)
    threads = "/".join(str(n) for n in sorted(set(table["threads"])))
    devices = "/".join(sorted(set(table["device"])))
    note = (
        f"Seconds of training on {devices}, {threads} threads, without validation; other jobs may "
        "have run beside it. Denoising: mean PSNR of the averaged network on validation images, "
        "which nothing was trained on."
    )
    return plain(header, lines, "ll" + "r" * (len(header) - 2), note)


def validation_figure(curves: dict[str, dict[str, pd.DataFrame]]) -> Figure:
    """Show the PSNR of networks as denoisers of validation images against training pixels.

    Args:
        curves: dataset to network to frame with columns pixels and sigma_<noise level>.

    Returns:
        A line of panels per dataset, a column of panels per noise level.
    """
    frames = [frame for networks in curves.values() for frame in networks.values()]
    levels, names = _levels(frames), dict.fromkeys(name for of in curves.values() for name in of)
    places = {name: number for number, name in enumerate(names)}
    figure, grid = panels(len(curves), len(levels))
    shown = {}
    for line_of_panels, (dataset, networks) in zip(grid, curves.items(), strict=True):
        for axes, level in zip(line_of_panels, levels, strict=True):
            for name, frame in networks.items():
                number = places[name]
                style = {"linestyle": STYLES[number % len(STYLES)], "color": f"C{number}"}
                if level in frame and frame[level].notna().any():
                    line = axes.plot(frame["pixels"] / 1e6, frame[level], linewidth=1.2, **style)
                    shown[title(name)] = line[0]
            about = f"{title(dataset)}, noise {level.removeprefix(LEVEL)}"
            finish(axes, about, "Pixels seen (M)", "PSNR (dB)")
            axes.set_visible(bool(axes.lines))
    legend(figure, shown)
    return figure


def _levels(frames: list[pd.DataFrame]) -> list[str]:
    """Columns of the noise levels that any of the frames has, the smallest first."""
    found = {level for frame in frames for level in frame.filter(like=LEVEL)}
    return sorted(found, key=lambda level: float(level.removeprefix(LEVEL)))
