"""DICOM: headers read by pydicom, values by GDCM, oriented to the usual view of the patient.

A header gives the class of the file, the patient, the series, the position of each slice, and
whether the values are Hounsfield units: CT with a rescale, either in the file itself or in the
functional groups of an enhanced file.
"""

import warnings
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from problems.datasets.base import DataError
from problems.datasets.reading.geometry import oriented, read_quietly
from problems.datasets.reading.units import CT_WINDOW, WRAPPED, Values

CT = ("CT Image Storage", "Enhanced CT Image Storage", "Legacy Converted Enhanced CT Image Storage")
SECTIONS = ("CT", "MR", "PT")
SCOUTS = {"LOCALIZER", "SCOUT", "TOPOGRAM"}  # in ImageType
SCREEN = "secondary captures"
HIGHEST = 32767  # Hounsfield units
NOBODY = {"", "0", "anon", "anonymous", "anonymized", "anonymised", "none", "unknown"}
TAGS = [
    "SOPClassUID",
    "SOPInstanceUID",
    "Modality",
    "PatientID",
    "SeriesInstanceUID",
    "InstanceNumber",
    "ImageType",
    "NumberOfFrames",
    "Rows",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "SamplesPerPixel",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PhotometricInterpretation",
    "ModalityLUTSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]


class Header(NamedTuple):
    """Contents of a header.

    Attributes:
        kind: kind of a file that is not an image, for counting; None for images.
        patient: identity, or "" if missing or anonymised.
        order: sort keys, one per frame.
        orientation: direction of rows and of columns, six numbers, or None if missing.
        reason: why the values are not Hounsfield units, or "".
        section: the image is a section of the patient, not a projection, and needs an orientation.
        uid: of the image; copies of the file have the same.
        padding: value outside the field of view after the rescale, or None.
    """

    kind: str | None
    patient: str
    order: tuple[tuple, ...] = ()
    orientation: tuple[float, ...] | None = None
    reason: str = ""
    section: bool = True
    uid: str = ""
    padding: float | None = None


def header(path: Path) -> Header:
    """Read a header; exceptions of pydicom propagate."""
    import pydicom

    with warnings.catch_warnings(action="ignore"):  # of deviations from the standard
        data = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=TAGS)
        data.setdefault("SOPClassUID", data.file_meta.get("MediaStorageSOPClassUID"))
    if not data.SOPClassUID and "Modality" not in data:
        raise ValueError("not a DICOM file")
    patient = str(data.get("PatientID", "")).strip()
    patient = "" if patient.lower() in NOBODY else patient
    kind = _no_image(data)
    if kind not in (None, SCREEN):
        return Header(kind, patient)
    count = int(data.get("NumberOfFrames") or 1)
    frames = list(data.get("PerFrameFunctionalGroupsSequence") or [])
    frames = frames if len(frames) == count else [None] * count
    groups = [[data, *(data.get("SharedFunctionalGroupsSequence") or []), f or {}] for f in frames]
    planes = {
        _numbers(_latest(g, "PlaneOrientationSequence", "ImageOrientationPatient")) for g in groups
    }
    if len(planes) > 1:
        raise DataError(f"{path}: its frames lie in different planes; leave it out with `exclude`")
    (plane,) = planes
    scales = {
        tuple(
            _text(_latest(g, "PixelValueTransformationSequence", f"Rescale{part}"))
            for part in ("Slope", "Intercept", "Type")
        )
        for g in groups
    }
    if len(scales) > 1:
        raise DataError(f"{path}: its frames have different rescales; leave it out with `exclude`")
    places = [_numbers(_latest(g, "PlanePositionSequence", "ImagePositionPatient")) for g in groups]
    series, number = str(data.get("SeriesInstanceUID", "")), float(data.get("InstanceNumber") or 0)
    order = tuple((series, _height(plane, place), number, k) for k, place in enumerate(places))
    section = data.get("Modality") in SECTIONS
    (scale,) = scales
    reason, uid = _reason(data, scale), str(data.get("SOPInstanceUID", ""))
    padding = None if reason else data.get("PixelPaddingValue")
    if padding is not None:
        padding = float(padding) * float(scale[0]) + float(scale[1])
    return Header(kind, patient, order, plane, reason, section, uid, padding)


