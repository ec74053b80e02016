"""Further members of the kinds of ``cases``: other planes, classes, layouts, links and pictures."""

import os

import nibabel
import nrrd
import numpy as np
from cases import (
    CT,
    DOSE,
    DX,
    ENHANCED,
    MR,
    PET,
    SC,
    SPLITS,
    Dataset,
    dicom,
    error,
    files,
    hu,
    nifti,
    picture,
    series,
    unit,
    value,
)
from PIL import Image
from pydicom.uid import RLELossless

BODY = np.stack([hu(k) for k in range(4)]).transpose(2, 1, 0)  # x to the left, y back, z up
LAS = np.diag([-1.0, 1, 1, 1])
GREY = (unit() * 255).astype("u1")
COLOR = np.stack([GREY] * 3, axis=-1)
NEEDED = "`window`"


def slices(folder, array, names=SPLITS, start=0, **more):
    """A patient of two slices per split; ``array`` makes the stored values of slice k."""
    for split, patient in zip(names, "abc", strict=False):
        for k in range(2):
            path = folder / split / patient / f"{9 - k}.dcm"
            dicom(path, array(k), k + 1, float(start + k), f"1.2.{ord(patient)}", **more)


def lying(*directions, place=None):
    def change(d):
        d.ImageOrientationPatient = list(directions)
        if place is not None:
            d.ImagePositionPatient = place(d)

    return change


# ---- DICOM: how the patient lies ----------------------------------------------------------------


@value("a patient on the belly: rows lead to the right and columns to the front", 2)
def prone(d):
    slices(d, lambda k: (hu(k) + 1024)[::-1, ::-1], change=lying(-1, 0, 0, 0, -1, 0))


@value("a patient who lies the other way round in the scanner", 2)
def feet_first(d):
    slices(d, lambda k: (hu(k) + 1024)[:, ::-1], change=lying(-1, 0, 0, 0, 1, 0))


@value("a tilted gantry", 2)
def tilted(d):
    slices(d, lambda k: hu(k) + 1024, change=lying(1, 0, 0, 0, 0.93, -0.3676))


@error("sagittal slices", "9.dcm", "sagittal", "`plane: sagittal`")
def sagittal(d):
    slices(d, lambda k: hu(k) + 1024, change=lying(0, 1, 0, 0, 0, -1))


@value("sagittal slices that the config names", 2, params={"plane": "sagittal"})
def sagittal_named(d):
    place = lying(0, 1, 0, 0, 0, -1, place=lambda s: [s.ImagePositionPatient[2], 0, 0])
    slices(d, lambda k: hu(k) + 1024, change=place)


@error("single slices cannot be cut", "sagittal", "convert", params={"plane": "resliced"})
def sagittal_resliced(d):
    sagittal(d)


@error("slices of the heart", "oblique", "45 degrees")
def oblique(d):
    slices(d, lambda k: hu(k) + 1024, change=lying(0.7071, 0.7071, 0, 0, 0, -1))


@error("anonymised until nothing was left", "ImageOrientationPatient", "`plane: stored`")
def without_orientation(d):
    def change(s):
        del s.ImageOrientationPatient, s.ImagePositionPatient

    slices(d, lambda k: hu(k) + 1024, change=change)


# ---- DICOM: classes and units -------------------------------------------------------------------


@value("a slope of 2, run-length encoded", 2)
def compressed(d):
    def change(s):
        s.compress(RLELossless, encoding_plugin="pydicom")

    slices(d, lambda k: (hu(k) + 1200) / 2, slope=2, intercept=-1200, change=change)


@value("signed Hounsfield units, whose intercept is 0", 2)
def signed(d):
    def change(s):
        s.PixelRepresentation = 1

    slices(d, lambda k: hu(k).astype("i2").view("u2"), slope=1, intercept=0, change=change)


@error("values from 0 on with a rescale that changes nothing", "no value below 0", NEEDED)
def idle_rescale(d):
    slices(d, lambda k: hu(k) + 1024, slope=1, intercept=0)


@value("enhanced CT: planes and places in the groups of the frames, frames from the head down", 2)
def enhanced_frames(d):
    def change(s):
        del s.ImageOrientationPatient, s.ImagePositionPatient, s.PixelSpacing
        shared, rescale, plane, pixels = Dataset(), Dataset(), Dataset(), Dataset()
        rescale.RescaleSlope, rescale.RescaleIntercept, rescale.RescaleType = 1, -1024, "HU"
        plane.ImageOrientationPatient, pixels.PixelSpacing = [-1, 0, 0, 0, -1, 0], [0.5, 0.5]
        pixels.SliceThickness = 2
        shared.PixelValueTransformationSequence, shared.PixelMeasuresSequence = [rescale], [pixels]
        shared.PlaneOrientationSequence = [plane]
        s.SharedFunctionalGroupsSequence, s.PerFrameFunctionalGroupsSequence = [shared], []
        for k in (1, 0):
            frame, place = Dataset(), Dataset()
            place.ImagePositionPatient = [0, 0, 2 * k]
            frame.PlanePositionSequence = [place]
            s.PerFrameFunctionalGroupsSequence.append(frame)

    for split, patient in zip(SPLITS, "abc", strict=True):
        frames = np.stack([hu(1), hu(0)])[:, ::-1, ::-1] + 1024
        dicom(d / split / patient / "x.dcm", frames, slope=None, sop=ENHANCED, change=change)


