"""Layouts of folders, links, and pictures of every kind."""

import gzip
import os
import unicodedata
import zlib

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
from PIL import Image, TiffImagePlugin

COLOR = np.stack([GREY] * 3, axis=-1)
DEEP = (unit() / unit().max() * 65535).astype("u2")


def write_itk(path, end, array):
    import SimpleITK

    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(array, isVector=True), f"{path}{end}")


def brains(d):
    for k in range(4):
        place = d / f"sub-0{k}"
        (place / "anat").mkdir(parents=True)
        (place / "dwi").mkdir()
        nifti(BODY[:, ::-1] + 1000 + k, LAS)(place / "anat" / f"sub-0{k}_T1w")
        nifti(np.stack([BODY + k] * 3, axis=-1), LAS)(place / "dwi" / f"sub-0{k}_dwi")
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


@error("the order of axes of NIfTI", "64 x 64 x 80", "`array.T`", params={"window": [-1000, 1200]})
def array_of_nifti(d):
    files(d, lambda p: np.save(f"{p}.npy", np.stack([hu()] * 80, axis=-1)))


@value("stacks of PyTorch, (n, C, H, W)", 2)
def array_of_torch(d):
    files(d, lambda p: np.save(f"{p}.npy", np.stack([unit()] * 6).reshape(2, 3, 64, 64)))


@value("an image with its affine matrix, spacing and label", 1)
def npz_with_matrix(d):
    more = {"affine": np.eye(4), "spacing": np.ones(3), "label": np.eye(64), "name": np.array("x")}
    files(d, lambda p: np.savez(f"{p}.npz", image=unit(), **more))


@error("MATLAB 7.3, which is HDF5", "no image", "3 .mat files", "expected files ending in")
def matlab(d):
    files(d, lambda p: p.with_suffix(".mat").write_bytes(b"MATLAB 7.3 MAT-file"))


@error("pictures of one pixel", "train_a", "1 x 1", "`size`")
def one_pixel(d):
    files(d, picture(GREY[:1, :1]))


# ---- pictures with more than 8 bits, transparency or several pages ------------------------------


@value("colors of 16 bits", 1, tissue=1040 / 1800)
def deep_color(d):
    files(d, lambda p: write_itk(p, ".png", np.stack([DEEP] * 3, axis=-1)))


