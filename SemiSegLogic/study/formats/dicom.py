"""A DICOM series as one volume. Only voxels and grid leave this file; no tag does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import ImageError

POSITION, ORIENTATION, SERIES = "0020|0032", "0020|0037", "0020|000e"
EVENNESS = 0.05
"""How far a slice may lie from where an even stack has it, as a share of the slice distance (headers are rounded)."""


@dataclass(frozen=True)
class _Placed:
    """A slice file with its position and the row and column directions (LPS mm)."""

    file: str
    position: NDArray[np.float64]
    directions: NDArray[np.float64]


def is_dicom_file(path: Path) -> bool:
    """True when a file carries DICOM's mark, whatever its name."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def is_dicom(path: Path) -> bool:
    """True for a folder (which can only be a series) and for a DICOM file."""
    return path.is_dir() or is_dicom_file(path)


def load_series(path: Path) -> sitk.Image:
    """The series in the folder ``path``, or the series to which the file ``path`` belongs.

    Raises ImageError when there is none or several, when it cannot be read, or when the slices are no even stack
    (a missing or doubled slice, a tilted gantry): ITK would shift them without a word.
    """
    return load_files(_files_of_series(path), path)


def load_files(files: list[str], path: Path) -> sitk.Image:
    """These files as one volume, sorted by where they lie; ``path`` names them in errors. Raises as load_series."""
    try:
        placed = [_place(file) for file in files]
        if len(files) > 1:
            _check_stack(placed, path)
        return _read(files)
    except RuntimeError as error:
        raise ImageError(f"{path} cannot be read as a DICOM series: {str(error).strip().splitlines()[-1]}. Export the "
                         "series again, or load it in Slicer and save it as NRRD.") from error


def in_order(files: list[str], path: Path) -> list[str]:
    """Files of one series from the first slice to the last. Raises ImageError when one cannot be read."""
    try:
        placed = [_place(file) for file in files]
    except RuntimeError as error:
        raise ImageError(f"{path} cannot be read as DICOM: {str(error).strip().splitlines()[-1]}.") from error
    normal = np.cross(*placed[0].directions)
    return [one.file for one in sorted(placed, key=lambda one: float(one.position @ normal))]


def series_uid(path: Path) -> str:
    """The series of a DICOM file or folder, to find its originals again; "" for any other file."""
    if not is_dicom(path):
        return ""
    reader = sitk.ImageFileReader()
    reader.SetFileName(_files_of_series(path)[0])
    reader.ReadImageInformation()
    return reader.GetMetaData(SERIES).strip().strip("\0") if reader.HasMetaDataKey(SERIES) else ""


def _read(files: list[str]) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(files)
    image = reader.Execute()
    while image.GetDimension() > 3 and image.GetSize()[-1] == 1:
        image = image[..., 0]
    return image


def _files_of_series(path: Path) -> list[str]:
    folder = path if path.is_dir() else path.parent
    series = {uid: list(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid))
              for uid in sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))}
    if path.is_file():
        series = {uid: files for uid, files in series.items() if any(Path(file).samefile(path) for file in files)}
    if not series:
        raise ImageError(f"{path} holds no DICOM series. Choose the folder in which the slices of one series lie.")
    if len(series) > 1:
        examples = ", ".join(f"{Path(files[0]).name} ({len(files)} slices)" for files in series.values())
        raise ImageError(f"{path} holds {len(series)} DICOM series. Choose one by giving one of its files: {examples}.")
    return next(iter(series.values()))


def _place(file: str) -> _Placed:
    reader = sitk.ImageFileReader()
    reader.SetFileName(file)
    reader.ReadImageInformation()
    if not reader.HasMetaDataKey(POSITION) or not reader.HasMetaDataKey(ORIENTATION):
        return _Placed(file, np.array(reader.GetOrigin()), np.eye(3)[:2])
    numbers = [[float(part) for part in reader.GetMetaData(key).split("\\")] for key in (POSITION, ORIENTATION)]
    return _Placed(file, np.array(numbers[0]), np.array(numbers[1]).reshape(2, 3))


def _check_stack(placed: list[_Placed], path: Path) -> None:
    first = placed[0]
    for one in placed:
        if not np.allclose(one.directions, first.directions, atol=1e-4):
            raise ImageError(f"{path}: {Path(one.file).name} lies in another plane than {Path(first.file).name}. Keep "
                             "only slices of one stack in the folder (no localiser).")
    positions = np.array([one.position for one in placed])
    step = (positions[-1] - positions[0]) / (len(placed) - 1)
    distance = float(np.linalg.norm(step))
    off = np.linalg.norm(positions - positions[0] - np.arange(len(placed))[:, None] * step, axis=1)
    if distance == 0 or off.max() > EVENNESS * distance:
        gaps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
        worst = int(np.argmax(np.abs(gaps - np.median(gaps))))
        raise ImageError(f"{path}: the slices are not evenly spaced; from {Path(placed[worst].file).name} to "
                         f"{Path(placed[worst + 1].file).name} it is {gaps[worst]:.3f} mm where {np.median(gaps):.3f} "
                         "mm is usual. A slice is missing or doubled: export the series again.")
    normal = np.cross(*first.directions)
    if abs(float(step @ normal)) < (1 - 1e-4) * distance:
        raise ImageError(f"{path}: the slices are stacked at an angle (tilted gantry). Load the series in Slicer with "
                         "acquisition geometry regularisation, save it as NRRD and add that.")
