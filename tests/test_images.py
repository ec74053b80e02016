"""Prepared splits: what is stored is what was prepared, and damage is noticed."""

import numpy as np
import pandas as pd
import pytest

from problems.datasets.base import Images
from workflow.store.arrays import StoreError
from workflow.store.images import floats, load_images, open_images, save_images

RNG = np.random.default_rng(0)
FLOATS = RNG.random((3, 1, 8, 6), dtype=np.float32)
EIGHT = floats(RNG.integers(256, size=(3, 1, 8, 6), dtype=np.uint8))


def images(pixels):
    names = [f"0{k}" for k in range(len(pixels))]
    return Images(pixels, names, ["NA", *"p" * (len(pixels) - 1)], [1] * len(pixels))


@pytest.mark.parametrize(
    ("pixels", "dtype"),
    [
        (FLOATS, np.float32),
        (EIGHT, np.uint8),
        (np.concatenate([EIGHT, FLOATS]), np.float32),  # widened on the way
        (np.concatenate([EIGHT[:1], FLOATS[:1]]), np.float32),
    ],
)
def test_pixels_and_names_come_back(tmp_path, pixels, dtype):
    path = tmp_path / "test.npy"
    save_images(path, images(pixels))
    assert np.load(path).dtype == dtype
    stored = open_images(path)
    assert isinstance(stored.pixels, np.memmap)
    assert np.array_equal(floats(stored.pixels), pixels)
    found = load_images(path)
    assert np.array_equal(found.pixels, pixels)
    assert found[1:] == images(pixels)[1:]
    assert stored.mean() == pytest.approx(pixels.mean(axis=0), abs=1e-6)


def test_an_image_of_several_folds_is_stored_once(tmp_path):
    path = tmp_path / "train.npy"
    save_images(path, images(FLOATS))
    names = pd.read_csv(path.with_suffix(".csv"), dtype=str)
    both = pd.concat([names, names.iloc[[2, 0]].assign(fold="2")])
    both.to_csv(path.with_suffix(".csv"), index=False)
    second = load_images(path).of_fold(2)
    assert np.array_equal(second.pixels, FLOATS[[2, 0]])
    split = open_images(path)
    assert split.of_fold(2).names["row"].tolist() == [2, 0]
    assert split.of_fold(1).sha256 != split.of_fold(2).sha256
    assert split.first(1).names["row"].tolist() == [0]


def test_damage_is_noticed(tmp_path):
    path = tmp_path / "test.npy"
    save_images(path, images(FLOATS))
    whole = path.read_bytes()
    path.write_bytes(whole[:-200])
    with pytest.raises(StoreError, match=r"damaged.*delete it"):
        open_images(path)
    path.write_bytes(whole[:-4] + b"\x00\x00\x00\x3f")
    with pytest.raises(StoreError, match="wrong hash"):
        load_images(path)
    save_images(tmp_path / "other.npy", images(FLOATS[:2]))
    path.write_bytes((tmp_path / "other.npy").read_bytes())
    with pytest.raises(StoreError, match="differ"):
        open_images(path)
    path.unlink()
    with pytest.raises(StoreError, match=r"test\.npy is missing"):
        load_images(path)
