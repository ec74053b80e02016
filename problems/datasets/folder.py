"""Images in a folder of the user.

Sub-folders named train, validation and test are the splits and contain patients; without them
patients are split by the hash of their name. With ``test_only`` no network is trained on the
images: those of the sub-folder test, or all without one, are test images.

The patient of a file is the one in its DICOM header, else its sub-folder, or the file itself if it
lies directly in the folder. With ``patient: folder`` the folder decides for DICOM, too; with
``patient: name`` the beginning of the name of a file in the folder itself, up to its first number,
such as pat3 of pat3_014.png; with ``patient: file`` each file is a patient of its own. Masks,
reports and other files that are not images are left out and counted. Volumes are cut into slices
in the usual view of their plane.

Pictures and volumes are decoded when their pixels are needed; for the other splits only DICOM
headers are read.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from problems.datasets.base import SPLITS, DataError, Dataset, RawImage, UnreadImage
from problems.datasets.reading import dicom, pictures, volumes
from problems.datasets.reading.files import counted, listed, root_of, said
from problems.datasets.reading.layout import split_folder
from problems.datasets.reading.splits import ELSEWHERE, Entry, Split, groups
from problems.datasets.reading.units import Values, grey_or_color, proposed, window_for


class Folder(Dataset):
    label = "folder of images"
    reference = "images of the user"
    licence = "that of the images"

    @dataclass(frozen=True)
    class Params:
        path: str = ""  # the folder
        window: tuple[float, float] | None = None  # values mapped to 0, 1; None: by CT or data type
        validation: Annotated[float, Field(ge=0, lt=1)] = 0.1  # fraction of patients, at least one
        test: Annotated[float, Field(ge=0, lt=1)] = 0.1  # fraction of patients, at least one
        color: bool = False  # True: three channels; False: one, the luminance of color images
        test_only: bool = False  # True: no training or validation images; set where none are needed
        plane: Literal["axial", "coronal", "sagittal", "resliced", "stored"] = "axial"  # of slices
        patient: Literal["header", "folder", "name", "file"] = "header"  # what identifies a patient
        include: tuple[str, ...] = ()  # fnmatch patterns of paths or names; only these files
        exclude: tuple[str, ...] = ()  # fnmatch patterns of files and folders to leave out

    def __init__(self, params: "Folder.Params", downloads: Path | None = None):
        super().__init__(params, downloads)
        self.splits = ("test",) if params.test_only else SPLITS
        self.notes: set[str] = set()  # how the images that were opened so far were read

    def images(self, split: str) -> Iterator[UnreadImage]:
        if split not in self.splits:
            raise DataError(
                f"{self.params.path}: with `test_only` there are no {split} images, but networks, "
                f"a control or a search need them: remove it, or {ELSEWHERE}"
            )
        found = self._splits[split]
        if not found.entries:
            kinds = said(counted(found.left_out))
            raise DataError(f"{self.params.path}: the {split} split has no image{kinds}")
        self._note_patients(found.entries)
        stacks: dict[tuple[str, str], list[Entry]] = {}
        for entry in found.entries:
            stacks.setdefault((entry.patient, entry.name), []).append(entry)
        for (patient, name), entries in sorted(stacks.items()):
            for end, path, read in self._frames(entries):
                id = name + end
                yield UnreadImage(id, patient, partial(self._image, id, patient, path, read))

    def left_out(self, split: str) -> dict[str, int]:
        return counted(self._splits[split].left_out)

    def remedy(self, image: RawImage | UnreadImage) -> str:
        return f"; set {proposed(image.opened().pixels)}"

    @cached_property
    def _splits(self) -> dict[str, Split]:
        p, root = self.params, root_of(self.params.path)
        if root is None or not root.is_dir():
            raise DataError(f"no folder {p.path!r}; set `path` to the folder of the images")
        listing = listed(root, p.include, p.exclude)
        shares = (p.validation, p.test)
        return split_folder(root, listing, p.patient, shares, readable, p.test_only)

    def _frames(self, entries: list[Entry]) -> Iterator[tuple[str, Path, Callable]]:
        """(name ending, path, reader of the values) of the images that share one name."""
        plane, path, format = self.params.plane, entries[0].file.path, entries[0].file.format
        if format == "dicom":
            slices = sorted(
                (key, e.file.path, k, e.header)
                for e in entries
                for k, key in enumerate(e.header.order)
            )
            for k, (_, path, frame, header) in enumerate(slices):
                yield f"_{k:03d}", path, partial(dicom.read, frame=frame, head=header, plane=plane)
            return
        for entry in entries:
            path = entry.file.path
            if format == "picture":
                numbers = readable(pictures.pages, path)
                for k in numbers:
                    end = f"_{k:03d}" if len(numbers) > 1 else ""
                    yield end, path, partial(pictures.page, number=k)
            elif format == "volume":
                for k in range(readable(partial(volumes.count, plane=plane), path)):
                    yield f"_{k:03d}", path, partial(volumes.slice_of, k=k, plane=plane)
            else:
                self.notes.add("arrays are read as (row, column), stacks as (slice, row, column)")
                for end, values in readable(pictures.arrays, path):
                    yield end, path, partial(_known, values=values)

    def _note_patients(self, entries: list[Entry]) -> None:
        alone = [e.patient for e in entries if not e.header and e.patient == e.file.stem]
        if self.params.patient == "file" or len(alone) < max(2, len(entries)):
            return
        found = groups(alone)
        note = "every file counts as a patient of its own"
        if found:
            note += (
                f"; the names look like {len(found)} patients with several images each, such as "
                f"{min(found)}: `patient: name` takes them as such"
            )
        self.notes.add(note)

    def _image(self, id: str, patient: str, path: Path, read: Callable) -> RawImage:
        values = readable(read, path)
        if values.labels and not self.params.include:
            raise DataError(
                f"{path}: values {values.array.min():g} to {values.array.max():g} look like a mask "
                f"or labels; leave such files out, for example `exclude: ['{path.name}']`, or list "
                "the images in `include`"
            )
        window = window_for(values, self.params.window, path)
        if values.colored and not self.params.color:
            self.notes.add("colors are made grey, their luminance; `color: true` keeps them")
        pixels = grey_or_color(values.array, self.params.color)
        return RawImage(id, patient, pixels, window, values.spacing)


def _known(path: Path, values: Values) -> Values:
    return values


def readable(read: Callable, path: Path):
    """Call ``read(path)``; turn any exception of a library into one line that names the file."""
    try:
        return read(path)
    except DataError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()).rpartition("ERROR: ")[2] or type(error).__name__
        reason = re.sub(r"\w+\(0x\w+\): ", "", reason)  # the place of a reader in memory
        raise DataError(
            f"{path}: cannot be read ({reason}); repair or remove it{dicom.unpacking(path)}"
        ) from error
