"""Anyone's images, by naming the folder that holds them.

A patient is a sub-folder, or a file that lies directly in the folder; DICOM files there belong to
the patient in their header. Sub-folders named train, validation and test are the splits and hold
patients; without them patients are split by the hash of their name. Other files are ignored.

Images of other splits are not opened, except for the header of DICOM files that lie directly in the
folder. Pictures of one frame are decoded when their pixels are asked for.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from problems.datasets.base import SPLITS, DataError, Dataset, RawImage, UnreadImage

FORMATS = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".tif", ".tiff"), "picture"),
    **dict.fromkeys((".dcm", ".ima"), "dicom"),
    **dict.fromkeys((".nii", ".nii.gz"), "nifti"),
    **{".npy": "numpy", ".npz": "numpy", ".nrrd": "nrrd"},
}
CT_WINDOW = (-1000.0, 1200.0)  # HU mapped to 0 and 1 unless the window is set
LUMINANCE = np.array([0.2125, 0.7154, 0.0721], dtype=np.float32)  # of red, green and blue


class Folder(Dataset):
    label = "folder of images"
    reference = "images of the user"
    licence = "that of the images"

    @dataclass(frozen=True)
    class Params:
        path: str = ""  # the folder
        window: tuple[float, float] | None = None  # values mapped to 0 and 1; None: by format
        validation: Annotated[float, Field(ge=0, lt=1)] = 0.1  # share of the patients, at least one
        test: Annotated[float, Field(ge=0, lt=1)] = 0.1  # share of the patients, at least one
        color: bool = False  # True: three channels; False: one, the luminance of color images

    def images(self, split):
        for (patient, name, kind), files in sorted(self._files(split).items()):
            if kind == "picture" and all(_read(_frames, f) == 1 for f in files):
                yield from (UnreadImage(name, patient, partial(self._open, f)) for f in files)
                continue
            read = [(end, f, values) for f in files for end, values in _read(READERS[kind], f)]
            if kind == "dicom":
                read = [(f"_{k:03d}", f, values) for k, (_, f, values) in enumerate(sorted(read))]
            for end, file, values in read:
                yield RawImage(name + end, patient, self._pixels(values, kind, file))

    def _files(self, split):
        """The files of a split: paths by (patient, name of the image, format)."""
        folder = Path(self.params.path).expanduser()
        if not self.params.path or not folder.is_dir():
            raise DataError(f"no folder {self.params.path!r}; set `path` to where the images are")
        missing = [s for s in SPLITS if not (folder / s).is_dir()]
        if not missing:
            return _find(folder / split, prefix=f"{split}_")
        found = _find(folder)
        if not found:
            raise DataError(f"{folder}: no image; wanted files ending in {', '.join(FORMATS)}")
        if len(missing) < len(SPLITS):
            raise DataError(f"{folder}: no sub-folder {missing[0]} beside the other splits; add it")
        chosen = set(self._patients(split, {patient for patient, _, _ in found}))
        return {key: files for key, files in found.items() if key[0] in chosen}

    def _patients(self, split, names):
        """The patients of a split, in the order of the hash of their name."""
        order = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
        test = max(1, round(self.params.test * len(order)))
        validation = max(1, round(self.params.validation * len(order)))
        held = test + validation
        if held >= len(order):
            raise DataError(
                f"{self.params.path}: too few patients to split ({len(order)}); "
                "add patients or make train, validation and test sub-folders"
            )
        return {"test": order[:test], "validation": order[test:held], "train": order[held:]}[split]

    def _open(self, file):
        """The pixels of a picture of one frame."""
        ((_, values),) = _read(_picture, file)
        return self._pixels(values, "picture", file)

    def _pixels(self, values, kind, file):
        """Map values to [0, 1]; return (H, W), or (3, H, W) with ``color``."""
        pixels = values.astype(np.float32)
        window = self.params.window or (CT_WINDOW if kind in ("dicom", "nifti", "nrrd") else None)
        if window:
            low, high = window
            if not low < high:
                raise DataError(f"window {low}, {high} of {file}: the first must be the smaller")
            pixels = np.clip((pixels - low) / (high - low), 0, 1)
        elif values.dtype.kind == "u" and values.dtype.itemsize <= 2:
            pixels /= np.iinfo(values.dtype).max
        elif values.dtype.kind not in "bf" or pixels.min() < 0 or pixels.max() > 1:
            raise DataError(
                f"{file}: values {values.min():g} to {values.max():g}; set `window` to map to 0, 1"
            )
        if pixels.ndim == 2:
            return np.stack([pixels] * 3) if self.params.color else pixels
        return np.moveaxis(pixels, -1, 0) if self.params.color else pixels @ LUMINANCE


def _find(folder: Path, prefix: str = "") -> dict[tuple[str, str, str], list[Path]]:
    """Files in a known format by (patient, name of the image, format); a DICOM series has many."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        parts = path.relative_to(folder).parts
        stem, kind = _format(path)
        if kind is None or any(part.startswith(".") for part in parts):
            continue
        if kind != "dicom":
            parts = (*parts[:-1], stem)
        elif len(parts) > 1:
            parts = parts[:-1]
        else:
            parts = (_read(_patient_id, path) or stem,)
        found.setdefault((parts[0], prefix + "_".join(parts), kind), []).append(path)
    return found


