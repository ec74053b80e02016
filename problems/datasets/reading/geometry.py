"""Files read by SimpleITK and brought to one view from their own geometry.

The usual view of a plane: axial, anterior up and the patient's right at the left; coronal, head up
and right at the left; sagittal, head up and anterior at the left. Slices run from the feet, the
front or the right.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from problems.datasets.base import DataError

VIEWS = {  # where columns, rows and slices lead: Left, Posterior, Inferior, Superior
    "axial": "LPS",
    "coronal": "LIP",
    "sagittal": "PIL",
    "resliced": "LPS",  # axial, whatever the plane in which the file is stored
}
PLANES = ("sagittal", "coronal", "axial")  # whose slices follow one another along x, y, z
OBLIQUE = 0.85  # cosine of the angle to an axis up to which a plane has its name, 32 degrees
SQUARE = 1.05  # ratio of the sides of a pixel up to which it counts as square


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

        nibabel.load(path).dataobj.get_unscaled()  # raises where the file ends early, ITK does not
    image = read_quietly(str(path))
    if image.GetDimension() == 4:
        image = image[:, :, :, 0]
    if plane != "stored":
        image = oriented(image, plane, path)
    slices = SimpleITK.GetArrayFromImage(image)
    return Volume(slices if slices.ndim == 3 else slices[None], image.GetSpacing()[1::-1])


def count(path: Path, plane: str) -> int:
    """How many slices a volume has in a plane, from its header.

    Raises:
        DataError: it is no stack of grey slices, is stored in another plane, or does not say how
            the patient lies.
    """
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    size, kinds = reader.GetSize(), reader.GetNumberOfComponents()
    if kinds > 1 or len(size) > 4 or (len(size) == 4 and size[3] > 1):
        many = " x ".join(map(str, (*size, kinds) if kinds > 1 else size))
        raise DataError(
            f"{path}: {many} values are a series of volumes (times, directions, colors), wanted "
            "one volume of grey slices; leave it out with `exclude`"
        )
    if plane == "stored":
        return size[2] if len(size) > 2 else 1
    if len(size) < 3 or not _placed(reader, path):
        raise DataError(
            f"{path}: the file does not say how the patient lies; set `plane: stored` to take its "
            "slices as they are"
        )
    directions = np.reshape(reader.GetDirection(), (len(size), len(size)))[:3, :3]
    _check_plane(directions, plane, path)
    axis = PLANES.index("axial" if plane == "resliced" else plane)
    return size[int(np.abs(directions[axis]).argmax())]


def read_quietly(path: str, reader: str = "") -> Any:
    """Read an image; ITK's remarks on headers do not reach the terminal, its errors do."""
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    return SimpleITK.ReadImage(path, imageIO=reader)


def oriented(image: Any, plane: str, path: Path, single: bool = False) -> Any:
    """A SimpleITK image (x, y, z) in the usual view of its plane.

    Args:
        single: it is one slice, out of which no other ones can be cut.

    Raises:
        DataError: its slices lie in another plane, or its pixels are no squares.
    """
    import SimpleITK

    _check_plane(np.reshape(image.GetDirection(), (3, 3)), plane, path, single)
    image = SimpleITK.DICOMOrient(image, VIEWS[plane])
    sides = image.GetSpacing()[:2]
    if max(sides) > SQUARE * min(sides):
        raise DataError(
            f"{path}: its pixels are {sides[1]:.3g} x {sides[0]:.3g} mm; resample it to squares, "
            "or leave it out with `exclude`"
        )
    return image


def _check_plane(directions: np.ndarray, plane: str, path: Path, single: bool = False) -> None:
    """Refuse slices in another plane than the one that was asked for."""
    normal = np.abs(directions[:, 2])
    found, wanted = PLANES[int(normal.argmax())], "axial" if plane == "resliced" else plane
    if (plane == "resliced" and not single) or (found == wanted and normal.max() > OBLIQUE):
        return
    if normal.max() <= OBLIQUE:
        raise DataError(
            f"{path}: its slices are oblique, {np.degrees(np.arccos(normal.max())):.0f} degrees "
            f"from {found}; leave it out with `exclude`, or set `plane: stored` to take it as it is"
        )
    cut = "convert the series to NIfTI and set" if single else "set"
    raise DataError(
        f"{path}: its slices are {found}, wanted {wanted}; leave it out with `exclude`, set "
        f"`plane: {found}` if all are, or {cut} `plane: resliced` to cut axial slices out of it"
    )


def _placed(reader: Any, path: Path) -> bool:
    """Whether the header of a volume says how the patient lies."""
    has, of = reader.HasMetaDataKey, reader.GetMetaData
    if path.name.lower().endswith((".nrrd", ".nhdr")):
        return has("NRRD_space")
    codes = [of(key) for key in ("qform_code", "sform_code") if has(key)]
    return not codes or any(code != "0" for code in codes)
