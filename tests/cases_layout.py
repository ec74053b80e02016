"""Layouts of folders, links, and pictures of every kind."""

import os

import numpy as np
from cases import (
    BODY,
    GREY,
    LAS,
    NEEDED,
    SPLITS,
    error,
    files,
    hu,
    nifti,
    picture,
    unit,
    value,
)
from PIL import Image

COLOR = np.stack([GREY] * 3, axis=-1)


def brains(d):
    for k in range(4):
        place = d / f"sub-0{k}"
        (place / "anat").mkdir(parents=True)
        (place / "dwi").mkdir()
        nifti(BODY[:, ::-1] + 1000, LAS)(place / "anat" / f"sub-0{k}_T1w")
        nifti(np.stack([BODY] * 3, axis=-1), LAS)(place / "dwi" / f"sub-0{k}_dwi")
        (place / "dwi" / f"sub-0{k}_dwi.bval").write_text("0 1000 1000")
    (d / "derivatives" / "sub-00").mkdir(parents=True)
    nifti(BODY, LAS)(d / "derivatives" / "sub-00" / "sub-00_T1w")
    (d / "dataset_description.json").write_text("{}")
    (d / "participants.tsv").write_text("participant_id")


@error("BIDS", "sub-0", "dwi.nii.gz", "`exclude`", params={"window": [0, 2200]})
def bids(d):
    brains(d)


@value(
    "BIDS, T1 only",
    4,
    params={"window": [0, 2200], "include": ["*_T1w.nii.gz"], "exclude": ["derivatives"]},
    left_out=("excluded by a pattern", "not included by a pattern"),
)
def bids_t1(d):
    brains(d)


@error("Medical Segmentation Decathlon", "rename imagesTr to train, imagesTs to test", "`path`")
def decathlon(d):
    for folder in ("imagesTr", "labelsTr", "imagesTs"):
        (d / folder).mkdir()
        for k in range(4):
            nifti(BODY[:, ::-1], LAS)(d / folder / f"liver_{k}")


@error("images/train and labels/train", "images contains split folders", "`path`")
def detection(d):
    for kind in ("images", "labels"):
        files(d / kind, picture(GREY))


@error("abbreviations", "rename tr to train, va to validation, ts to test")
def abbreviations(d):
    files(d, picture(GREY), ("tr", "va", "ts"))


@error("COCO", "rename train2017 to train, val2017 to validation and add test")
def coco(d):
    files(d, picture(GREY), ("train2017", "val2017"))


@value("images and masks of each split in folders", 1, left_out=("masks and labels",))
def images_and_masks(d):
    for split, patient in zip(SPLITS, "abc", strict=True):
        for folder in ("images", "masks"):
            (d / split / folder).mkdir(parents=True)
            picture(GREY)(d / split / folder / patient)


@error("one folder per class", "cat", "train and validation", "`patient: file`")
def classes(d):
    for split in SPLITS:
        (d / split / "cat").mkdir(parents=True)
        picture(GREY)(d / split / "cat" / "1")


@value("one folder per class, as the config says", 1, params={"patient": "file"})
def classes_named(d):
    classes(d)


@value("what systems leave behind", 1, left_out=("hidden and system files", ".txt files"))
def litter(d):
    files(d, picture(GREY))
    (d / "test" / "__MACOSX").mkdir()
    picture(GREY)(d / "test" / "__MACOSX" / "x")
    for name in (".DS_Store", "._c.png", "Thumbs.db", "notes.txt"):
        (d / "test" / name).write_text("no image")


@error("a label map that nothing calls so", "x.png", "labels", "exclude: ['x.png']")
def picture_labels(d):
    files(d, picture(GREY))
    Image.fromarray((GREY // 80).astype("u1")).save(d / "train" / "x.png")


@error("a mask of black and white that nothing calls so", "x.png", "mask", "exclude: ['x.png']")
def picture_mask(d):
    files(d, picture(GREY))
    Image.fromarray(((GREY > 0) * 255).astype("u1")).save(d / "train" / "x.png")


# ---- links --------------------------------------------------------------------------------------


@error("links to a disk that is not there", "2 links are broken", "gone")
def broken_links(d):
    files(d, picture(GREY))
    for name in ("gone.png", "lost.png"):
        (d / "train" / name).symlink_to(d / "disk" / name)


@error("a link to the folder itself", "loop", "contains it")
def loop(d):
    files(d, picture(GREY))
    (d / "train" / "loop").symlink_to(d)


@error("two folders that link to each other", "contains it")
def mutual_loop(d):
    files(d, picture(GREY))
    for here, there in (("one", "two"), ("two", "one")):
        (d / "store" / here).mkdir(parents=True)
        (d / "store" / here / "next").symlink_to(d / "store" / there)


@error("one file under two names", "are the same file")
def linked_twice(d):
    files(d, picture(GREY))
    os.symlink(d / "train" / "a.png", d / "test" / "x.png")


@error("Analyze, which does not say how the patient lies", "no image", "3 .hdr files, 3 .img files")
def analyze(d):
    for end in (".hdr", ".img"):
        files(d, lambda p, end=end: p.with_suffix(end).write_bytes(b"values"))


@value("PNG of 16 bits that are all used", 1, tissue=1040 / 1800)
def png_16_bit(d):
    files(d, picture((unit() * 65535 / unit().max()).astype("u2")))


@value("PNG with transparency", 1)
def rgba(d):
    files(d, picture(np.concatenate([COLOR, GREY[..., None] * 0 + 200], axis=-1)))


@value("PNG with a palette", 1)
def palette(d):
    files(d, lambda p: Image.fromarray(COLOR).quantize(8).save(f"{p}.png"))


@value("grey JPEG for print", 1)
def cmyk(d):
    files(d, lambda p: Image.fromarray(COLOR).convert("CMYK").save(f"{p}.jpg", quality=100))


@value("TIFF of fractions", 1)
def float_tiff(d):
    files(d, picture(unit().astype("f4"), ".tif"))


@error("TIFF of other fractions", "a.tif", NEEDED)
def float_tiff_hu(d):
    files(d, picture(hu().astype("f4"), ".tif"))


@value("TIFF of several pages", 3)
def tiff_stack(d):
    pages = [Image.fromarray(GREY)] * 2
    files(d, lambda p: Image.fromarray(GREY).save(f"{p}.tif", save_all=True, append_images=pages))


@error("arrays of Hounsfield units", "a.npy", NEEDED)
def arrays(d):
    files(d, lambda p: np.save(f"{p}.npy", hu().astype("i2")))
