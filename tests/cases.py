"""Small folders of the kinds that people bring; each writes itself and says what must happen.

The picture is a body of 40 HU (plus 10 per slice) in air of -1000 HU with a bone of 800 HU at the
upper left in the usual axial view (anterior up, the patient's right at the left). With the CT
window tissue is (40 + 1000) / 2200.
"""

from types import MappingProxyType
from typing import NamedTuple

import nibabel
import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CT, ENHANCED, SEG, MR, DX, DOSE, SC, PET = (
    f"1.2.840.10008.5.1.4.1.1.{n}" for n in ("2", "2.1", "66.4", "4", "1.1", "481.2", "7", "128")
)
SPLITS = ("train", "validation", "test")
TISSUE = (40 + 1000) / 2200


class Case(NamedTuple):
    """A folder and what must become of it.

    Attributes:
        make: writes into an empty folder.
        source: where people met it.
        images: how many test slices there are, the first with ``tissue`` at its centre; None where
            the folder must be refused.
        words: that the refusal must hold.
        params: of the dataset.
        tissue: value at the centre of the first test slice.
        left_out: kinds of files that must be counted in the test split.
    """

    make: object
    source: str
    images: int | None
    words: tuple[str, ...] = ()
    params: dict = MappingProxyType({})
    tissue: float = TISSUE
    left_out: tuple[str, ...] = ()


CASES: dict[str, Case] = {}


def value(source, images, **more):
    """A folder that must be read."""
    return lambda make: _register(Case(make, source, images, **more))


def error(source, *words, **more):
    """A folder that must be refused."""
    return lambda make: _register(Case(make, source, None, words, **more))


def _register(case):
    CASES[case.make.__name__] = case
    return case.make


def hu(k=0, n=64):
    y, x = np.mgrid[:n, :n] / n
    image = np.full((n, n), -1000.0)
    image[(x - 0.5) ** 2 + (y - 0.45) ** 2 < 0.16] = 40 + 10 * k
    image[(x - 0.3) ** 2 + (y - 0.3) ** 2 < 0.01] = 800
    return image


def unit(k=0):
    return (hu(k) + 1000) / 2200


def dicom(
    path,
    array,
    number=1,
    z=0.0,
    series="1.2.3",
    slope=1,
    intercept=-1024,
    sop=CT,
    modality="CT",
    change=None,
    bits=16,
):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, sop
    meta.MediaStorageSOPInstanceUID = generate_uid()
    d = Dataset()
    d.file_meta, d.SOPClassUID, d.SOPInstanceUID = meta, sop, meta.MediaStorageSOPInstanceUID
    d.Modality, d.PatientID, d.SeriesInstanceUID, d.StudyInstanceUID = (
        modality,
        path.parent.name,
        series,
        "1.2",
    )
    d.InstanceNumber, d.ImagePositionPatient, d.ImageOrientationPatient = (
        number,
        [0, 0, z],
        [1, 0, 0, 0, 1, 0],
    )
    d.PixelSpacing, d.SamplesPerPixel, d.PhotometricInterpretation = [1, 1], 1, "MONOCHROME2"
    d.Rows, d.Columns = array.shape[-2:]
    if array.ndim == 3:
        d.NumberOfFrames = len(array)
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = bits, bits, bits - 1, 0
    if slope is not None:
        d.RescaleSlope, d.RescaleIntercept = slope, intercept
    d.PixelData = array.astype("u1" if bits == 8 else "u2").tobytes()
    if change:
        change(d)
    path.parent.mkdir(parents=True, exist_ok=True)
    d.save_as(path, enforce_file_format=True)


def series(folder, splits=SPLITS, patients="abc"):
    for split, patient in zip(splits, patients, strict=False):
        for k in range(2):
            dicom(
                folder / split / patient / f"{k}.dcm",
                hu(k) + 1024,
                k + 1,
                float(k),
                f"1.2.{ord(patient)}",
            )


def files(folder, write, splits=SPLITS, patients="abc"):
    for split, patient in zip(splits, patients, strict=False):
        (folder / split).mkdir(parents=True, exist_ok=True)
        write(folder / split / patient)


VOLUME = np.stack([hu()] * 4).transpose(2, 1, 0)  # x to the left, y to the back, z up: as DICOM


def nifti(array, affine, dtype="i2"):
    return lambda p: nibabel.save(nibabel.Nifti1Image(array.astype(dtype), affine), f"{p}.nii.gz")


def picture(array, end=".png", **kw):
    return lambda p: Image.fromarray(array).save(f"{p}{end}", **kw)


BODY = np.stack([hu(k) for k in range(4)]).transpose(2, 1, 0)  # as VOLUME, the slices differ
LAS = np.diag([-1.0, 1, 1, 1])
GREY = (unit() * 255).astype("u1")
NEEDED = "`window`"


@value("control", 2)
def dicom_series(d):
    series(d)


@value("pydicom 2353: enhanced CT keeps its rescale in the functional groups", 2)
def enhanced_ct(d):
    series(d, SPLITS[:2])

    def groups(s):
        rescale, shared = Dataset(), Dataset()
        rescale.RescaleSlope, rescale.RescaleIntercept, rescale.RescaleType = 1, -1024, "HU"
        shared.PixelValueTransformationSequence = [rescale]
        s.SharedFunctionalGroupsSequence = [shared]

    dicom(
        d / "test/c/x.dcm", np.stack([hu(0), hu(1)]) + 1024, slope=None, sop=ENHANCED, change=groups
    )


