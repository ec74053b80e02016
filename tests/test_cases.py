"""Folders of the kinds that people bring are read right, or refused by the line that mends them."""

import cases_dicom  # noqa: F401
import cases_geometry  # noqa: F401
import cases_layout  # noqa: F401
import numpy as np
import pytest
from cases import CASES

from problems.datasets.base import SPLITS, DataError
from problems.datasets.description import description
from problems.datasets.folder import Folder


@pytest.mark.parametrize("name", CASES)
def test_case(name, tmp_path):
    case = CASES[name]
    folder = tmp_path / "images"
    folder.mkdir()
    case.make(folder)
    dataset = Folder(Folder.Params(path=str(folder), **case.params))
    if case.images is None:
        with pytest.raises(DataError) as caught:
            [dataset.load(split, (64, 64)) for split in SPLITS]
        message = str(caught.value)
        assert "\n" not in message
        for word in case.words:
            assert word in message
        return
    for split in SPLITS:
        loaded = dataset.load(split, (64, 64))
    assert len(loaded.ids) == case.images
    image = loaded.pixels[0, 0]
    assert image[32, 32] == pytest.approx(case.tissue, abs=0.004)
    bone = np.unravel_index(image.argmax(), image.shape)
    assert max(bone) < 32
    found = description([dataset], "test")
    assert found["images"] == case.images
    assert set(case.left_out) <= set(found["left_out"])