@value("dose, structures and a report beside the slices", 2, left_out=("DICOM RT Dose",))
def radiotherapy(d):
    series(d)
    dicom(d / "test/c/dose.dcm", np.ones((3, 64, 64)), sop=DOSE, modality="RTDOSE", slope=None)
    for name, sop in (("structures", "481.3"), ("report", "88.22"), ("state", "11.1")):
        uid = f"1.2.840.10008.5.1.4.1.1.{sop}"

        def change(s):
            del s.PixelData, s.Rows, s.Columns

        dicom(d / f"test/c/{name}", hu() * 0, sop=uid, modality="OT", change=change, slope=None)


@value("a picture of the dose report beside the slices", 2, left_out=("secondary captures",))
def capture(d):
    series(d)
    dicom(d / "test/c/report.dcm", hu() + 1024, sop=SC, slope=None, series="1.2.0")


@error("radiographs without a window", "Digital X-Ray", NEEDED)
def radiographs(d):
    slices(d, lambda k: hu(k) + 1024, sop=DX, modality="DX", slope=None)


def inverted(s):
    s.PhotometricInterpretation, s.BitsStored, s.HighBit = "MONOCHROME1", 12, 11
    del s.ImageOrientationPatient


@error("inverted radiographs without a window", "MONOCHROME1", "`window`, for example [1895, 3695]")
def inverted_without_window(d):
    inverted_radiographs(d)


@value("inverted radiographs", 2, params={"window": [1895, 4095]})
def inverted_radiographs(d):
    slices(d, lambda k: 2200 - (hu(k) + 1000), sop=DX, modality="DX", slope=None, change=inverted)


@error("PET with a rescale of its own", "Positron", NEEDED)
def pet(d):
    slices(d, lambda k: hu(k) + 1024, sop=PET, modality="PT", slope=0.01, intercept=0)


@error("MR with a rescale that says nothing of units", "MR", NEEDED)
def mr_with_rescale(d):
    slices(d, lambda k: hu(k) + 1024, sop=MR, modality="MR")


@error("electron densities", "RED", NEEDED)
def other_units(d):
    slices(d, lambda k: hu(k) + 1024, change=lambda s: setattr(s, "RescaleType", "RED"))


@error("previews beside the slices", "dicom and picture", "exclude: ['*.png']")
def previews(d):
    series(d)
    picture(GREY)(d / "test/c/preview")


@value("previews that the config leaves out", 2, params={"exclude": ["*.png"]})
def previews_excluded(d):
    previews(d)


# ---- DICOM: patients ----------------------------------------------------------------------------


@error("two studies of one patient", "patient X", "train and test")
def patient_in_the_header(d):
    series(d)
    for split in ("train", "test"):
        dicom(
            d / split / f"study_{split}" / "0.dcm",
            hu() + 1024,
            change=lambda s: setattr(s, "PatientID", "X"),
        )


@value("everybody has one name, and the config says so", 2, params={"patient": "folder"})
def one_name(d):
    slices(d, lambda k: hu(k) + 1024, change=lambda s: setattr(s, "PatientID", "PHANTOM"))


@value("everybody is anonymous", 2)
def anonymous(d):
    slices(d, lambda k: hu(k) + 1024, change=lambda s: setattr(s, "PatientID", "ANONYMOUS"))


@value("a download of the Cancer Imaging Archive", 2)
def archive(d):
    for patient in "pqrs":
        place = d / "manifest-1" / "LIDC-IDRI" / f"LIDC-{patient}" / "01-01-2000" / "3000.0-CT"
        for k in range(2):
            dicom(
                place / f"1-{k + 1}.dcm",
                hu(k) + 1024,
                k + 1,
                float(k),
                change=lambda s, patient=patient: setattr(s, "PatientID", f"LIDC-{patient}"),
            )
        (place / "069.xml").write_text("<xml/>")
    for name in ("metadata.csv", "LICENSE", "manifest-1.tcia"):
        (d / "manifest-1" / name).write_text("text")


# ---- NIfTI, NRRD, MetaImage ---------------------------------------------------------------------


@value("NIfTI with a slope and an intercept", 4)
def nifti_scaled(d):
    def write(path):
        image = nibabel.Nifti1Image(((BODY[:, ::-1] + 1000) / 2).astype("u2"), LAS)
        image.header.set_slope_inter(2, -1000)
        nibabel.save(image, f"{path}.nii")

    files(d, write)


@value("NIfTI with four axes, the last of length 1", 4)
def nifti_one_time(d):
    files(d, nifti(BODY[:, ::-1, :, None], LAS))