def _format(path: Path) -> tuple[str, str | None]:
    """Name without suffix, and format; DICOM is also known by its first bytes."""
    for suffix, kind in FORMATS.items():
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)], kind
    with path.open("rb") as file:
        return path.name, "dicom" if file.read(132)[128:] == b"DICM" else None


def _read(reader, path: Path) -> list | str:
    """Call ``reader(path)``; whatever a library raises becomes one line that names the file."""
    try:
        return reader(path)
    except ImportError as error:
        raise DataError(f"{path}: {error}; install it to read this format") from error
    except Exception as error:
        reason = " ".join(str(error).split())[:150] or type(error).__name__
        raise DataError(f"{path}: cannot be read ({reason}); repair or remove it") from error


def _images(array: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """(name ending, image) of an image (H, W) or (H, W, 3), or of a stack (n, H, W)."""
    if array.dtype.kind not in "buif" or array.size == 0:
        raise ValueError(f"{array.size} values of type {array.dtype}")
    if array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3):
        return [("", array)]
    if array.ndim == 3:
        return [(f"_{k:03d}", image) for k, image in enumerate(array)]
    raise ValueError(f"shape {array.shape} is neither an image nor a stack of slices")


def _frames(path) -> int:
    """How many images a picture file holds, from its header."""
    from PIL import Image

    with Image.open(path) as file:
        return getattr(file, "n_frames", 1)


def _picture(path):
    from PIL import Image, ImageSequence

    plain = ("1", "L", "I", "I;16", "I;16B", "F", "RGB")
    with Image.open(path) as file:
        frames = ImageSequence.Iterator(file)
        arrays = [np.array(f if f.mode in plain else f.convert("RGB")) for f in frames]
    return [(f"_{k:03d}" if len(arrays) > 1 else "", array) for k, array in enumerate(arrays)]


def _numpy(path):
    data = np.load(path, allow_pickle=False)
    if isinstance(data, np.ndarray):
        return _images(data)
    with data:
        return [(f"_{key}{end}", image) for key in data for end, image in _images(data[key])]


def _nifti(path):
    import nibabel

    volume = np.atleast_3d(nibabel.load(path).dataobj)
    return _images(np.moveaxis(np.rot90(volume), -1, 0))


def _nrrd(path):
    import nrrd

    return _images(nrrd.read(str(path))[0].T)


def _dicom(path):
    """(sort key, HU) of the slices of a file; none for files that hold no image."""
    import pydicom

    data = pydicom.dcmread(path)
    if "Rows" not in data:
        return []
    if data.get("SamplesPerPixel", 1) != 1:
        raise ValueError("a color image, wanted HU")
    number, z = data.get("InstanceNumber") or 0, (data.get("ImagePositionPatient") or [0])[-1]
    key = (str(data.get("SeriesInstanceUID", "")), float(number), float(z))
    hu = data.pixel_array * data.get("RescaleSlope", 1.0) + data.get("RescaleIntercept", 0.0)
    return [((key, end), image) for end, image in _images(hu)]


def _patient_id(path):
    import pydicom

    data = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["PatientID"])
    return re.sub(r"[^\w.-]", "_", str(data.get("PatientID", "")))


READERS = {"picture": _picture, "numpy": _numpy, "dicom": _dicom, "nifti": _nifti, "nrrd": _nrrd}
