"""DICOM in every position of the patient, and volumes with every kind of header."""

import nibabel
import nrrd
import numpy as np
from cases import (
    BODY,
    CT,
    LAS,
    NEEDED,
    SPLITS,
    dicom,
    error,
    files,
    hu,
    nifti,
    series,
    value,
)


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


@error("DICOM of CT class, sagittal reformat beside axial", "reformat.dcm", "sagittal", "`exclude`")
def reformat(d):
    series(d)
    change = lying(0, 1, 0, 0, 0, -1)
    dicom(d / "test/c/reformat.dcm", hu() + 1024, sop=CT, series="1.2.8", change=change)


@value("coronal slices that the config names", 2, params={"plane": "coronal"})
def coronal_named(d):
    place = lying(1, 0, 0, 0, 0, -1, place=lambda s: [0, s.ImagePositionPatient[2], 0])
    slices(d, lambda k: hu(k) + 1024, change=place)


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
    for k, (split, patient) in enumerate(zip(SPLITS, "abc", strict=True)):
        body = np.roll(BODY[:, ::-1], k, axis=1)
        (d / split / patient).mkdir(parents=True)
        nifti(body, LAS)(d / split / patient / "ct")
        nifti(body > 0, LAS, "u1")(d / split / patient / "liver")


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


@value("NIfTI-2, big-endian", 4)
def nifti_two(d):
    def write(path):
        head = nibabel.Nifti2Header(endianness=">")
        nibabel.save(nibabel.Nifti2Image(BODY[:, ::-1].astype(">i2"), LAS, head), f"{path}.nii.gz")

    files(d, write)


@error("NaN outside the body", "a.nii.gz", "NaN", "that of air")
def nifti_nan(d):
    files(d, nifti(np.where(BODY[:, ::-1] < -900, np.nan, BODY[:, ::-1]), LAS, "f4"))


@value("-32768 outside the field of view", 4)
def nifti_sentinel(d):
    files(d, nifti(np.where(BODY[:, ::-1] < -900, -32768, BODY[:, ::-1]), LAS))


@error("Hounsfield units in 16 bits without a sign", "a.nii.gz", "as signed integers")
def nifti_wrapped(d):
    files(d, nifti(BODY[:, ::-1].astype("i2").view("u2"), LAS, "u2"))


@error("colors in NIfTI", "a.nii.gz", "64 x 64 x 4 x 3", "`exclude`")
def nifti_colors(d):
    kind = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    files(d, nifti(np.zeros(BODY.shape, kind), LAS, kind))


@value("sform of a tilted gantry", 4)
def nifti_tilted(d):
    files(d, nifti(BODY[:, ::-1], LAS + np.eye(4)[1][:, None] * np.eye(4)[2] * 0.4))


@error("rows and columns that are not at right angles", "a.nii.gz", "right angles", "resample")
def nifti_skewed(d):
    files(d, nifti(BODY[:, ::-1], LAS + np.eye(4)[0][:, None] * np.eye(4)[1] * 0.4))


@error("NRRD in the axes of the scanner", "a.nrrd", "how the patient lies", "stored")
def nrrd_scanner(d):
    files(d, nrrd_file(BODY, **{"space": "scanner-xyz", "space directions": np.eye(3)}))


@error("MetaImage of ImageJ, without a matrix", "a.mha", "how the patient lies", "stored")
def meta_unplaced(d):
    meta_plain(d)


@value("the same as stored", 4, params={"plane": "stored"})
def meta_plain(d):
    head = (
        "ObjectType = Image\nNDims = 3\nDimSize = 64 64 4\nElementType = MET_SHORT\n"
        "ElementByteOrderMSB = False\nAnatomicalOrientation = LAI\nElementDataFile = LOCAL\n"
    )
    values = np.ascontiguousarray(BODY.T).astype("<i2").tobytes()
    files(d, lambda p: p.with_suffix(".mha").write_bytes(head.encode() + values))