@error("NIfTI of several times", "a.nii.gz", "64 x 64 x 4 x 3", "`exclude`")
def nifti_times(d):
    files(d, nifti(np.stack([BODY] * 3, axis=-1), LAS))


@error("NIfTI stored in coronal slices", "a.nii.gz", "coronal", "`plane: resliced`")
def nifti_coronal(d):
    thick = np.repeat(BODY, 16, axis=2)
    affine = np.array([[-1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    files(d, nifti(thick.transpose(0, 2, 1), affine))


@value("the same, cut into axial slices", 64, params={"plane": "resliced"})
def nifti_resliced(d):
    nifti_coronal(d)


@error("NIfTI that does not say how the patient lies", "a.nii", "how the patient lies", "stored")
def nifti_unplaced(d):
    def write(path):
        image = nibabel.Nifti1Image(BODY.astype("i2"), None)
        image.set_qform(None, 0)
        image.set_sform(None, 0)
        nibabel.save(image, f"{path}.nii")

    files(d, write)


@error("pixels of 1 x 3 mm", "a.nii.gz", "3 x 1 mm", "resample")
def nifti_stretched(d):
    files(d, nifti(BODY[:, ::-1], np.diag([-1.0, 3, 1, 1])))


@error("MR in NIfTI", "a.nii.gz", "cannot be Hounsfield units", NEEDED)
def nifti_mr(d):
    files(d, nifti(BODY[:, ::-1] + 1000, LAS))


@error("a phase map in NIfTI", "a.nii.gz", "cannot be Hounsfield units", NEEDED)
def nifti_phase(d):
    phase = np.linspace(-4096, 4095, BODY.size).reshape(BODY.shape)
    files(d, nifti(phase, LAS))


@error("a mask that nothing calls so", "liver.nii.gz", "mask", "exclude: ['liver.nii.gz']")
def nifti_hidden_mask(d):
    for split, patient in zip(SPLITS, "abc", strict=True):
        (d / split / patient).mkdir(parents=True)
        nifti(BODY[:, ::-1], LAS)(d / split / patient / "ct")
        nifti(BODY[:, ::-1] > 0, LAS, "u1")(d / split / patient / "liver")


@error("a window of other values", "hardly any", "[0, 0.81", params={"window": [-1000, 1200]})
def wrong_window(d):
    files(d, nifti((BODY[:, ::-1] + 1000) / 2200, LAS, "f4"))


def nrrd_file(array, suffix=".nrrd", **header):
    return lambda p: nrrd.write(f"{p}{suffix}", array.astype("i2"), header)


@value("NRRD in LPS", 4)
def nrrd_lps(d):
    files(d, nrrd_file(BODY, **{"space": "left-posterior-superior", "space directions": np.eye(3)}))


@value("NRRD in RAS, head first", 4)
def nrrd_ras(d):
    flipped = BODY[::-1, ::-1, ::-1]
    directions = np.diag([1.0, 1, -1])
    header = {"space": "right-anterior-superior", "space directions": directions}
    files(d, nrrd_file(flipped, **header))


@value("NRRD with a detached header", 4)
def nrrd_detached(d):
    header = {"space": "left-posterior-superior", "space directions": np.eye(3)}
    files(d, nrrd_file(BODY, ".nhdr", **header))


@error("NRRD without a space", "a.nrrd", "how the patient lies", "stored")
def nrrd_unplaced(d):
    files(d, nrrd_file(BODY))


@value("the layout of LUNA16", 4)
def meta_image(d):
    def write(path):
        import SimpleITK

        image = SimpleITK.GetImageFromArray(BODY.transpose(2, 1, 0).astype("i2"))
        SimpleITK.WriteImage(image, f"{path}.mhd")

    files(d, write)


# ---- layouts ------------------------------------------------------------------------------------


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


@error("images/train and labels/train", "images holds folders of splits", "`path`")
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


@error("links to a disk that is not there", "2 links lead nowhere", "gone")
def broken_links(d):
    files(d, picture(GREY))
    for name in ("gone.png", "lost.png"):
        (d / "train" / name).symlink_to(d / "disk" / name)


@error("a link to the folder itself", "loop", "holds it")
def loop(d):
    files(d, picture(GREY))
    (d / "train" / "loop").symlink_to(d)


@error("two folders that link to each other", "holds it")
def mutual_loop(d):
    files(d, picture(GREY))
    for here, there in (("one", "two"), ("two", "one")):
        (d / "store" / here).mkdir(parents=True)
        (d / "store" / here / "next").symlink_to(d / "store" / there)


@error("one file under two names", "are one file")
def linked_twice(d):
    files(d, picture(GREY))
    os.symlink(d / "train" / "a.png", d / "test" / "x.png")


# ---- pictures -----------------------------------------------------------------------------------


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


@error("DICOM of CT class, sagittal reformat beside axial", "reformat.dcm", "sagittal", "`exclude`")
def reformat(d):
    series(d)
    change = lying(0, 1, 0, 0, 0, -1)
    dicom(d / "test/c/reformat.dcm", hu() + 1024, sop=CT, series="1.2.8", change=change)
