"""The folder of images: splits by folder and by hash."""

from hashlib import sha256

import numpy as np
from PIL import Image
from writers import (
    GREY,
    VOLUME,
    VOLUME_PIXELS,
    folder,
    read,
    refused,
    splits,
    write_nrrd,
    write_picture,
)

from problems.datasets.base import SPLITS, evenly_spaced
from problems.datasets.description import description, lines
from problems.datasets.reading import pictures


def patients(dataset):
    return {s: {i.cluster for i in dataset.images(s)} for s in SPLITS}


def test_folder_splits_by_patient(tmp_path):
    for k in range(20):
        (tmp_path / f"p{k}").mkdir()
        for j, name in enumerate("ab"):
            write_picture(tmp_path / f"p{k}" / f"{name}.png", np.roll(GREY, 2 * k + j))
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
    for k, name in enumerate("abcd"):
        write_picture(tmp_path / f"{name}.png", np.roll(GREY, k))
    found = patients(folder(tmp_path))
    assert sorted(map(len, found.values())) == [1, 1, 2]
    assert set.union(*found.values()) == set("abcd")


def test_folder_keeps_given_splits(tmp_path):
    splits(tmp_path)
    for k, split in enumerate(SPLITS):
        write_picture(tmp_path / split / f"of_{split}.png", np.roll(GREY, k))
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


def test_a_description_says_how_images_were_read(tmp_path):
    write_colors(tmp_path / "a", 6)
    for k, file in enumerate(sorted((tmp_path / "a").iterdir())):
        file.rename(file.with_name(f"pat{k // 2}_{k:03d}.jpg"))
    dataset = folder(tmp_path / "a", test_only=True)
    text = "\n".join(lines("test", description([dataset], "test", size=(12, 12))))
    for said in ("made grey", "3 patients", "such as pat0", "`patient: name`", "up to 25% of an"):
        assert said in text
    dataset = folder(tmp_path / "a", test_only=True, color=True, patient="name")
    assert description([dataset], "test", size=(12, 16))["notes"] == []
    np.save(splits(tmp_path) / "a.npy", VOLUME_PIXELS)
    notes = description([folder(tmp_path)], "train")["notes"]
    assert "stacks as (slice, row, column)" in " ".join(notes)


def test_folder_opens_no_picture_of_another_split(tmp_path):
    for split, count in zip(SPLITS, (24, 3, 3), strict=True):
        write_colors(tmp_path / split, count)
    for file in (*tmp_path.glob("validation/*"), *tmp_path.glob("test/*")):
        file.write_text(f"garbage of {file}")
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
