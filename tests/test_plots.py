"""Plots show what the numbers say."""

import numpy as np
import pandas as pd
import pytest

from workflow.score.intervals import half_width
from workflow.score.summary import within
from workflow.show import plots
from workflow.show.plots import Look
from workflow.show.sensitivity import sensitivity_figure
from workflow.show.training import validation_figure


def scores(psnr: dict[str, list[float]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "problem": "ct20",
            "method": row,
            "image": f"i{k}",
            "psnr": value,
            "status": "ok",
            "cluster": f"{k}",
            "fold": 1,
        }
        for row, values in psnr.items()
        for k, value in enumerate(values)
    )


def drawn(images, series, label, kin):
    """The plot of a table of one problem; ``kin``: row to the place of its look."""
    table = {"problems": ["ct20"], "plot": {"series": series, "label": label}}
    rows = {row: {"kin": place} for row, place in kin.items()}
    config = {"tables": {"t": table}, "problems": {"ct20": {"label": "CT"}}, "rows": rows}
    return plots.series_figure(config, "t", images).axes


def test_series_have_means_and_bars_without_the_difficulty_of_images():
    images = scores({"p8": [30, 20, 25], "p16": [31, 21, 26], "p64": [29, 21, 25]})
    series = {"PaDIS": [(8, "p8"), (16, "p16")], "Whole": [(64, "p64")], "Gone": [(4, "p4")]}
    (axes,) = drawn(images, series, "P", {"p8": 0, "p64": 1, "p4": 2})
    padis, whole, gone = axes.containers
    np.testing.assert_allclose(padis[0].get_xydata(), [[8, 25], [16, 26]])
    np.testing.assert_allclose(whole[0].get_xydata(), [[64, 25]])
    assert len(gone[0].get_xydata()) == 0
    # p8 - mean over the three rows: 0, -2/3, -1/3; the images themselves differ by 10 dB.
    (segments,) = padis[2]
    first = segments.get_segments()[0]
    expected = half_width([0, -2 / 3, -1 / 3], ["0", "1", "2"]) * 1.5**0.5
    assert first[1, 1] - 25 == pytest.approx(expected)
    assert axes.get_xscale() == "log"
    assert [t.get_text() for t in axes.get_xticklabels()] == ["4", "8", "16", "64"]
    assert padis[0].get_linestyle() != whole[0].get_linestyle()
    assert Look(padis[0].get_color(), padis[0].get_marker()) == plots.look(0)


def test_a_word_on_the_axis_stands_behind_the_numbers():
    assert plots.positions(["all", 42, 10]) == {10: 10, 42: 42, "all": 84}
    assert plots.positions([0, 1, "all"]) == {0: 0, 1: 1, "all": 2}
    images = scores({"few": [30, 20], "all": [31, 21]})
    series = {"PaDIS": [(10, "few"), ("all", "all")]}
    (axes,) = drawn(images, series, "Slices", {"few": 0})
    assert [t.get_text() for t in axes.get_xticklabels()] == ["10", "all"]


def test_bars_count_subjects_not_images():
    """Copies of every image, of the same subjects, leave the bars as they are."""
    images = scores({"a": [30, 20, 25], "b": [31, 21, 27]})
    twice = pd.concat([images, images.assign(image=images["image"] + "again")])
    once, again = (within(frame, ["a", "b"], "psnr") for frame in (images, twice))
    assert again["a"].half == pytest.approx(once["a"].half)


def test_sensitivity_varies_one_parameter_around_the_best():
    trials = pd.DataFrame(
        [
            {"weight": 0.1, "rho": 1.0, "psnr": 30.0},
            {"weight": 0.3, "rho": 1.0, "psnr": 31.0},
            {"weight": 1.0, "rho": 1.0, "psnr": 29.0},
            {"weight": 0.3, "rho": 3.0, "psnr": 32.0},
            {"weight": 0.3, "rho": 9.0, "psnr": float("nan")},
        ]
    )
    for parameter, x, y in (
        ("weight", [0.1, 0.3, 1.0], [-2.0, -1.0, -3.0]),
        ("rho", [1.0, 3.0], [-1.0, 0.0]),
    ):
        figure = sensitivity_figure(
            {"ct": {"tv": trials}}, {"ct": "CT", "tv": "TV"}, {"tv": Look("red", "o")}, parameter,
            ["weight", "rho"],
        )  # fmt: skip
        (line,) = figure.axes[0].lines
        assert line.get_xdata().tolist() == x
        assert line.get_ydata().tolist() == y


def test_validation_figure_has_a_panel_per_dataset_and_level():
    frame = pd.DataFrame({"pixels": [1, 2], "sigma_0.05": [30, 31], "sigma_1": [20, np.nan]})
    narrow = frame.assign(**{"sigma_1": np.nan})
    figure = validation_figure(
        {"ct": {"patch": frame, "drunet": narrow}, "faces": {"simple": frame, "patch": frame}}
    )
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["CT, noise 0.05", "CT, noise 1", "Faces, noise 0.05", "Faces, noise 1"]
    assert [len(axes.lines) for axes in figure.axes] == [2, 1, 2, 2]
    colours = [[line.get_color() for line in axes.lines] for axes in figure.axes]
    assert colours[2][1] == colours[0][0]  # a network has the same colour in every line of panels
    assert colours[2][0] not in colours[0]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["Patch", "Drunet", "Simple"]
