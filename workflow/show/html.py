"""Pages that work offline: templates, pictures and plots inside one HTML file."""

import base64
import re
from hashlib import sha256
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib import colormaps
from matplotlib.figure import Figure
from PIL import Image

from workflow.show.figures import ERROR_MAP

TEMPLATES = Path(__file__).with_name("templates")
SHEET = 520  # pixels, the larger side of a contact sheet on a page
COLOURS = [[round(255 * v) for v in colour[:3]] for colour in colormaps[ERROR_MAP](range(256))]


def render(template: str, **values: Any) -> str:
    """Fill ``workflow/show/templates/<template>``; text is escaped, an unknown name is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["inline"] = lambda name: Markup((TEMPLATES / name).read_text())
    return environment.get_template(template).render(**values)


def png_uri(image: np.ndarray) -> str:
    """An image (C, H, W) in [0, 1], grey or RGB, as a data URI of 8 bits per channel."""
    pixels = np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)
    stored = BytesIO()
    Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)).save(
        stored, "png", optimize=True
    )
    return _uri(stored.getvalue())


def panel(label: str, image: np.ndarray, score: str = "", **row: str) -> dict[str, str]:
    """An image (C, H, W) in [0, 1] as ``gallery.html.j2`` shows it, and the name of its ``row``."""
    return {**row, "label": label, "uri": png_uri(image), "score": score}


def file_uri(path: Path) -> str:
    """A PNG file as a data URI."""
    return _uri(Path(path).read_bytes())


def thumbnail_uri(path: Path) -> str:
    """A PNG file, reduced to ``SHEET`` pixels at most, as a data URI."""
    image, stored = Image.open(path), BytesIO()
    image.thumbnail((SHEET, SHEET))
    image.save(stored, "jpeg", quality=85)
    return _uri(stored.getvalue(), "jpeg")


def _uri(stored: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(stored).decode()}"


def svg(figure: Figure, label: str) -> Markup:
    """A figure as an element of a page, ``label`` being read out instead; the same every time.

    The page shows what a mark says on hover: its ``gid`` is ``<row>|<text>``.
    """
    drawn = StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "benchmark"}):
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    text = drawn.getvalue()
    box = re.search(r'viewBox="([^"]*)"', text)[1]
    inner = text[text.index(">", text.index("<svg")) + 1 :]
    inner = re.sub(r'id="(\w+)\|([^"]*)"', r'class="mark" data-row="\1" data-said="\2"', inner)
    own = sha256(f"{label}{inner}".encode()).hexdigest()[:8]  # a page may have several figures
    inner = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{own}-", inner)
    head = 'svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return Markup(f'<{head} viewBox="{box}" role="img" aria-label="{escape(label)}">{inner}')
