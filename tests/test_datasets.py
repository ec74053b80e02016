"""The dataset interface, the phantom, the photographs, and what is known of real images."""

import json
from hashlib import sha256

import numpy as np
import pytest
from writers import refused

from problems.datasets import natural_images
from problems.datasets.base import (
    SPLITS,
    Dataset,
    RawImage,
    UnreadImage,
    evenly_spaced,
    nested,
    resize,
)
from problems.datasets.chest_ct import ChestCT
from problems.datasets.description import contact_sheet, description, lines
from problems.datasets.natural_images import NaturalImages, tiles
from problems.datasets.phantom import Phantom
from problems.datasets.sources import DownloadError
from workflow.plugins.discovery import load

RNG = np.random.default_rng(0)


class Listed(Dataset):
    label = "listed"

    def __init__(self, *images):
        self.listed = images

    def images(self, split):
        yield from self.listed


# The interface


def image(id="a", size=(4, 4), value=0.5, cluster="p"):
    """An image around ``value``, with some contrast."""
    contrast = np.linspace(-0.1, 0.1, np.prod(size)).reshape(size)
    return RawImage(id, cluster, value + contrast)


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
    refused(["4 x 4", "lower `size`"], resize, np.zeros((1, 4, 4)), size)


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
    np.testing.assert_allclose(split.pixels.mean(axis=(1, 2, 3)), [0.5, 0.25], rtol=1e-5)
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
        value = (k + 2) / 16
        return UnreadImage(f"{k}", "p", lambda: read.append(k) or image("", (8, 8), value).pixels)

    split = Listed(*map(unread, range(9)), image("last", value=0.9)).load("train", (4, 4), limit=4)
    assert split.ids == ["0", "3", "6", "last"]
    assert read == [0, 3, 6]
    np.testing.assert_allclose(
        split.pixels.mean(axis=(1, 2, 3)), [2 / 16, 5 / 16, 8 / 16, 0.9], rtol=1e-5
    )
    refused(["'1'", "two images"], Listed(unread(1), unread(1)).load, "train", (4, 4))
    refused(["'1'", "9 x 9"], Listed(unread(1)).load, "train", (9, 9))


# The phantom


def phantom(split="train", **values):
    values = {"train_patients": 2, "slices": 4, "resolution": 64} | values
    return [image.opened() for image in Phantom(Phantom.Params(**values)).images(split)]


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
    refused(["lower `size`"], photographs(downloads).load, "train", (256, 256))
    refused(["no image"], photographs(downloads, crop=513).load, "train", (64, 64))
    refused(["set `crop`"], photographs(downloads, crop=0).load, "train", (64, 64))


def test_photographs_refuse_an_altered_file(downloads, monkeypatch):
    monkeypatch.setitem(natural_images.SKIMAGE, "coffee.png", "0" * 64)
    with pytest.raises(DownloadError, match=r"coffee\.png is modified"):
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


# Real images, and what is said of them

PREPARED = {  # SHA-256 of pixels, names and patients as of before SimpleITK read them
    ("chest_ct", "train"): "f726504aae6ecf67",
    ("chest_ct", "validation"): "12a87523bdab5513",
    ("chest_ct", "test"): "8da8010389b4146b",
    ("orl_faces", "train"): "954ade655747fae6",
    ("orl_faces", "validation"): "017a7c6a1726353f",
    ("orl_faces", "test"): "7f6a8e6ca2606204",
    ("lung_crops", "test"): "2f62e1eac1292f53",
    ("head_abdomen", "test"): "a29de8ee66aea1e3",
}


@pytest.mark.parametrize(("name", "split"), PREPARED)
def test_prepared_images_stay_the_same(downloads, name, split):
    source = "other_ct" if name in ("lung_crops", "head_abdomen") else name
    cls = load("dataset", source)
    params = cls.Params(part=name) if source == "other_ct" else cls.Params()
    limit = 12 if split == "test" and source != "other_ct" else None
    images = cls(params, downloads).load(split, (64, 64), limit)
    digest = sha256(images.pixels.tobytes())
    digest.update(json.dumps([images.ids, images.clusters, list(images.pixels.shape)]).encode())
    assert digest.hexdigest()[:16] == PREPARED[name, split]


def test_chest_slices_are_described(downloads):
    found = description([ChestCT(ChestCT.Params(), downloads)], "train")
    assert (found["patients"], found["images"], found["looked_at"]) == (2, 166, 64)
    assert found["size"] == [[512, 512], [512, 512]]
    assert found["spacing"] == [[0.627, 0.627], [0.7031, 0.7031]]
    assert found["window"] == [-1000, 1200]
    assert (found["before"]["low"], found["after"]["low"], found["after"]["high"]) == (-1024, 0, 1)
    assert json.loads(json.dumps(found)) == found
    text = lines("train", found)
    assert text[0] == "train: images 166, patients or subjects 2"
    assert text[1] == "  size 512 x 512 pixels, 0.627 x 0.627 to 0.703 x 0.703 mm"


def test_description_reads_few_images_and_counts_what_is_left_out():
    read = []

    def unread(k):
        return UnreadImage(f"{k}", f"{k // 2}", lambda: read.append(k) or image("", (8, 6)).pixels)

    class Source(Listed):
        def left_out(self, split):
            return {"reports": 3}

    found = description([Source(*map(unread, range(9)))], "test", looked_at=3)
    assert read == [0, 4, 8]
    assert (found["patients"], found["images"], found["looked_at"]) == (5, 9, 3)
    assert found["spacing"] is None
    assert found["after"] == {"low": 0.4, "high": 0.6, "mean": 0.5}
    assert lines("test", found)[1] == "  size 8 x 6 pixels"
    assert lines("test", found)[-2:] == ["  (of 3 images, evenly spaced)", "  left out: 3 reports"]


@pytest.mark.parametrize("channels", [1, 3])
def test_contact_sheet_shows_evenly_spaced_images(channels):
    pixels = np.linspace(0, 0.8, 9, dtype=np.float32)[:, None, None, None]
    pixels = np.broadcast_to(pixels, (9, channels, 10, 20))
    sheet = contact_sheet(pixels, limit=4)
    assert sheet.dtype == np.uint8
    assert sheet.shape == ((50, 24) if channels == 1 else (50, 24, 3))
    grey = sheet if channels == 1 else sheet[..., 0]
    assert sorted(set(np.unique(grey))) == [0, 76, 128, 204, 255]


def test_images_without_contrast_are_refused():
    flat = [RawImage(f"{k}", "p", np.full((8, 8), 0.5 + k / 100)) for k in range(4)]
    refused(
        ["train images", "hardly any contrast", "0: 0.5 to 0.5"],
        Listed(*flat).load,
        "train",
        (8, 8),
    )
    some = [image(f"{k}", (8, 8)) for k in range(4, 9)]
    assert len(Listed(*flat, *some).load("train", (8, 8)).ids) == 9


def test_window_maps_values():
    raw = RawImage("a", "p", np.linspace(-2000, 2000, 64).reshape(8, 8), (-1000.0, 1200.0))
    pixels = Listed(raw).load("train", (8, 8)).pixels[0, 0]
    np.testing.assert_allclose(pixels, np.clip((raw.pixels + 1000) / 2200, 0, 1), atol=1e-6)
