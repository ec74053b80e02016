"""Describes the images of a split, for inspection before training."""

from math import ceil
from typing import Any, NamedTuple

import numpy as np

from problems.datasets.base import Dataset, RawImage, UnreadImage, check, evenly_spaced

LOOKED_AT = 64  # evenly spaced images of a split whose values are described
SHOWN = 48  # images on a contact sheet
GAP = 2  # pixels between them
LITTLE = 0.02  # share of an image that may be cut off without a word


class _Facts(NamedTuple):
    """Facts about one image; (low, high, mean) of its values before and after the window."""

    size: list[int]
    spacing: list[float] | None
    channels: int
    window: list[float]
    before: tuple[float, float, float]
    after: tuple[float, float, float]


def description(
    folds: list[Dataset],
    split: str,
    looked_at: int = LOOKED_AT,
    size: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """Describe a split in numbers, lists and strings that fit into JSON.

    Args:
        folds: the dataset, once per fold; an image of several folds counts once.
        size: height and width that the images get, to say what is cut off.

    Returns:
        patients, images: their numbers.
        looked_at: number of images that the following is based on.
        size, spacing: smallest and largest [height, width] in pixels and [row, column] in mm;
            spacing is None if unknown.
        channels: of the images, 1 or 3.
        window: [value mapped to 0, value mapped to 1] of the first image.
        before, after: {"low", "high", "mean"} of the values in the files, and of the images.
        left_out: number of files left out of the split, by kind.
        notes: sentences on how the images were read (``notes`` of the dataset) and cut.

    Raises:
        DataError: the images cannot be read.
    """
    patients, names, found = set(), set(), []
    for raw in (raw for fold in folds for raw in fold.images(split)):
        if raw.id not in names:
            patients.add(raw.cluster)
            names.add(raw.id)
            found.append(raw if isinstance(raw, UnreadImage) else _facts(raw))
    chosen = evenly_spaced(found, looked_at)
    facts = [_facts(raw.opened()) if isinstance(raw, UnreadImage) else raw for raw in chosen]
    notes = sorted(getattr(folds[0], "notes", ()))
    lost = max((_lost(f.size, size) for f in facts if size), default=0)
    if lost > LITTLE:
        shape = " x ".join(map(str, size))
        notes.append(f"up to {lost:.0%} of an image is cut off to give it the shape of {shape}")
    sizes, spacings = (sorted(f[k] for f in facts if f[k]) for k in (0, 1))
    return {
        "patients": len(patients),
        "images": len(found),
        "looked_at": len(facts),
        "size": [sizes[0], sizes[-1]] if sizes else None,
        "spacing": [spacings[0], spacings[-1]] if spacings else None,
        "channels": facts[0].channels if facts else None,
        "window": facts[0].window if facts else None,
        "before": _together([f.before for f in facts]),
        "after": _together([f.after for f in facts]),
        "left_out": folds[0].left_out(split),
        "notes": notes,
    }


def lines(split: str, found: dict[str, Any]) -> list[str]:
    """Format a description as lines of text; the first has the name of the split."""
    text = [f"{split}: images {found['images']}, patients or subjects {found['patients']}"]
    if found["images"]:
        size = _span(found["size"], "d")
        spacing = f", {_span(found['spacing'], '.3g')} mm" if found["spacing"] else ""
        color = ", color" if found["channels"] == 3 else ""
        low, high = found["window"]
        text += [
            f"  size {size} pixels{spacing}{color}",
            f"  values in the files {_said(found['before'])}",
            f"  images {_said(found['after'])} ({low:g} becomes 0, {high:g} becomes 1)",
        ]
        if found["looked_at"] < found["images"]:
            text.append(f"  (of {found['looked_at']} images, evenly spaced)")
    text += [f"  {note}" for note in found.get("notes", ())]
    if found["left_out"]:
        kinds = ", ".join(f"{count} {kind}" for kind, count in found["left_out"].items())
        text.append(f"  left out: {kinds}")
    return text


def contact_sheet(pixels: np.ndarray, limit: int = SHOWN) -> np.ndarray:
    """Lay out evenly spaced images of a split in rows.

    Args:
        pixels: (n, C, H, W) in [0, 1], as in ``Images``.
        limit: largest number of images shown.

    Returns:
        uint8, (rows, columns), or (rows, columns, 3) for color; roughly square.
    """
    from skimage.util import montage

    shown = np.stack(evenly_spaced(list(pixels), limit))
    height, width = shown.shape[2:]
    columns = max(1, min(len(shown), round((len(shown) * height / width) ** 0.5)))
    sheet = montage(
        np.moveaxis(shown, 1, -1),
        fill=[1.0] * shown.shape[1],
        grid_shape=(ceil(len(shown) / columns), columns),
        padding_width=GAP,
        channel_axis=-1,
    )
    sheet = np.round(np.clip(sheet, 0, 1) * 255).astype(np.uint8)
    return sheet if sheet.shape[-1] == 3 else sheet[..., 0]


def _facts(raw: RawImage) -> _Facts:
    pixels = check(raw)
    spacing = [round(float(v), 4) for v in raw.spacing] if raw.spacing else None
    window = [float(v) for v in raw.window or (0, 1)]
    size = list(pixels.shape[1:])
    return _Facts(size, spacing, len(pixels), window, _range(raw.pixels), _range(pixels))


def _lost(own: list[int], size: tuple[int, int]) -> float:
    """Share of an image that is cut off to give it the aspect ratio of ``size``."""
    scale = min(mine / wanted for mine, wanted in zip(own, size, strict=True))
    return 1 - scale**2 * size[0] * size[1] / (own[0] * own[1])


def _range(pixels: np.ndarray) -> tuple[float, float, float]:
    return float(pixels.min()), float(pixels.max()), float(pixels.mean())


def _together(ranges: list[tuple[float, float, float]]) -> dict[str, float] | None:
    """Lowest, highest and mean over images."""
    if not ranges:
        return None
    low, high, mean = zip(*ranges, strict=True)
    values = {"low": min(low), "high": max(high), "mean": sum(mean) / len(mean)}
    return {name: float(f"{value:.6g}") for name, value in values.items()}


def _said(values: dict[str, float]) -> str:
    return f"{values['low']:.4g} to {values['high']:.4g}, mean {values['mean']:.4g}"


def _span(ends: list[list[float]], form: str) -> str:
    """Smallest and largest pair, or one if they are equal."""
    texts = [" x ".join(format(v, form) for v in end) for end in ends]
    return texts[0] if texts[0] == texts[1] else f"{texts[0]} to {texts[1]}"
