"""Reads files with SimpleITK and reorients them to the usual view, using their own geometry.

The usual view of a plane: axial has anterior at the top and the patient's right on the left;
coronal has the head at the top and the right on the left; sagittal has the head at the top and
anterior on the left. Slices are ordered from the feet, the front or the right.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from problems.datasets.base import DataError

VIEWS = {  # directions of columns, rows and slices: Left, Posterior, Inferior, Superior
    "axial": "LPS",
    "coronal": "LIP",
    "sagittal": "PIL",
    "resliced": "LPS",  # axial, regardless of the stored plane
}
PLANES = ("sagittal", "coronal", "axial")  # whose slices are stacked along x, y, z
OBLIQUE = 0.85  # cosine of the largest angle of a normal to its axis, 32 degrees
SQUARE = 1.05  # largest ratio of the sides of a square pixel


class Volume(NamedTuple):
    """A volume in the view of its plane.

    Attributes:
        slices: values (slice, row, column).
        spacing: mm between rows and between columns.
    """

    slices: np.ndarray
    spacing: tuple[float, float]


def volume(path: Path, plane: str = "axial") -> Volume:
    """Read a volume.

    Raises:
        DataError: see ``count``.
    """
    import SimpleITK

    if path.name.lower().endswith((".nii", ".nii.gz")):
        import nibabel

        nibabel.load(path).dataobj.get_unscaled()  # raises if the file is truncated, unlike ITK
    image = read_quietly(str(path))
    if image.GetDimension() == 4:
        image = image[:, :, :, 0]
    if plane != "stored":
        image = oriented(image, plane, path)
    slices = SimpleITK.GetArrayFromImage(image)
    return Volume(slices if slices.ndim == 3 else slices[None], image.GetSpacing()[1::-1])


def count(path: Path, plane: str) -> int:
    """Number of slices of a volume in a plane, from its header.

    Raises:
        DataError: the volume is not a stack of grey slices, is stored in another plane, or does not
            give the orientation of the patient.
    """
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    size, kinds = reader.GetSize(), reader.GetNumberOfComponents()
    if kinds > 1 or len(size) > 4 or (len(size) == 4 and size[3] > 1):
        many = " x ".join(map(str, (*size, kinds) if kinds > 1 else size))
        raise DataError(
            f"{path}: {many} values are a series of volumes (times, directions, colors), expected "
            "one volume of grey slices; leave it out with `exclude`"
        )
    if plane == "stored":
        return size[2] if len(size) > 2 else 1
    if len(size) < 3 or not _placed(reader, path):
        raise DataError(
            f"{path}: the file does not say how the patient lies; set `plane: stored` to use its "
            "slices as stored"
        )
    directions = np.reshape(reader.GetDirection(), (len(size), len(size)))[:3, :3]
    _check_plane(directions, plane, path)
    axis = PLANES.index("axial" if plane == "resliced" else plane)
    return size[int(np.abs(directions[axis]).argmax())]


def read_quietly(path: str, reader: str = "") -> Any:
    """Read an image without ITK's warnings about headers; its errors are raised."""
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    return SimpleITK.ReadImage(path, imageIO=reader)


def oriented(image: Any, plane: str, path: Path, single: bool = False) -> Any:
    """A SimpleITK image (x, y, z) in the usual view of its plane.

    Args:
        single: the image is one slice, which cannot be resliced.

    Raises:
        DataError: its slices lie in another plane, or its pixels are not square.
    """
    import SimpleITK

    _check_plane(np.reshape(image.GetDirection(), (3, 3)), plane, path, single)
    image = SimpleITK.DICOMOrient(image, VIEWS[plane])
    sides = image.GetSpacing()[:2]
    if max(sides) > SQUARE * min(sides):
        raise DataError(
            f"{path}: its pixels are {sides[1]:.3g} x {sides[0]:.3g} mm; resample it to square "
            "pixels, or leave it out with `exclude`"
        )
    return image


def _check_plane(directions: np.ndarray, plane: str, path: Path, single: bool = False) -> None:
    """Refuse slices that lie in another plane than the requested one."""
    normal = np.abs(directions[:, 2])
    found, wanted = PLANES[int(normal.argmax())], "axial" if plane == "resliced" else plane
    if (plane == "resliced" and not single) or (found == wanted and normal.max() > OBLIQUE):
        return
    if normal.max() <= OBLIQUE:
        raise DataError(
            f"{path}: its slices are oblique, {np.degrees(np.arccos(normal.max())):.0f} degrees "
            f"from {found}; leave it out with `exclude`, or set `plane: stored` to use it as stored"
        )
    cut = "convert the series to NIfTI and set" if single else "set"
    raise DataError(
        f"{path}: its slices are {found}, not {wanted}; leave it out with `exclude`, set "
        f"`plane: {found}` if all are, or {cut} `plane: resliced` to cut axial slices out of it"
    )


def _placed(reader: Any, path: Path) -> bool:
    """Whether the header of a volume gives the orientation of the patient."""
    has, of = reader.HasMetaDataKey, reader.GetMetaData
    if path.name.lower().endswith((".nrrd", ".nhdr")):
        return has("NRRD_space")
    codes = [of(key) for key in ("qform_code", "sform_code") if has(key)]
    return not codes or any(code != "0" for code in codes)
