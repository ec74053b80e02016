"""The folder of images: what is refused, by a line that names the file and the fix."""

import numpy as np
import pytest
from writers import (
    GREY,
    RNG,
    VOLUME,
    folder,
    refused,
    splits,
    write_nifti,
    write_npz,
    write_nrrd,
    write_picture,
    write_slice,
)

from problems.datasets.base import SPLITS
from problems.datasets.folder import Folder
from problems.datasets.reading.files import FORMATS


def load(path, **values):
    return folder(path, **values).load("train", (6, 8))


def test_folder_refuses_missing_and_empty_folders(tmp_path):
    refused(["set `path`"], lambda: Folder(Folder.Params()).load("train", (6, 8)))
    refused(["nowhere", "set `path`"], load, tmp_path / "nowhere")
    refused([str(tmp_path), ".nrrd"], load, tmp_path)
    (tmp_path / "notes.txt").write_text("no image")
    refused([str(tmp_path), ".png"], load, tmp_path)


@pytest.mark.parametrize("count", [1, 2])
def test_folder_refuses_too_few_patients(tmp_path, count):
    for k in range(count):
        write_picture(tmp_path / f"{k}.png", GREY)
    for split in SPLITS:
        refused(
            [str(tmp_path), "add patients", "train, validation and test"],
            lambda split=split: list(folder(tmp_path).images(split)),
        )


def test_folder_refuses_shares_that_leave_no_training_patient(tmp_path):
    for k in range(4):
        write_picture(tmp_path / f"{k}.png", GREY)
    refused(["patients"], lambda: list(folder(tmp_path, validation=0.5, test=0.5).images("train")))


def test_folder_refuses_some_of_the_split_folders(tmp_path):
    splits(tmp_path)
    (tmp_path / "validation").rename(tmp_path / "val")
    refused(["rename val to validation"], load, tmp_path)
    (tmp_path / "val").rename(tmp_path / "other")
    refused(["validation", "add it"], load, tmp_path)


@pytest.mark.parametrize("suffix", sorted(FORMATS))
@pytest.mark.parametrize("content", [b"", b"garbage " * 100])
def test_folder_names_corrupt_files(tmp_path, suffix, content):
    file = splits(tmp_path) / f"broken{suffix}"
    file.write_bytes(content)
    refused([str(file), "repair or remove"], load, tmp_path)


@pytest.mark.parametrize(
    ("name", "write", "data"),
    [
        ("a.png", write_picture, RNG.integers(0, 256, (64, 64), dtype=np.uint8)),
        ("a.npy", np.save, VOLUME),
        ("a.npz", write_npz, VOLUME),
        ("a.nii.gz", write_nifti, VOLUME),
        ("a.nrrd", write_nrrd, VOLUME),
        ("a.dcm", write_slice, VOLUME[0]),
    ],
)
def test_folder_names_truncated_files(tmp_path, name, write, data):
    file = splits(tmp_path) / name
    write(file, data)
    file.write_bytes(file.read_bytes()[:-60])
    refused([str(file), "repair or remove"], load, tmp_path)


@pytest.mark.parametrize(
    "array",
    [
        np.array([[{}]], dtype=object),
        np.array([["text"]]),
        np.zeros((2, 5, 4, 6)),
        np.zeros(7),
        np.zeros((0, 8)),
        np.zeros((6, 8), dtype=complex),
    ],
)
def test_folder_refuses_arrays_that_are_no_images(tmp_path, array):
    file = splits(tmp_path) / "a.npy"
    np.save(file, array, allow_pickle=True)
    refused([str(file), "repair or remove"], load, tmp_path)


class Mischief:
    """Runs code of its own when somebody unpickles it."""

    def __reduce__(self):
        return pytest.fail, ("the file was unpickled",)


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_folder_never_unpickles(tmp_path, suffix):
    file = splits(tmp_path) / f"a.{suffix}"
    array = np.array([[Mischief()]], dtype=object)
    np.save(file, array) if suffix == "npy" else np.savez(file, array)
    refused([str(file), "repair or remove"], load, tmp_path)


@pytest.mark.parametrize("array", [GREY.astype(np.float32), GREY / 255 - 0.1, VOLUME])
def test_folder_asks_for_a_window(tmp_path, array):
    file = splits(tmp_path) / "a.npy"
    np.save(file, array)
    refused([str(file), "set `window`"], load, tmp_path)
    window = (-1.0, 2.0) if array.max() <= 1 else (-1000.0, 1200.0)
    assert len(load(tmp_path, window=window).ids) == (4 if array is VOLUME else 1)
    refused([str(file), "smaller"], lambda: load(tmp_path, window=(5.0, 5.0)))


def test_folder_refuses_nan_and_two_files_of_one_name(tmp_path):
    patient = splits(tmp_path)
    np.save(patient / "a.npy", np.full((6, 8), np.nan))
    refused(["a.npy", "NaN", "repair or remove"], load, tmp_path)
    (patient / "a.npy").unlink()
    write_picture(patient / "a.tif", GREY)
    write_picture(patient / "a.png", GREY)
    refused(["train_p_a", "two images"], load, tmp_path)
