"""Figures of reconstructions."""

import numpy as np
import pytest

from workflow.show import figures


def drawn(truth, rows, labels=None):
    """The figure of one image without its scores."""
    settings, scores = {"window": (0, 1), "error_max": 0.2}, {row: [""] for row in rows}
    labels = labels or {row: row for row in rows}
    return figures.reconstruction_figure(truth, rows, settings, ["one"], scores, labels)


@pytest.mark.parametrize(("channels", "methods"), [(1, 3), (3, 2), (1, 11)])
def test_reconstruction_figure(channels, methods):
    n, generator = 2, np.random.default_rng(0)
    truth = generator.uniform(size=(n, channels, 12, 10))
    labels = [f"method {i}" for i in range(methods)]
    scores = {label: [f"{label}: score {i}" for i in range(n)] for label in labels}
    settings = {"window": (0.2, 0.9), "error_max": 0.3}
    figure = figures.reconstruction_figure(
        truth, {k: truth + 0.1 for k in labels}, settings, ["one", "two"], scores,
        {label: label for label in labels},
    )  # fmt: skip
    images = [axes.images[0] for axes in figure.axes if axes.images]
    errors = [image for image in images if image.get_cmap().name == figures.ERROR_MAP]
    assert len(images) == n * (1 + 2 * methods)
    assert len(errors) == n * methods
    assert {image.get_clim() for image in errors} == {(0, 0.3)}
    np.testing.assert_allclose(errors[0].get_array(), np.full((12, 10), 0.1))
    shown = np.asarray(images[0].get_array()).reshape(12, 10, channels)
    expected = ((truth[0] - 0.2) / 0.7).clip(0, 1).transpose(1, 2, 0)
    np.testing.assert_allclose(shown, expected)
    below = [axes.get_xlabel() for axes in figure.axes]
    assert all(score in below for texts in scores.values() for score in texts)
    figure.draw_without_rendering()
    boxes = [axes.get_position() for axes in figure.axes if axes.images]
    assert min(min(b.x0, b.y0) for b in boxes) >= 0
    assert max(max(b.x1, b.y1) for b in boxes) <= 1
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert figure.get_size_inches()[0] <= figures.WIDTH


def test_rows_of_one_label_keep_their_panels():
    truth = np.zeros((1, 1, 8, 8))
    rows = {"padis": truth + 0.1, "padis_twice": truth + 0.2}
    figure = drawn(truth, rows, dict.fromkeys(rows, "PaDIS"))
    titles = [axes.get_title() for axes in figure.axes if axes.images]
    assert titles.count("PaDIS") == 2


def test_reconstruction_figure_refuses_another_shape():
    with pytest.raises(ValueError, match="padis"):
        drawn(np.zeros((1, 1, 8, 8)), {"padis": np.zeros((1, 3, 8, 8))})


def test_saved_figures_are_equal_and_without_metadata(tmp_path):
    truth = np.linspace(0, 1, 64).reshape(1, 1, 8, 8)
    for name in ("a.png", "b.png"):
        figure = drawn(truth, {"PaDIS": truth**2})
        figures.save(figure, tmp_path / "figures" / name)
    first, second = (p.read_bytes() for p in sorted((tmp_path / "figures").iterdir()))
    assert first == second
    assert first.startswith(b"\x89PNG")
    assert b"Software" not in first
    assert b"tEXt" not in first
    assert b"tIME" not in first
