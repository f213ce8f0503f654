"""A DICOM series as one volume. Only voxels and grid leave this file; no tag does."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ...naming import counted
from ..errors import ImageError, unreadable
from .frames import check_frames
from .names import itk_name
from .stacks import check_stack, place

SERIES, KIND = "0020|000e", "0008|0016"
MARKED, HEAD = re.compile(rb".{128}DICM", re.DOTALL), 1 << 16
STORED_AS = re.compile(rb"\x02\x00\x02\x00UI..([0-9.]+)", re.DOTALL)
"""What kind of object a DICOM file says that it is, at its very beginning."""


def is_dicom_file(path: Path) -> bool:
    """True when a file carries DICOM's mark, whatever its name. Raises ImageError when it cannot be read."""
    try:
        return path.is_file() and bool(MARKED.match(_head(path)))
    except OSError as error:
        raise unreadable(path, error) from error


def is_dicom(path: Path) -> bool:
    """True for a folder (which can only be a series) and for a DICOM file."""
    return os.path.isdir(path) or is_dicom_file(path)


def load_series(path: Path) -> sitk.Image:
    """The series in the folder ``path``, or the series to which the file ``path`` belongs; of a series of pictures that
    do not say where they lie, the file alone.

    Raises ImageError when there is none or several, when a file of it cannot be read, or when the slices are no even
    stack (a missing or doubled slice, a tilted gantry): ITK would shift them without a word.
    """
    files = _files_of_series(path)
    try:
        if path.is_file() and not place(str(path)).known:
            files = [str(path)]
    except RuntimeError as error:
        raise _refusal(path, error) from error
    return load_files(files, path)


def load_files(files: list[str], path: Path) -> sitk.Image:
    """These files as one volume, sorted by where they lie; ``path`` names them in errors. Raises as load_series."""
    try:
        placed = [place(file) for file in files]
        if len(files) > 1:
            check_stack(placed, path)
        image = _read(files, mixed=len({one.kind for one in placed}) > 1)
    except RuntimeError as error:
        raise _refusal(path, error) from error
    if len(files) == 1:
        check_frames(image, Path(files[0]))
    return image


def _refusal(path: Path, error: RuntimeError) -> ImageError:
    return ImageError(f"{path} cannot be read as a DICOM series: {str(error).strip().splitlines()[-1]}. Export the "
                      "series again, or load it in Slicer and save it as NRRD.")


def in_order(files: list[str], path: Path) -> list[str]:
    """Files of one series from the first slice to the last. Raises ImageError when one cannot be read."""
    try:
        placed = [place(file) for file in files]
    except RuntimeError as error:
        raise ImageError(f"{path} cannot be read as DICOM: {str(error).strip().splitlines()[-1]}.") from error
    normal = np.cross(*placed[0].directions)
    return [one.file for one in sorted(placed, key=lambda one: float(one.position @ normal))]


def series_uid(path: Path) -> str:
    """The series of a DICOM file or folder, to find its originals again; "" for any other file."""
    if not is_dicom(path):
        return ""
    return _meta(_files_of_series(path)[0], SERIES)


def _read(files: list[str], mixed: bool) -> sitk.Image:
    """The voxels. Where each slice has a scale of its own, as in PET, and so perhaps a type of its own (``mixed``), all
    are read as the one that holds every value: ITK would press them into that of the first.
    """
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(files)
    if mixed:
        reader.SetOutputPixelType(sitk.sitkFloat64)
    image = reader.Execute()
    while image.GetDimension() > 3 and image.GetSize()[-1] == 1:
        image = image[..., 0]
    return image


def _files_of_series(path: Path) -> list[str]:
    folder = path if path.is_dir() else path.parent
    name = itk_name(folder)
    listed = {uid: list(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(name, uid))
              for uid in sitk.ImageSeriesReader.GetGDCMSeriesIDs(name)}
    series = listed
    if path.is_file():
        series = {uid: files for uid, files in listed.items() if any(Path(file).samefile(path) for file in files)}
    if not series:
        raise ImageError(f"{path} contains no DICOM series. Choose the folder that contains the slices of one series.")
    if len(series) > 1:
        examples = ", ".join(f"{Path(files[0]).name} ({counted(len(files), 'slice')})" for files in series.values())
        raise ImageError(
            f"{path} contains several DICOM series ({len(series)}). Choose one by giving one of its files: {examples}."
        )
    files = next(iter(series.values()))
    _refuse_broken(folder, files, listed, path)
    return files


def _refuse_broken(folder: Path, files: list[str], listed: dict[str, list[str]], path: Path) -> None:
    """Raises ImageError when a slice beside ``files`` cannot be read: GDCM leaves it out without a word, and at an end
    of the stack nobody would see it. ``listed`` are the files of all series there.
    """
    known = {Path(file).name for files in listed.values() for file in files}
    endings = {Path(file).suffix for file in files}
    kind, others = _meta(files[0], KIND), [uid for uid, one in listed.items() if one != files]
    for file in sorted(folder.iterdir()):
        if file.name not in known and not file.name.startswith(".") and file.is_file() and (
            _is_lost_slice(file, kind, others) or (not file.stat().st_size and file.suffix in endings)
        ):
            raise ImageError(f"{path}: {file.name} is empty or incomplete, so a slice may be missing. Copy the series "
                             "again from where it came, or remove that file if it does not belong to the series.")


def _is_lost_slice(file: Path, kind: str, others: list[str]) -> bool:
    """Whether an unreadable file is of this ``kind``, or too short to tell, and of none of the ``others`` series."""
    try:
        head = _head(file)
    except OSError as error:
        raise unreadable(file, error) from error
    said = STORED_AS.search(head)
    return (bool(MARKED.match(head)) and (said is None or said[1].decode() == kind)
            and not any(uid.encode() in head for uid in others))


def _head(file: Path) -> bytes:
    """The beginning of a file."""
    with file.open("rb") as stream:
        return stream.read(HEAD)


def _meta(file: str, key: str) -> str:
    """A tag of a DICOM file; "" when it has none, or cannot be read: reading the voxels says why."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(itk_name(file))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return ""
    return str(reader.GetMetaData(key)).strip().strip("\0") if reader.HasMetaDataKey(key) else ""
