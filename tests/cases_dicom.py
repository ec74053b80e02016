"""DICOM of every class, with every kind of rescale and patient."""

import shutil

import numpy as np
from cases import (
    DOSE,
    DX,
    ENHANCED,
    GREY,
    MR,
    NEEDED,
    PET,
    SC,
    SPLITS,
    Dataset,
    dicom,
    error,
    hu,
    picture,
    series,
    value,
)
from cases_geometry import slices
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless


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


def rescaled_frames(d, *slopes):
    def change(s):
        s.PerFrameFunctionalGroupsSequence = []
        for slope in slopes:
            frame, rescale = Dataset(), Dataset()
            rescale.RescaleSlope, rescale.RescaleIntercept, rescale.RescaleType = slope, -1024, "HU"
            frame.PixelValueTransformationSequence = [rescale]
            s.PerFrameFunctionalGroupsSequence.append(frame)

    for split, patient in zip(SPLITS, "abc", strict=True):
        frames = np.stack([hu(k) + 1024 for k in range(len(slopes))])
        dicom(d / split / patient / "x.dcm", frames, slope=None, sop=ENHANCED, change=change)


@value("enhanced CT: the rescale in the groups of the frames", 2)
def rescale_per_frame(d):
    rescaled_frames(d, 1, 1)


@error("enhanced CT whose frames are scaled differently", "x.dcm", "different rescales")
def rescales(d):
    rescaled_frames(d, 1, 2)


@value("a file that was downloaded twice", 2, left_out=("copies of other files",))
def downloaded_twice(d):
    series(d)
    shutil.copy(d / "test/c/0.dcm", d / "test/c/0 (1).dcm")


@error("a slice of one patient under the names of two", "x.dcm", "same image is in two splits")
def renamed(d):
    series(d)
    for split in ("train", "test"):
        dicom(d / split / split / "x.dcm", hu() + 1024, change=lambda s: setattr(s, *UID))


UID = "SOPInstanceUID", "1.2.3.4"


@value("padding of -2000 stored without a sign", 2)
def unsigned_padding(d):
    outside = hu() < -900

    def change(s):
        s.PixelPaddingValue = 63536

    slices(d, lambda k: np.where(outside, 63536, hu(k) + 1024), change=change)


@error("negative values stored without a sign", "9.dcm", "as signed integers")
def unsigned_values(d):
    slices(d, lambda k: (hu(k) + 24).astype("i2").view("u2"), intercept=-24)


@error("a table in place of a rescale", "ModalityLUTSequence", NEEDED)
def table(d):
    def change(s):
        s.ModalityLUTSequence = [Dataset()]

    slices(d, lambda k: hu(k) + 1024, slope=None, change=change)


@value("deflated, without extension", 2)
def deflated(d):
    def change(s):
        s.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian

    slices(d, lambda k: hu(k) + 1024, change=change)
    for path in d.rglob("*.dcm"):
        path.rename(path.with_suffix(""))