@error("12 bits in colors of 16 bits", "a.tif", "16 bits", NEEDED)
def deep_color_12(d):
    files(d, lambda p: write_itk(p, ".tif", np.stack([DEEP // 16] * 3, axis=-1)))


@error("grey of 16 bits with transparency", "a.png", "without that")
def deep_transparent(d):
    def part(kind, values):
        crc = zlib.crc32(kind + values).to_bytes(4, "big")
        return len(values).to_bytes(4, "big") + kind + values + crc

    head = part(b"IHDR", bytes([0, 0, 0, 64, 0, 0, 0, 64, 16, 4, 0, 0, 0]))
    rows = part(b"IDAT", zlib.compress(bytes(64 * (1 + 64 * 4))))
    data = b"\x89PNG\r\n\x1a\n" + head + rows + part(b"IEND", b"")
    files(d, lambda p: p.with_suffix(".png").write_bytes(data))


@error("negative numbers in 16 bits without a sign", "a.png", "as signed integers")
def wrapped_picture(d):
    files(d, picture(hu().astype("i2").view("u2")))


@error("a mask of 16 bits", "x.png", "mask", "exclude: ['x.png']")
def deep_mask(d):
    files(d, picture(DEEP))
    picture((GREY > 0) * np.uint16(65535))(d / "train" / "x")


@value("16 bits in which 0 is white", 1, tissue=1040 / 1800)
def white_is_zero(d):
    def write(path):
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[262] = 0
        Image.fromarray(65535 - DEEP).save(f"{path}.tif", tiffinfo=tags)

    files(d, write)


@value("noise in the colors of transparent pixels", 1)
def transparent(d):
    noise = np.random.default_rng(0).integers(0, 255, COLOR.shape)
    body = (GREY > 0)[..., None]
    shown = np.where(body, COLOR, noise), body * 255
    files(d, picture(np.concatenate(shown, axis=-1).astype("u1")))


@value("a photograph with a second picture", 1)
def two_pictures(d):
    second = [Image.fromarray(COLOR[:48, :48])]
    more = {"format": "MPO", "save_all": True, "append_images": second, "quality": 100}
    files(d, lambda p: Image.fromarray(COLOR).save(f"{p}.jpg", **more))


@value("a slide with smaller copies of itself", 1)
def pyramid(d):
    copies = [Image.fromarray(GREY[::k, ::k]) for k in (2, 4)]
    files(d, lambda p: Image.fromarray(GREY).save(f"{p}.tif", save_all=True, append_images=copies))


@error("a stack of ImageJ above 4 GB", "a.tif", "80 images", "image sequence")
def imagej(d):
    said = {270: "ImageJ=1.53t\nimages=80\nslices=80\n"}
    files(d, lambda p: Image.fromarray(GREY).save(f"{p}.tif", tiffinfo=said))


# ---- names and copies ---------------------------------------------------------------------------


def marked(k):
    """The picture with a mark, so that no two are the same."""
    return np.where(np.arange(64)[:, None] == 63, np.uint8(k), GREY)


def patients(d, *names):
    for k, (split, name) in enumerate(zip(SPLITS, names, strict=True)):
        (d / split / name).mkdir(parents=True)
        picture(marked(k))(d / split / name / "0")


@error("one patient in two spellings", "patient p1 is in train and test")
def capitals(d):
    patients(d, "P1", "b", "p1")


@error("one name with é in one and in two characters", "is in train and test")
def decomposed(d):
    patients(d, "Jos\u00e9", "b", unicodedata.normalize("NFD", "Jos\u00e9"))


@error("a training picture among the test pictures", "copy.png", "same image is in two splits")
def copied(d):
    patients(d, "a", "b", "c")
    picture(marked(0))(d / "test/c/copy")


@error("one folder of pictures as all three splits", "same image is in two splits")
def the_same_thrice(d):
    for split, patient in zip(SPLITS, "abc", strict=True):
        (d / split / patient).mkdir(parents=True)
        for k in range(2):
            picture(marked(k))(d / split / patient / f"{k}")


@error("a volume that was compressed again", "c.nii.gz", "same image is in two splits")
def compressed_again(d):
    files(d, lambda p: nifti(BODY[:, ::-1] + (p.name == "b"), LAS)(p))
    packed = d / "test/c.nii.gz"
    packed.write_bytes(gzip.compress(gzip.decompress(packed.read_bytes()), mtime=99))


@value("pictures of slices, those above the head are black", 2)
def black_slices(d):
    patients(d, "a", "b", "c")
    for place in ("train/a", "test/c"):
        picture(GREY * 0)(d / place / "9")


@error("several pictures per patient in a flat folder", "4 patients", "pat", "`patient: name`")
def grouped(d):
    for k in range(12):
        picture(marked(k))(d / f"pat{k // 3}_{k:03d}")


@value("the same, as the config says", 3, params={"patient": "name"})
def grouped_named(d):
    grouped(d)


@error("the same in split folders", "patient pat0 is in", "one split", params={"patient": "name"})
def grouped_splits(d):
    for k, split in enumerate(SPLITS * 2):
        (d / split).mkdir(exist_ok=True)
        picture(marked(k))(d / split / f"pat{k // 2}_{k:03d}")


@value("names that are hashes", 1)
def hashes(d):
    for k in range(10):
        picture(marked(k))(d / f"{k * 7919 % 64:x}f-{k}")


@value("thumbnails of a network drive", 1, left_out=("hidden and system files",))
def network_drive(d):
    files(d, picture(GREY))
    (d / "test" / "@eaDir" / "c.png").mkdir(parents=True)
    picture(GREY)(d / "test" / "@eaDir" / "c.png" / "SYNOPHOTO_THUMB_XL")


@error("pictures that are called masks", "no image", "3 masks and labels", "`include`")
def called_masks(d):
    patients(d, "with_mask", "x_mask", "without_mask")
