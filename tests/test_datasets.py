"""The dataset interface, the phantom, the photographs, and the folder of images."""

from hashlib import sha256

import numpy as np
import pytest
from PIL import Image

from problems.datasets import folder as folder_module
from problems.datasets import natural_images
from problems.datasets.base import (
    SPLITS,
    DataError,
    Dataset,
    RawImage,
    UnreadImage,
    evenly_spaced,
    nested,
    resize,
)
from problems.datasets.folder import Folder
from problems.datasets.natural_images import NaturalImages, tiles
from problems.datasets.phantom import Phantom
from problems.datasets.sources import DownloadError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (6, 8), dtype=np.uint8)
COLOR = RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)
VOLUME = RNG.integers(-1100, 1500, (4, 6, 8), dtype=np.int16)  # HU: slice, row, column
VOLUME_PIXELS = np.clip((VOLUME + 1000.0) / 2200, 0, 1)


class Listed(Dataset):
    label = "listed"

    def __init__(self, *images):
        self.listed = images

    def images(self, split):
        yield from self.listed


def refused(words, call, *args):
    """``call`` must raise a DataError of one line that holds all ``words``."""
    with pytest.raises(DataError) as caught:
        call(*args)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


# The interface


def image(id="a", size=(4, 4), value=0.5, cluster="p"):
    return RawImage(id, cluster, np.full(size, value))


def test_resize_averages_whole_blocks_exactly():
    pixels = np.arange(2 * 4 * 8, dtype=np.float32).reshape(2, 4, 8) / 64
    wanted = [
        [[c[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean() for j in range(4)] for i in range(2)]
        for c in pixels
    ]
    np.testing.assert_array_equal(resize(pixels, (2, 4)), np.float32(wanted))


def test_resize_crops_the_center():
    pixels = np.zeros((1, 4, 10), dtype=np.float32)
    pixels[:, :, 3:7] = RNG.random((1, 4, 4))
    np.testing.assert_array_equal(resize(pixels, (4, 4)), pixels[:, :, 3:7])


def test_resize_by_a_fraction_keeps_a_ramp_and_the_range():
    ramp = np.tile(np.linspace(0, 1, 30, dtype=np.float32), (1, 30, 1))
    small = resize(ramp, (20, 20))
    assert small.shape == (1, 20, 20)
    assert small.dtype == np.float32
    np.testing.assert_allclose(small[0, :, 3:-3], small[:1, 0, 3:-3].repeat(20, 0), atol=1e-6)
    assert (np.diff(small[0, 0]) > 0).all()
    assert abs(small.mean() - 0.5) < 1e-3


@pytest.mark.parametrize("size", [(5, 4), (4, 5)])
def test_resize_refuses_to_enlarge(size):
    refused(["4 x 4", "lower the size"], resize, np.zeros((1, 4, 4)), size)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ([], ["train", "no image"]),
        ([image("a"), image("b"), image("a")], ["'a'", "two images"]),
        ([image("a", value=np.nan)], ["'a'", "NaN"]),
        ([image("a", value=np.inf)], ["'a'", "infinite"]),
        ([image("a", size=(2, 4, 4, 1))], ["'a'", "shape"]),
        ([image("a"), image("b", size=(3, 4, 4))], ["channels"]),
        ([image("a", size=(3, 3))], ["3 x 3"]),
    ],
)
def test_load_refuses(images, words):
    refused(words, Listed(*images).load, "train", (4, 4))


def test_load_stacks_images_with_names_and_clusters():
    split = Listed(image("a", cluster="p"), image("b", (8, 8), 0.25, "q")).load("train", (4, 4))
    assert split.pixels.shape == (2, 1, 4, 4)
    assert split.pixels.dtype == np.float32
    np.testing.assert_array_equal(split.pixels.mean(axis=(1, 2, 3)), [0.5, 0.25])
    assert (split.ids, split.clusters) == (["a", "b"], ["p", "q"])


@pytest.mark.parametrize("count", [1, 2, 7, 166])
def test_subsets_are_nested_and_spread(count):
    for limit in range(1, count + 1):
        subset = nested(count, limit)
        assert len(subset) == limit
        assert subset == sorted(set(subset))
        assert set(subset) <= set(nested(count, limit + 1))
        # No gap is more than four times the mean one.
        gaps = np.diff([*subset, subset[0] + count])
        assert gaps.max() <= 4 * count / limit
    assert nested(count, None) == list(range(count))


def test_load_takes_evenly_spaced_images():
    images = [image(f"{k}") for k in range(9)]
    assert Listed(*images).load("train", (4, 4), limit=3).ids == ["0", "4", "8"]
    assert evenly_spaced([1, 2, 3], None) == evenly_spaced([1, 2, 3], 5) == [1, 2, 3]
    assert evenly_spaced([1, 2, 3], 2) == [1, 3]


