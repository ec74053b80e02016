"""Rows in Python, with the networks in the repository."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT

from workflow.api import Row, evaluate


def test_a_row_measures_and_reconstructs_an_image_of_ones_own(slices):
    image = np.clip(slices, 0, 1)
    padis = Row("padis", "ct20", updates=1)
    y = padis.measure(image)
    first, again, other = (padis.reconstruct(y, seed=seed) for seed in (0, 0, 1))
    assert first.shape == (1, 1, 256, 256)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    found, start = Row("padual", "ct20").reconstruct(y), padis.problem.baseline(y)
    errors = [float((x.cpu()[0, 0] - torch.tensor(image)).square().mean()) for x in (found, start)]
    assert errors[0] < 0.3 * errors[1]


@pytest.mark.parametrize("row", ["admm_tv", "padual"])
def test_images_of_another_size(slices, row):
    image = np.clip(slices, 0, 1)[28:228, 38:218]
    other = Row(row, "ct20", size=image.shape)
    y = other.measure(image)
    found, start = other.reconstruct(y), other.problem.baseline(y)
    assert found.shape == (1, 1, 200, 180)
    errors = [float((x.cpu()[0, 0] - torch.tensor(image)).square().mean()) for x in (found, start)]
    assert errors[0] < 0.3 * errors[1]


@pytest.fixture
def slices():
    """A body on air, smoothed: float32 (256, 256)."""
    rows, columns = np.mgrid[:256, :256] - 127.5
    body = (rows / 80) ** 2 + (columns / 110) ** 2 < 1
    lungs = (rows / 50) ** 2 + ((abs(columns) - 50) / 35) ** 2 < 1
    return (0.45 * body - 0.35 * lungs).astype(np.float32)


def test_what_does_not_fit_is_refused_with_the_reason(slices):
    tv = Row("admm_tv", "ct20")
    with pytest.raises(ValueError, match=r"\(100, 256\), wanted \(256, 256\): .*`size="):
        tv.measure(slices[:100])
    with pytest.raises(ValueError, match=r"values from 0 to 450: scale them to \[0, 1\]"):
        tv.measure(1000 * slices)
    with pytest.raises(ValueError, match=r"shape \(3, 256, 256\), wanted \(1, 256, 256\)"):
        tv.measure(np.stack([slices] * 3))
    with pytest.raises(ValueError, match="fold 4: there are 3"):
        Row("padual", "ct20", fold=4)
    with pytest.raises(ValueError, match="did you mean 'padis'"):
        Row("padi", "ct20")
    with pytest.raises(ValueError, match=r"is for images of 256 x 256, not 128 x 128: .*padis"):
        Row("whole_image_diffusion", "ct20", size=(128, 128))
    with pytest.raises(ValueError, match=r"row.prior.bind\(ImageNoise\(\[0\]\)\)"):
        Row("padual", "ct20").prior.denoise(torch.zeros(1, 1, 256, 256), 0.1)
    with pytest.raises(FileNotFoundError, match="snakemake --cores all results/networks/ct-1-"):
        Row("padis_context", "ct20")


def test_a_function_is_scored_on_the_measurements_of_the_tables(downloads):
    """The baseline of CT with 20 views, image by image, as in the committed reference."""

    def back_projected(y, physics, denoise):
        assert denoise(torch.zeros(1, 1, 256, 256), 0.1).shape == (1, 1, 256, 256)
        return physics.A_dagger(y)

    found = evaluate(back_projected, "ct20")
    assert found.columns[:4].tolist() == ["problem", "method", "image", "fold"]
    kept = pd.read_csv(ROOT / "results/reference/standard/images.csv", dtype={"image": str})
    kept = kept[(kept["problem"] == "ct20") & (kept["method"] == "baseline")]
    both = found.merge(kept, on=["image", "fold"], suffixes=("", "_kept"))
    assert len(both) == len(found) == 6
    assert np.allclose(both["psnr"], both["psnr_kept"], atol=1e-3)
    assert np.allclose(both["ssim"], both["ssim_kept"], atol=1e-4)


def test_the_readme_reconstructs_a_slice(downloads):
    section = (ROOT / "README.md").read_text().split("## From Python")[1]
    names: dict = {}
    exec(section.split("```python\n")[1].split("```")[0], names)
    error = float((names["x_hat"][0] - torch.from_numpy(names["image"])).square().mean())
    assert -10 * np.log10(error) > 34


@pytest.mark.slow
def test_the_notebook_runs(downloads, monkeypatch):
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.chdir(ROOT)
    cells = json.loads((ROOT / "docs/first_steps.ipynb").read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    names: dict = {}
    for cell in code:
        exec(cell, names)
    table = names["table"].mean()
    assert table["alternating"] > table["baseline"] + 3
    assert names["psnr"](names["found"]["padual"]) > names["psnr"](names["found"]["baseline"]) + 5
