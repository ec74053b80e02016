"""Slices of volumes (NIfTI, NRRD, MetaImage), with units inferred from the whole volume."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from problems.datasets.base import DataError
from problems.datasets.reading import geometry
from problems.datasets.reading.geometry import PLANES, Volume, oriented
from problems.datasets.reading.units import (
    CT_WINDOW,
    WRAPPED,
    Values,
    could_be_hu,
    could_be_labels,
    wrapped,
)

NIFTI = (".nii", ".nii.gz")
MILLIMETRES = {"meter": 1000.0, "micron": 0.001}  # of units of NIfTI
SKEWED = 0.05  # largest cosine of the angle between rows and columns
PATIENT = re.compile(  # spaces of NRRD whose axes are those of the patient
    r"(left|right)-(anterior|posterior)-superior(-time)?|(ras|las|lps)t?", re.IGNORECASE
)
MATRIX = {"transformmatrix", "rotation", "orientation"}  # fields of MetaImage, in lower case


class _Nifti(NamedTuple):
    """What the header of a NIfTI file says.

    Attributes:
        data: its values, not yet read.
        shape: columns, rows, slices as stored.
        spacing: mm between them.
        directions: 3 x 3, a column for each, to the left, to the back and up.
    """

    data: Any
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    directions: np.ndarray


def count(path: Path, plane: str) -> int:
    """Number of slices of a volume in a plane, from its header.

    Raises:
        DataError: see ``geometry.count``; a skewed or unplaced volume.
    """
    if not _is_nifti(path):
        slices = geometry.count(path, plane)
        if plane != "stored" and not _placed(path):
            raise _unplaced(path)
        return slices
    head = _head(path, plane)
    if plane == "stored":
        return head.shape[2]
    _view(np.zeros((1, 1, 1), np.uint8), head, plane, path)
    axis = PLANES.index("axial" if plane == "resliced" else plane)
    return head.shape[int(np.abs(head.directions[axis]).argmax())]


def slice_of(path: Path, k: int, plane: str) -> Values:
    """A slice of a volume, with units inferred from the whole volume."""
    whole, units = _last(path, plane, path.stat().st_mtime_ns)
    return units._replace(array=whole.slices[k])


@lru_cache(maxsize=1)
def _last(path: Path, plane: str, _changed: int) -> tuple[Volume, Values]:
    """The volume read last, cached because its slices are requested one after another."""
    whole = _volume(path, plane)
    if not np.isfinite(whole.slices).all():
        raise DataError(
            f"{path}: contains NaN or infinite values; replace them by that of air, or leave it "
            "out with `exclude`"
        )
    if wrapped(whole.slices):
        raise DataError(f"{path}: {WRAPPED}")
    hu = could_be_hu(whole.slices)
    low, high = whole.slices.min(), whole.slices.max()
    reason = "" if hu else f"values {low:g} to {high:g} cannot be Hounsfield units"
    labels = could_be_labels(whole.slices)
    return whole, Values(whole.slices, whole.spacing, CT_WINDOW if hu else None, reason, labels)


def _volume(path: Path, plane: str) -> Volume:
    """Read a volume; NIfTI by nibabel, as ITK turns NaN into 0 and knows no NIfTI-2."""
    if not _is_nifti(path):
        return geometry.volume(path, plane)
    import SimpleITK

    head = _head(path, plane)
    values = np.asanyarray(head.data).reshape(head.shape).T
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if plane == "stored":
        return Volume(values, head.spacing[1::-1])
    image = _view(values, head, plane, path)
    return Volume(SimpleITK.GetArrayFromImage(image), image.GetSpacing()[1::-1])


def _head(path: Path, plane: str) -> _Nifti:
    """What the header of a NIfTI file says; of its two matrices the sform, if both are set."""
    import nibabel

    image = nibabel.load(path)
    head, shape, kinds = image.header, image.shape, image.get_data_dtype().names or ()
    if kinds or any(length > 1 for length in shape[3:]):
        many = " x ".join(map(str, (*shape, len(kinds)) if kinds else shape))
        raise DataError(
            f"{path}: {many} values are a series of volumes (times, directions, colors), expected "
            "one volume of grey slices; leave it out with `exclude`"
        )
    unit = MILLIMETRES.get(head.get_xyzt_units()[0], 1.0)
    matrix = image.affine[:3, :3] * [[-1], [-1], [1]]  # to the left, to the back, up
    lengths = np.linalg.norm(matrix, axis=0)
    directions = matrix / np.where(lengths > 0, lengths, np.nan)
    if plane != "stored":
        codes = int(head["qform_code"]), int(head["sform_code"])
        if not any(codes) or not np.isfinite(directions).all():
            raise _unplaced(path)
        if abs(directions[:, 0] @ directions[:, 1]) > SKEWED:
            raise DataError(
                f"{path}: its rows and columns are not at right angles; resample it, or leave it "
                "out with `exclude`"
            )
        normal = np.cross(directions[:, 0], directions[:, 1])
        directions[:, 2] = normal * np.sign(normal @ directions[:, 2])
    spacing = tuple(float(v) for v in lengths * unit)
    return _Nifti(image.dataobj, (*shape[:3], 1)[:3], spacing, directions)


def _view(values: np.ndarray, head: _Nifti, plane: str, path: Path) -> Any:
    """Values (z, y, x) of a NIfTI file as a SimpleITK image in the usual view of the plane."""
    import SimpleITK

    image = SimpleITK.GetImageFromArray(values)
    image.SetSpacing(head.spacing)
    image.SetDirection(head.directions.ravel().tolist())
    return oriented(image, plane, path)


def _is_nifti(path: Path) -> bool:
    return path.name.lower().endswith(NIFTI)


def _placed(path: Path) -> bool:
    """Whether a header of NRRD or MetaImage, which is text, gives the axes of the patient."""
    nrrd = path.suffix.lower() in (".nrrd", ".nhdr")
    fields = {}
    with path.open("rb") as file:
        for line in file:
            name, _, value = line.decode("latin-1").partition(":" if nrrd else "=")
            fields[name.strip().lower()] = value.strip()
            if not line.strip() or "elementdatafile" in fields:
                break
    if nrrd:
        return bool(PATIENT.fullmatch(fields.get("space", "")))
    return not MATRIX.isdisjoint(fields)


def _unplaced(path: Path) -> DataError:
    return DataError(
        f"{path}: the file does not say how the patient lies; set `plane: stored` to use its "
        "slices as stored"
    )
