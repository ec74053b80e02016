"""The folder of images: every format, and which files count."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from writers import (
    COLOR,
    GREY,
    VOLUME,
    VOLUME_PIXELS,
    folder,
    read,
    refused,
    same,
    splits,
    stack,
    write_nifti,
    write_npz,
    write_nrrd,
    write_pages,
    write_picture,
    write_slice,
)

from problems.datasets.base import SPLITS
from problems.datasets.folder import readable
from problems.datasets.reading import pictures
from problems.datasets.reading.files import files_of
from problems.datasets.reading.geometry import volume


@pytest.mark.parametrize("suffix", ["png", "tif", "TIFF"])
def test_folder_reads_8_bit_pictures(tmp_path, suffix):
    write_picture(splits(tmp_path) / f"a.{suffix}", GREY)
    same(read(tmp_path), {"a": GREY / 255})


def test_folder_reads_jpg(tmp_path):
    smooth = np.tile(np.arange(0, 240, 15, dtype=np.uint8), (16, 1))
    write_picture(splits(tmp_path) / "a.JPG", smooth)
    same(read(tmp_path), {"a": smooth / 255}, atol=0.02)


def test_folder_reads_16_bit_png_and_float_tif(tmp_path):
    patient = splits(tmp_path)
    write_picture(patient / "a.png", GREY.astype(np.uint16) * 257)
    write_picture(patient / "b.tif", GREY.astype(np.float32) / 255)
    same(read(tmp_path), {"a": GREY / 255, "b": GREY / 255})


def test_folder_reads_pages_of_tif(tmp_path):
    pages = np.stack([GREY, GREY[::-1]])
    write_pages(splits(tmp_path) / "a.tif", pages)
    same(read(tmp_path), stack("a", pages / 255))


def test_folder_converts_color_both_ways(tmp_path):
    patient = splits(tmp_path)
    write_picture(patient / "color.png", COLOR)
    write_picture(patient / "grey.png", GREY)
    luminance = COLOR @ [0.2125, 0.7154, 0.0721] / 255
    same(read(tmp_path), {"color": luminance, "grey": GREY / 255})
    color = COLOR.transpose(2, 0, 1) / 255
    same(read(tmp_path, color=True), {"color": color, "grey": np.stack([GREY / 255] * 3)})


def test_folder_drops_alpha_and_applies_palettes(tmp_path):
    patient = splits(tmp_path)
    alpha = np.full((6, 8, 1), 128, dtype=np.uint8)
    write_picture(patient / "alpha.png", np.concatenate([COLOR, alpha], axis=2))
    few = (COLOR // 128) * 255  # eight colors survive a palette
    Image.fromarray(few).quantize(8).save(patient / "palette.png")
    found = read(tmp_path, color=True)
    wanted = {"alpha": COLOR, "palette": few}
    same(found, {name: pixels.transpose(2, 0, 1) / 255 for name, pixels in wanted.items()})


def test_folder_reads_npy_and_npz(tmp_path):
    patient = splits(tmp_path)
    volume = VOLUME_PIXELS.astype(np.float32)
    np.save(patient / "a.npy", volume[0])
    np.save(patient / "b.npy", volume)
    write_npz(patient / "c.npz", volume)
    wanted = {"a": volume[0]} | stack("b", volume) | stack("c_first", volume)
    same(read(tmp_path), wanted | {"c_second": volume[0]})


@pytest.mark.parametrize(
    ("name", "write"),
    [("a.nii", write_nifti), ("a.nii.gz", write_nifti), ("a.nrrd", write_nrrd)],
)
def test_folder_reads_volumes_in_hu(tmp_path, name, write):
    write(splits(tmp_path) / name, VOLUME)
    same(read(tmp_path), stack("a", VOLUME_PIXELS))
    narrow = np.clip((VOLUME + 200.0) / 400, 0, 1)
    same(read(tmp_path, window=(-200.0, 200.0)), stack("a", narrow))


@pytest.mark.parametrize("suffix", [".dcm", ".IMA", ""])
@pytest.mark.parametrize("key", ["number", "z"])
def test_folder_sorts_dicom_series(tmp_path, suffix, key):
    series = splits(tmp_path) / "series"
    series.mkdir()
    even = VOLUME // 2 * 2
    for k, hu in enumerate(even):  # names in reverse order
        write_slice(series / f"{9 - k}{suffix}", hu, **{key: 8 + k})
    write_slice(series / f"structures{suffix}", None, rows=False)
    (series / "notes").write_text("no image")
    same(read(tmp_path), stack("series", np.clip((even + 1000.0) / 2200, 0, 1)))


def test_folder_groups_dicom_files_in_the_folder_by_patient(tmp_path):
    for patient in ("P/1", "P/2", "P/3"):
        for k in range(2):
            write_slice(tmp_path / f"{patient[2]}{k}.dcm", VOLUME[0] // 2 * 2, k, patient=patient)
    images = [i for s in SPLITS for i in folder(tmp_path).images(s)]
    assert {i.cluster for i in images} == {"P_1", "P_2", "P_3"}
    assert sorted(i.id for i in images) == [f"P_{p}_00{k}" for p in (1, 2, 3) for k in (0, 1)]


# Which files count


def test_folder_reads_what_its_fingerprint_names(tmp_path, monkeypatch):
    home = tmp_path / "home"
    store = tmp_path / "store"
    for patient in "abcd":
        (store / patient).mkdir(parents=True)
        write_picture(store / patient / "0.png", GREY)
        write_picture(store / patient / "0_mask.png", GREY)
    (home / "images").mkdir(parents=True)
    for patient in "abcd":
        (home / "images" / patient).symlink_to(store / patient)
    (home / "images" / "notes.txt").write_text("text")
    monkeypatch.setenv("HOME", str(home))
    params = {"path": "~/images", "exclude": ["d"]}
    files = files_of(params)
    assert files == [home / "images" / patient / "0.png" for patient in "abc"]
    opened = []
    page = pictures.page
    monkeypatch.setattr(pictures, "page", lambda f, number: opened.append(f) or page(f, number))
    for split in SPLITS:
        folder("~/images", exclude=("d",)).load(split, (6, 8))
    assert sorted(opened) == files
    assert len(files_of(params, every=True)) == 9
    assert files_of({"path": "~/nowhere"}) == files_of({}) == []


def test_fingerprint_has_values_of_detached_headers(tmp_path):
    import nrrd

    header = {"space": "left-posterior-superior", "space directions": np.eye(3)}
    nrrd.write(str(tmp_path / "a.nhdr"), VOLUME, header)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "notes.raw").write_text("no image")
    names = [path.name for path in files_of({"path": tmp_path})]
    assert names == ["a.nhdr", "a.raw.gz"]


def test_fingerprint_needs_no_heavy_library(tmp_path):
    write_picture(tmp_path / "a.png", GREY)
    code = (
        "import sys; from problems.datasets.reading.files import files_of; "
        f"assert len(files_of({{'path': {str(tmp_path)!r}}})) == 1; "
        "heavy = {'numpy', 'torch', 'SimpleITK', 'pydicom', 'PIL'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    root = Path(__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_folder_takes_patterns_of_names_and_paths(tmp_path):
    patient = splits(tmp_path)
    (patient / "old").mkdir()
    for name in ("a.png", "b_mask.png", "b.tif", "old/c.png"):
        write_picture(patient / name, GREY)
    assert list(read(tmp_path)) == ["a", "b", "old_c"]
    assert list(read(tmp_path, exclude=("old",))) == ["a", "b"]
    assert list(read(tmp_path, exclude=("train/*/old/*", "*.tif"))) == ["a"]
    assert list(read(tmp_path, include=("*.png",))) == ["a", "b_mask", "old_c"]
    assert list(read(tmp_path, include=("*.png",), exclude=("*_mask.png",))) == ["a", "old_c"]
    refused(["no image", "6 not included"], read_nothing, tmp_path)


def read_nothing(path):
    """Images of no file: the message says which patterns were set."""
    return read(path, include=("*.nii",))


def test_folder_opens_only_volumes_whose_slices_are_taken(tmp_path):
    patient = splits(tmp_path)
    for name in "abc":
        write_nrrd(patient / f"{name}.nrrd", VOLUME)
    cut = patient / "b.nrrd"
    cut.write_bytes(cut.read_bytes()[:-60])
    dataset = folder(tmp_path)
    assert dataset.load("train", (6, 8), limit=2).ids == ["train_p_a_000", "train_p_c_003"]
    refused(["b.nrrd", "repair or remove"], dataset.load, "train", (6, 8))


def test_folder_says_what_a_truncated_volume_is(tmp_path):
    for suffix in (".nii", ".nii.gz"):
        file = tmp_path / f"a{suffix}"
        write_nifti(file, np.stack([VOLUME[0]] * 40))
        file.write_bytes(file.read_bytes()[:-60])
        refused([file.name, "repair or remove"], lambda f=file: readable(volume, f))


def test_folder_skips_arrays_called_masks(tmp_path):
    patient = splits(tmp_path)
    np.savez(patient / "a.npz", image=GREY, mask=GREY > 3)
    assert list(read(tmp_path)) == ["a_image"]
