"""The table of all trainings: what each network saw, how long it took, how well it denoises."""

from pathlib import Path
from typing import Any

import pandas as pd

from workflow.store.files import write_text

COLUMNS = {  # of the Markdown table: heading and format
    "dataset": ("Dataset", "{}"),
    "network": ("Network", "{}"),
    "patch": ("Patch size", "{:.0f}"),
    "images": ("Training images", "{:.0f}"),
    "parameters": ("Parameters (M)", "{:.2f}"),
    "examples": ("Examples seen", "{:.0f}"),
    "pixels": ("Pixels seen (M)", "{:.1f}"),
    "seconds": ("Seconds", "{:.0f}"),
}
MILLIONS = ("parameters", "pixels")


def summarise(cards: list[dict[str, Any]], curves: list[pd.DataFrame]) -> pd.DataFrame:
    """One line per network.

    Args:
        cards: what training wrote, and the ``name`` of the network.
        curves: validation curves; their last line is the finished network.
    """
    lines = []
    for card, curve in zip(cards, curves, strict=True):
        levels = [column for column in curve if column.startswith("sigma_")]
        line = {name: card.get(name) for name in COLUMNS} | {"network": card["name"]}
        line["patch"] = card["training"]["patch"] or max(card["shape"][1:])
        line |= {k: card[k] for k in ("steps", "device", "precision", "threads")}
        lines.append(line | {level: curve[level].iloc[-1] for level in levels})
    return pd.DataFrame(lines)


def markdown(table: pd.DataFrame) -> str:
    """Lay the table out; PSNR in dB of the finished network as a denoiser of validation images."""
    levels = [column for column in table if column.startswith("sigma_")]
    headings = [heading for heading, _ in COLUMNS.values()]
    headings += [f"dB at noise {level.removeprefix('sigma_')}" for level in levels]
    lines = [headings, [":--", ":--", *["--:"] * (len(headings) - 2)]]
    for record in table.to_dict("records"):
        cells = []
        for name, (_, form) in COLUMNS.items():
            cells.append(form.format(record[name] / 1e6 if name in MILLIONS else record[name]))
        cells += ["-" if pd.isna(record[level]) else f"{record[level]:.2f}" for level in levels]
        lines.append(cells)
    threads = "/".join(str(n) for n in sorted(set(table["threads"])))
    devices = "/".join(sorted(set(table["device"])))
    note = (
        f"Seconds of training on {devices}, {threads} threads, without validation; other jobs may "
        "have run beside it. Denoising: mean PSNR of the averaged network on validation images, "
        "which nothing was trained on."
    )
    return note + "\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def write_table(folder: Path, table: pd.DataFrame) -> None:
    """Write training.csv and training.md into ``folder``."""
    write_text(Path(folder) / "training.csv", table.to_csv(index=False, lineterminator="\n"))
    write_text(Path(folder) / "training.md", markdown(table))