def unpacking(path: Path) -> str:
    """How to decompress the pixels of a DICOM file, for messages; "" if not compressed."""
    import pydicom

    try:
        kind = pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID
    except Exception:
        return ""
    if not kind.is_compressed:
        return ""
    return (
        f", or unpack it, as it is {kind.name}: pip install pylibjpeg pylibjpeg-libjpeg "
        "pylibjpeg-openjpeg, then in Python d = pydicom.dcmread(file); d.decompress(); "
        "d.save_as(file)"
    )


def read(path: Path, frame: int, head: Header, plane: str) -> Values:
    """The values of a frame, in the usual view of the plane.

    Raises:
        DataError: the frame lies in another plane, or the header does not give its plane.
    """
    import SimpleITK

    image = _last(path, path.stat().st_mtime_ns)[:, :, frame : frame + 1]
    if plane != "stored" and (head.orientation or head.section):
        if head.orientation is None:
            raise DataError(
                f"{path}: the header does not say how the patient lies (ImageOrientationPatient); "
                "set `plane: stored` to use its pixels as stored, or leave it out with `exclude`"
            )
        rows, columns = np.reshape(head.orientation, (2, 3))
        axes = np.stack([rows, columns, np.cross(rows, columns)], axis=1)
        image.SetDirection(axes.ravel().tolist())
        image = oriented(image, plane, path, single=True)
    values = SimpleITK.GetArrayFromImage(image)[0]
    spacing = image.GetSpacing()[1::-1]
    window = None if head.reason else CT_WINDOW
    if head.padding is not None and head.padding > CT_WINDOW[1]:
        values = np.where(values == head.padding, CT_WINDOW[0], values)
    if window and values.max() > HIGHEST:
        raise DataError(f"{path}: {values.max():g} Hounsfield units are too many: {WRAPPED}")
    return Values(values, spacing, window, head.reason)


@lru_cache(maxsize=1)
def _last(path: Path, _changed: int):
    """The file read last, cached because its frames are requested one after another."""
    return read_quietly(str(path), "GDCMImageIO")


def _no_image(data) -> str | None:
    """Kind of a file that is not an image, from its class and type; None for images."""
    name = getattr(data.get("SOPClassUID"), "name", "")
    modality = str(data.get("Modality", ""))
    if SCOUTS & {str(value).upper() for value in data.get("ImageType") or ()}:
        return "localizers"
    if "Secondary Capture" in name:
        return SCREEN
    if name == "Media Storage Directory Storage":
        return "DICOMDIR"
    if "Rows" in data and (not name or "Image Storage" in name):
        return None
    emptied = " without pixels" if "Rows" not in data and "Image" in name else ""
    return f"DICOM {name.removesuffix(' Storage') or modality}{emptied}"


def _reason(data, scale: tuple[str, str, str]) -> str:
    """Reason why the values are not Hounsfield units; "" if they are."""
    name = getattr(data.get("SOPClassUID"), "name", "") or f"{data.get('Modality', '')} Image"
    slope, intercept, unit = scale
    color = data.get("PhotometricInterpretation", "MONOCHROME2")
    if int(data.get("SamplesPerPixel") or 1) > 1:
        return f"a color {name.removesuffix(' Storage')}"
    if color == "MONOCHROME1":
        return "MONOCHROME1, whose values are turned round so that large ones are bright"
    if color != "MONOCHROME2":
        return f"{color}"
    if name not in CT and name != "CT Image":
        return f"{name.removesuffix(' Image Storage')} has no fixed units"
    if "ModalityLUTSequence" in data:
        return "values with a table (ModalityLUTSequence), which is not applied"
    if not slope or not intercept:
        return "CT without a rescale (RescaleSlope, RescaleIntercept)"
    if unit not in ("", "HU"):
        return f"CT in units {unit}"
    if not data.get("PixelRepresentation") and float(intercept) >= 0:
        return f"CT whose rescale leaves no value below {float(intercept):g}"
    return ""


def _latest(groups: list, sequence: str, name: str):
    """Value in the last functional group that has it, or in the file itself."""
    found = groups[0].get(name)
    for group in groups[1:]:
        for item in group.get(sequence) or ():
            found = item.get(name, found)
    return found


def _text(value) -> str:
    return "" if value is None else str(value)


def _numbers(values) -> tuple[float, ...] | None:
    return tuple(round(float(v), 4) for v in values) if values else None


def _height(plane, place) -> float:
    """Position of a slice along the normal of its plane, which points to the head, left or back."""
    if place is None:
        return 0.0
    if plane is None:
        return place[-1]
    normal = np.cross(plane[:3], plane[3:])
    return float(np.dot(normal, place) * np.sign(normal[np.abs(normal).argmax()]))