def test_load_reads_only_the_unread_images_that_it_returns():
    read = []

    def unread(k):
        return UnreadImage(f"{k}", "p", lambda: read.append(k) or np.full((8, 8), k / 8))

    split = Listed(*map(unread, range(9)), image("last", value=1)).load("train", (4, 4), limit=4)
    assert split.ids == ["0", "3", "6", "last"]
    assert read == [0, 3, 6]
    np.testing.assert_array_equal(split.pixels.mean(axis=(1, 2, 3)), [0, 3 / 8, 6 / 8, 1])
    refused(["'1'", "two images"], Listed(unread(1), unread(1)).load, "train", (4, 4))
    refused(["'1'", "9 x 9"], Listed(unread(1)).load, "train", (9, 9))


# The phantom


def phantom(split="train", **values):
    values = {"train_patients": 2, "slices": 4, "resolution": 64} | values
    return list(Phantom(Phantom.Params(**values)).images(split))


def test_phantom_has_named_slices_of_separate_patients():
    names = {s: phantom(s, slices=2, resolution=32) for s in SPLITS}
    assert [i.id for i in names["train"]] == [
        "train0_000",
        "train0_001",
        "train1_000",
        "train1_001",
    ]
    clusters = {s: {i.cluster for i in images} for s, images in names.items()}
    assert clusters == {
        "train": {"train0", "train1"},
        "validation": {"validation0"},
        "test": {"test0"},
    }
    assert np.abs(names["train"][0].pixels - names["test"][0].pixels).max() > 0.2


def test_phantom_repeats_bit_by_bit_whatever_the_process_drew():
    first = phantom()
    np.random.seed(1)  # noqa: NPY002
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    for a, b in zip(first, phantom(), strict=True):
        np.testing.assert_array_equal(a.pixels, b.pixels)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_phantom_shows_a_chest():
    for slice in phantom(resolution=128, slices=3)[1::3]:  # the middle of every patient
        hu = slice.pixels * 2200 - 1000
        body = hu[40:90, 20:108]
        assert 0.15 < ((body > -950) & (body < -700)).mean() < 0.7  # lung
        assert 0.2 < ((body > -50) & (body < 400)).mean() < 0.7  # soft tissue and blood
        assert 0.005 < (hu > 300).mean() < 0.06  # bone
        assert (hu[:, :40] > 300).any()  # ribs on the right
        assert (hu[:, 88:] > 300).any()  # and on the left
        assert hu[:8].max() < -900  # air in front of the patient


def test_phantom_slices_of_a_patient_resemble_each_other():
    images = phantom(slices=33, train_patients=3)
    middle = {p: images[33 * p + 15].pixels for p in range(3)}
    within = [np.abs(middle[p] - images[33 * p + 16].pixels).mean() for p in range(3)]
    across = [np.abs(middle[p] - middle[q]).mean() for p, q in ((0, 1), (0, 2), (1, 2))]
    assert 0 < max(within) < 0.6 * min(across)


@pytest.mark.parametrize("resolution", [32, 100, 256])
def test_phantom_is_the_same_patient_at_every_resolution(resolution):
    params = Phantom.Params(train_patients=1, slices=2, resolution=resolution)
    reference = Phantom.Params(train_patients=1, slices=2, resolution=64)
    size = (min(resolution, 64),) * 2
    a = Phantom(params).load("train", size).pixels
    b = Phantom(reference).load("train", size).pixels
    assert a.min() >= 0
    assert a.max() <= 1
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.97


def test_phantom_window_maps_hu():
    wide, narrow = phantom(slices=1)[0].pixels, phantom(slices=1, window=(-200.0, 200.0))[0].pixels
    wanted = np.clip((wide * 2200 - 1000 + 200) / 400, 0, 1)
    inside = (wide > 0) & (wide < 1)
    np.testing.assert_allclose(narrow[inside], wanted[inside], atol=1e-4)


# The photographs


def photographs(folder, **values):
    return NaturalImages(NaturalImages.Params(**values), folder)