@value("lidc2dicom 4: a segmentation object lies in the folder of its CT", 2)
def segmentation_beside_ct(d):
    series(d)
    dicom(
        d / "test/c/seg.dcm",
        np.stack([hu() > 0] * 3) * 1.0,
        slope=None,
        sop=SEG,
        modality="SEG",
        bits=8,
        series="1.2.9",
    )


@value("vtk-dicom 98: a localizer lies beside the slices", 2)
def localizer(d):
    series(d)

    def scout(s):
        s.ImageType, s.ImageOrientationPatient = (
            ["ORIGINAL", "PRIMARY", "LOCALIZER"],
            [1, 0, 0, 0, 0, -1],
        )

    dicom(
        d / "test/c/scout.dcm",
        np.tile(np.arange(64), (100, 1)) * 10.0,
        series="1.2.0",
        change=scout,
    )


@error("pydicom 1125: CT without rescale", "0.dcm", "rescale", "`window`")
def ct_without_rescale(d):
    series(d, SPLITS[:2])
    dicom(d / "test/c/0.dcm", hu() + 1024, slope=None)


@error("monai-deploy 187: MR series and no window", "0.dcm", "MR", "`window`")
def mr_without_window(d):
    for split, patient in zip(SPLITS, "abc", strict=False):
        dicom(d / split / patient / "0.dcm", (hu() + 1000) / 1.8, slope=None, sop=MR, modality="MR")


@value("SimpleITK 1780: NIfTI as SimpleITK writes it, LPS", 4)
def nifti_lps(d):
    files(d, nifti(VOLUME, np.diag([-1.0, -1, 1, 1])))


@value("nifti2dicom 35: canonical NIfTI, RAS", 4)
def nifti_ras(d):
    files(d, nifti(VOLUME[::-1, ::-1], np.diag([1.0, 1, 1, 1])))


@value("control: NIfTI as dcm2niix writes it, LAS", 4)
def nifti_las(d):
    files(d, nifti(VOLUME[:, ::-1], np.diag([-1.0, 1, 1, 1])))


@error(
    "MONAI research-contributions 305: NIfTI scaled to 0..1 and no window",
    "a.nii.gz",
    "0 to 0.818",
    "`window`",
)
def nifti_normalised(d):
    files(d, nifti((VOLUME[:, ::-1] + 1000) / 2200, np.diag([-1.0, 1, 1, 1]), "f4"))


@value(
    "KiTS layout: imaging.nii.gz and segmentation.nii.gz per patient",
    4,
    left_out=("masks and labels",),
)
def masks_beside_images(d):
    for split, patient in zip(SPLITS, "abc", strict=False):
        (d / split / patient).mkdir(parents=True)
        nifti(VOLUME[:, ::-1], np.diag([-1.0, 1, 1, 1]))(d / split / patient / "imaging")
        nifti(VOLUME[:, ::-1] > 0, np.diag([-1.0, 1, 1, 1]), "u1")(
            d / split / patient / "segmentation"
        )


@error("PyNET 2: 12-bit data in a 16-bit PNG, no window", "a.png", "16 bits", "`window`")
def png_12_bit(d):
    files(d, picture((unit() * 4095).astype("u2")))


@error("CADLab 9: 16-bit PNG of HU + 32768, no window", "a.png", "16 bits", "`window`")
def png_shifted_hu(d):
    files(d, picture((hu() + 32768).astype("u2")))


@value("datumaro 1756: JPEG with EXIF orientation 6", 1)
def exif_rotated(d):
    tag = Image.Exif()
    tag[0x0112] = 6
    turned = np.rot90((unit() * 255).astype("u1"))
    files(d, picture(np.ascontiguousarray(turned), ".jpg", exif=tag, quality=100))


@error(
    "own: splits in another spelling",
    "rename Training to train, Validation to validation, Testing to test",
)
def split_spelling(d):
    files(d, picture((unit() * 255).astype("u1")), ("Training", "Validation", "Testing"))


@error("COVID-CT 11: one patient in two splits", "P1", "train and validation", "one split")
def patient_in_two_splits(d):
    for split in SPLITS:
        (d / split / "P1").mkdir(parents=True)
        picture((unit() * 255).astype("u1"))(d / split / "P1" / split)


@value("cpython 77609: patient folders are links", 1)
def linked_patients(d):
    for split, patient in zip(SPLITS, "abc", strict=False):
        (d / ".." / "store" / patient).mkdir(parents=True, exist_ok=True)
        picture((unit() * 255).astype("u1"))(d / ".." / "store" / patient / "0")
        (d / split).mkdir(parents=True)
        (d / split / patient).symlink_to((d / ".." / "store" / patient).resolve())


@value("Slicer 3111: DICOMDIR beside patient folders", 2)
def dicomdir(d):
    for patient in ("PAT1", "PAT2", "PAT3", "PAT4"):
        for k in range(2):
            dicom(d / patient / f"IM{k}", hu(k) + 1024, k + 1, float(k))
    meta, s = FileMetaDataset(), Dataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = (
        ExplicitVRLittleEndian,
        "1.2.840.10008.1.3.10",
    )
    meta.MediaStorageSOPInstanceUID, s.file_meta, s.FileSetID, s.DirectoryRecordSequence = (
        "1.2.3",
        meta,
        "X",
        [],
    )
    s.save_as(d / "DICOMDIR", enforce_file_format=True)
