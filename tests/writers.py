"""Writes small images in every format that the folder of images reads, and reads them back."""

import numpy as np
import pytest
from PIL import Image

from problems.datasets.base import SPLITS, DataError, check
from problems.datasets.folder import Folder

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
            turned = GREY[::-1] if split == "test" else GREY[:, ::-1]  # no image in two splits
            write_picture(path / split / patient / "a.png", turned)
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