def test_photographs_are_split_by_photograph(downloads):
    found = {s: list(photographs(downloads).images(s)) for s in SPLITS}
    assert [len(found[s]) for s in SPLITS] == [206, 4, 7]
    clusters = [{i.cluster for i in found[s]} for s in SPLITS]
    assert [len(c) for c in clusters] == [13, 4, 7]
    assert len(set.union(*clusters)) == 24
    assert len({i.id for s in SPLITS for i in found[s]}) == 217
    assert [i.id for i in found["train"]][::95] == [
        "foolbox_01_r0c0",
        "foolbox_08_r3c3",
        "motorcycle_left_r2c4",
    ]
    assert [i.id for i in found["test"]][4:] == ["foolbox_19", "chelsea", "coffee"]
    assert {i.pixels.shape for i in found["train"]} == {(3, 128, 128)}
    assert [i.pixels.shape for i in found["test"]][4:] == [
        (3, 512, 512),
        (3, 300, 451),
        (3, 400, 600),
    ]
    for photograph in (i for images in found.values() for i in images):
        assert photograph.pixels.min() >= 0
        assert photograph.pixels.max() <= 1
    red, green, blue = found["test"][3].pixels.mean(axis=(1, 2))  # an insect on a leaf
    assert green > red > blue
    red, green, blue = found["train"][-15].pixels.mean(axis=(1, 2))  # the sky above the rocket
    assert blue > green > red


def test_photographs_load_at_the_size_of_the_config(downloads):
    dataset = photographs(downloads, crop=256)
    assert dataset.load("train", (256, 256)).pixels.shape == (48, 3, 256, 256)
    chelsea = {i.id: i.pixels for i in dataset.images("test")}["chelsea"]
    split = dataset.load("test", (100, 100))
    wanted = chelsea[:, :, 75:375].reshape(3, 100, 3, 100, 3).mean(axis=(2, 4))
    np.testing.assert_array_equal(split.pixels[split.ids.index("chelsea")], wanted)
    refused(["lower the size"], photographs(downloads).load, "train", (256, 256))
    refused(["no image"], photographs(downloads, crop=513).load, "train", (64, 64))
    refused(["set `crop`"], photographs(downloads, crop=0).load, "train", (64, 64))


def test_photographs_refuse_an_altered_file(downloads, monkeypatch):
    monkeypatch.setitem(natural_images.SKIMAGE, "coffee.png", "0" * 64)
    with pytest.raises(DownloadError, match=r"coffee\.png is altered"):
        photographs(downloads).load("test", (64, 64))


def test_tiles_are_disjoint_and_in_the_center():
    pixels = np.arange(2 * 7 * 9).reshape(2, 7, 9)
    names, cut = zip(*tiles(pixels, 3), strict=True)
    assert names == ("_r0c0", "_r0c1", "_r0c2", "_r1c0", "_r1c1", "_r1c2")
    np.testing.assert_array_equal(cut[4], pixels[:, 3:6, 3:6])
    assert np.unique(cut).size == 2 * 6 * 9
    ((_, whole),) = tiles(pixels, 7)
    np.testing.assert_array_equal(whole, pixels[:, :, 1:8])
    assert tiles(pixels, 8) == []


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

    data = np.rot90(volume.transpose(1, 2, 0), -1)
    nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), path)


def write_nrrd(path, volume):
    import nrrd

    nrrd.write(str(path), volume.transpose(2, 1, 0))


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
    if z is not None:
        header.ImagePositionPatient = [0, 0, z]
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
    for split in SPLITS:
        (path / split / "p").mkdir(parents=True)
    for split in ("validation", "test"):
        write_picture(path / split / "p" / "a.png", GREY)
    return path / "train" / "p"


def read(path, **values):
    """Train images by name, as (C, H, W) or (H, W)."""
    images = list(folder(path, **values).images("train"))
    assert {i.cluster for i in images} == {"p"}
    assert len({i.id for i in images}) == len(images)
    return {i.id.removeprefix("train_p_"): i.pixels for i in images}


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
        "validation": {"p", "of_validation"},
        "test": {"p", "of_test"},
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
    decode = folder_module._picture
    monkeypatch.setattr(folder_module, "_picture", lambda f: decoded.append(f.stem) or decode(f))
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
    split = folder(tmp_path, color=True).load("train", (12, 16))
    assert split.ids == [f"train_{k:05d}" for k in range(24)]
    assert split.clusters == [f"{k:05d}" for k in range(24)]
    refused(["00000.jpg", "repair or remove"], folder(tmp_path).load, "test", (12, 16))


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
    refused(["validation", "add it"], load, tmp_path)


@pytest.mark.parametrize("suffix", sorted(folder_module.FORMATS))
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
    assert len(load(tmp_path, window=(-1000.0, 1200.0)).ids) == (4 if array is VOLUME else 1)
    refused([str(file), "smaller"], lambda: load(tmp_path, window=(5.0, 5.0)))


def test_folder_refuses_nan_and_two_files_of_one_name(tmp_path):
    patient = splits(tmp_path)
    np.save(patient / "a.npy", np.full((6, 8), np.nan))
    refused(["train_p_a", "NaN"], load, tmp_path)
    np.save(patient / "a.npy", GREY)
    write_picture(patient / "a.png", GREY)
    refused(["train_p_a", "two images"], load, tmp_path)
