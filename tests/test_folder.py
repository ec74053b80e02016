"""The folder of images: formats, splits, patterns, fingerprint, errors."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from problems.datasets.base import SPLITS, DataError, check, evenly_spaced
from problems.datasets.folder import Folder, readable
from problems.datasets.reading import pictures
from problems.datasets.reading.files import FORMATS, files_of
from problems.datasets.reading.geometry import volume

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (6, 8), dtype=np.uint8)
COLOR = RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)
VOLUME = RNG.integers(-1100, 1500, (4, 6, 8), dtype=np.int16)  # HU: slice, row, column
VOLUME_PIXELS = np.clip((VOLUME + 1000.0) / 2200, 0, 1)


def refused(words, call, *args):
    """``call`` must raise a DataError of one line that holds all ``words``."""
    with pytest.raises(DataError) as caught:
        call(*args)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


# The folder of images: writers, one per format


def write_picture(path, array):
    Image.fromarray(array).save(path)


def write_pages(path, volume):
    pages = [Image.fromarray(v) for v in volume]
    pages[0].save(path, save_all=True, append_images=pages[1:])


def write_npz(path, array):
    np.savez(path, first=array, second=array[0])


def write_nifti(path, volume):
    import nibabel

    data = volume.transpose(2, 1, 0)[:, ::-1]  # columns to the left, rows from the back
    nibabel.save(nibabel.Nifti1Image(data, np.diag([-1.0, 1, 1, 1])), path)


def write_nrrd(path, volume):
    import nrrd

    header = {"space": "left-posterior-superior", "space directions": np.eye(3)}
    nrrd.write(str(path), volume.transpose(2, 1, 0), header)


def write_slice(path, hu, number=None, z=None, patient="p", rows=True):
    """One DICOM slice, stored with a slope of 2 and an intercept of -1200."""
    from pydicom.dataset import Dataset as Header
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    header = Header()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID = CTImageStorage
    header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID = generate_uid()
    header.PatientID, header.Modality, header.SeriesInstanceUID = patient, "CT", "1.2.3"
    if number is not None:
        header.InstanceNumber = number
    header.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    header.ImagePositionPatient, header.PixelSpacing = [0, 0, z or 0], [1, 1]
    if rows:
        header.Rows, header.Columns = hu.shape
        header.BitsAllocated = header.BitsStored = 16
        header.HighBit, header.PixelRepresentation, header.SamplesPerPixel = 15, 0, 1
        header.PhotometricInterpretation = "MONOCHROME2"
        header.RescaleSlope, header.RescaleIntercept = 2, -1200
        header.PixelData = ((hu + 1200) // 2).astype("<u2").tobytes()
    header.save_as(path, enforce_file_format=True)


def folder(path, **values):
    return Folder(Folder.Params(path=str(path), **values))


def splits(path):
    """Sub-folders for the splits, with an image in those that a test does not look at."""
    for split, patient in zip(SPLITS, "pqr", strict=True):
        (path / split / patient).mkdir(parents=True)
        if split != "train":
            write_picture(path / split / patient / "a.png", GREY)
    return path / "train" / "p"


def read(path, **values):
    """Train images by name, in [0, 1], as (3, H, W) or (H, W)."""
    images = list(folder(path, **values).images("train"))
    assert {i.cluster for i in images} == {"p"}
    assert len({i.id for i in images}) == len(images)
    pixels = {i.id.removeprefix("train_p_"): check(i) for i in images}
    return {name: image[0] if len(image) == 1 else image for name, image in pixels.items()}


def same(found, wanted, atol=1e-6):
    assert list(found) == list(wanted)
    for name, pixels in wanted.items():
        np.testing.assert_allclose(found[name], pixels, atol=atol, err_msg=name)


def stack(name, volume):
    return {f"{name}_{k:03d}": pixels for k, pixels in enumerate(volume)}


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


# The folder of images: splits


def patients(dataset):
    return {s: {i.cluster for i in dataset.images(s)} for s in SPLITS}


def test_folder_splits_by_patient(tmp_path):
    for k in range(20):
        (tmp_path / f"p{k}").mkdir()
        for name in ("a", "b"):
            write_picture(tmp_path / f"p{k}" / f"{name}.png", GREY)
    found = patients(folder(tmp_path))
    assert [len(found[s]) for s in SPLITS] == [16, 2, 2]
    assert len(set.union(*found.values())) == 20
    assert found == patients(folder(tmp_path))
    assert [len(list(folder(tmp_path).images(s))) for s in SPLITS] == [32, 4, 4]
    order = sorted(set.union(*found.values()), key=lambda p: sha256(p.encode()).hexdigest())
    assert (found["test"], found["validation"]) == (set(order[:2]), set(order[2:4]))
    shares = patients(folder(tmp_path, validation=0.25, test=0.4))
    assert [len(shares[s]) for s in SPLITS] == [7, 5, 8]
    assert found["test"] < shares["test"]


def test_folder_takes_single_files_as_patients(tmp_path):
    for name in "abcd":
        write_picture(tmp_path / f"{name}.png", GREY)
    found = patients(folder(tmp_path))
    assert sorted(map(len, found.values())) == [1, 1, 2]
    assert set.union(*found.values()) == set("abcd")


def test_folder_keeps_given_splits(tmp_path):
    splits(tmp_path)
    for split in SPLITS:
        write_picture(tmp_path / split / f"of_{split}.png", GREY)
    found = patients(folder(tmp_path))
    assert found == {
        "train": {"of_train"},
        "validation": {"q", "of_validation"},
        "test": {"r", "of_test"},
    }
    ids = [i.id for s in SPLITS for i in folder(tmp_path).images(s)]
    assert len(set(ids)) == len(ids)


def write_colors(folder, count):
    """JPEGs of one color each; the red of picture k is k / count."""
    folder.mkdir(parents=True)
    for k in range(count):
        color = np.full((12, 16, 3), (255 * k // count, 40, 200), dtype=np.uint8)
        Image.fromarray(color).save(folder / f"{k:05d}.jpg", quality=95)


def test_folder_takes_color_pictures_of_one_subject_each(tmp_path, monkeypatch):
    write_colors(tmp_path / "images", 30)
    dataset = folder(tmp_path / "images", color=True)
    names = {s: [i.cluster for i in dataset.images(s)] for s in SPLITS}
    assert [len(names[s]) for s in SPLITS] == [24, 3, 3]
    assert set().union(*names.values()) == {f"{k:05d}" for k in range(30)}
    decoded = []
    decode = pictures.page
    monkeypatch.setattr(
        pictures, "page", lambda f, number: decoded.append(f.stem) or decode(f, number)
    )
    split = dataset.load("train", (12, 12), limit=5)
    assert decoded == split.ids == evenly_spaced(names["train"], 5)
    assert split.pixels.shape == (5, 3, 12, 12)
    colors = [[int(id_) / 30, 40 / 255, 200 / 255] for id_ in split.ids]
    np.testing.assert_allclose(split.pixels.mean(axis=(2, 3)), colors, atol=0.02)


def test_folder_opens_no_picture_of_another_split(tmp_path):
    for split, count in zip(SPLITS, (24, 3, 3), strict=True):
        write_colors(tmp_path / split, count)
    for file in (*tmp_path.glob("validation/*"), *tmp_path.glob("test/*")):
        file.write_bytes(b"garbage")
    refused(["00000 is in train", "`patient: file`"], folder(tmp_path).load, "train", (12, 16))
    split = folder(tmp_path, color=True, patient="file").load("train", (12, 16))
    assert split.ids == split.clusters == [f"train_{k:05d}" for k in range(24)]
    test = folder(tmp_path, patient="file")
    refused(["00000.jpg", "repair or remove"], test.load, "test", (12, 16))


def test_folder_ignores_other_and_hidden_files(tmp_path):
    patient = splits(tmp_path)
    write_picture(patient / "a.png", GREY)
    write_picture(patient / ".b.png", GREY)
    (patient / ".cache").mkdir()
    write_picture(patient / ".cache" / "c.png", GREY)
    for name in ("notes.txt", "labels.json", "README", "empty"):
        (patient / name).write_text("" if name == "empty" else "text")
    assert list(read(tmp_path)) == ["a"]


def test_folder_loads_through_the_interface(tmp_path):
    write_nrrd(splits(tmp_path) / "a.nrrd", VOLUME)
    split = folder(tmp_path).load("train", (6, 8))
    np.testing.assert_allclose(split.pixels[:, 0], VOLUME_PIXELS, atol=1e-6)


# The folder of images: errors


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
        np.zeros((2, 3, 4, 5)),
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


# The folder of images: which files count


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
