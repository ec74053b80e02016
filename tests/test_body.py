"""Scores in Hounsfield units inside the body, and the pairs of rows that a metric reverses."""

import numpy as np
import pandas as pd
import pytest

from workflow.score import body, ranking
from workflow.score.scores import METRICS

HU = (-1000.0, 1200.0)
Y, X = np.mgrid[-1:1:64j, -1:1:64j]
BODY = X**2 + Y**2 < 0.6


@pytest.fixture
def hu():
    """A body of 40 HU with a lung, above a table of one line."""
    image = np.where(BODY, 40.0, -1000.0)
    image[(X + 0.3) ** 2 + Y**2 < 0.05] = -800
    image[60] = 200
    return image


def image(hu):
    return ((hu - HU[0]) / (HU[1] - HU[0])).astype(np.float32)[None]


def test_the_body_has_its_lungs_and_no_table(hu):
    assert (body.body(hu) != BODY).mean() < 0.01
    assert body.body(np.full((8, 8), -1000.0)).all()  # nothing but air: the whole image


def test_what_is_outside_of_the_body_does_not_count(hu):
    mask = body.body(hu)
    wrong = np.where(mask, hu + 22, 1000)
    found = body.scores(image(hu), image(wrong), HU)
    assert set(found) == set(body.NAMES) <= set(METRICS)
    assert found["rmse_hu"] == pytest.approx(22, rel=1e-4)
    assert found["psnr_body"] == pytest.approx(40, abs=1e-3)
    # The lung, of -800 HU, is below the window of soft tissue, and all is inside that of the lung.
    assert found["rmse_lung"] == pytest.approx(22, rel=1e-4)
    tissue = (hu == 40).sum() / mask.sum()
    assert found["rmse_soft"] == pytest.approx(22 * tissue**0.5, rel=0.01)
    assert found["ssim_body"] < 1
    wrong = hu.copy()
    wrong[:3] = 1000  # further from the body than half a window of SSIM
    assert body.scores(image(hu), image(wrong), HU)["ssim_body"] == pytest.approx(1)


def test_pairs_that_a_metric_reverses_are_named():
    scores = {"a": (30.0, 40.0), "b": (31.0, 50.0), "c": (20.0, 90.0)}  # PSNR, RMSE in HU
    lines = [
        {
            "method": row, "status": "ok", "image": k, "cluster": k, "fold": 1, "seed": 0,
            **dict.fromkeys(METRICS, np.nan), "psnr": psnr + int(k), "rmse_hu": rmse + int(k),
        }
        for row, (psnr, rmse) in scores.items()
        for k in "012"
    ]  # fmt: skip
    found = ranking.compare(pd.DataFrame(lines), ["a", "b", "c"]).set_index("metric")
    assert list(found.index) == ["psnr", "rmse_hu"]  # no image has the others
    line = found.loc["rmse_hu"]
    assert (line["first"], line["pairs"], line["opposed"], line["which"]) == ("a", 3, 1, "a > b")
    assert line["tau"] == pytest.approx(1 / 3)
