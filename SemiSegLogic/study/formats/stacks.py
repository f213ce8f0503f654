"""Whether the slice files of a DICOM series are one volume: ITK would shift or mix what is none without a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import ImageError
from .names import itk_name

POSITION, ORIENTATION = "0020|0032", "0020|0037"
EVENNESS = 0.05
"""How far a slice may lie from where an even stack has it, as a share of the slice distance (headers are rounded)."""


@dataclass(frozen=True)
class Placed:
    """A slice file with its position and the row and column directions (LPS mm), which mean nothing unless ``known``;
    ``raster`` its columns, rows and their spacing; ``kind`` the type of its values and ``count`` of them per pixel.
    """

    file: str
    position: NDArray[np.float64]
    directions: NDArray[np.float64]
    known: bool
    raster: tuple[float, ...]
    kind: int
    count: int

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return Path(self.file).name


def place(file: str) -> Placed:
    """What a slice file says of itself. Raises RuntimeError when it cannot be read, ImageError when ITK cannot
    take its name.
    """
    reader = sitk.ImageFileReader()
    reader.SetFileName(itk_name(file))
    reader.ReadImageInformation()
    position, directions = _numbers(reader, POSITION, 3), _numbers(reader, ORIENTATION, 6)
    known = position is not None and directions is not None
    return Placed(file, np.array(reader.GetOrigin()) if position is None or not known else position,
                  np.eye(3)[:2] if directions is None or not known else directions.reshape(2, 3), known,
                  (*reader.GetSize()[:2], *reader.GetSpacing()[:2]), reader.GetPixelID(),
                  reader.GetNumberOfComponents())


def check_stack(placed: list[Placed], path: Path) -> None:
    """Raises ImageError, which names ``path``, when these slices, in this order, are no volume."""
    unplaced = next((one for one in placed if not one.known), None)
    if unplaced is not None:
        raise ImageError(f"{path}: {unplaced.name} has no position in space, so the series (files: {len(placed)}) is "
                         "not a volume. Ultrasound stills and screenshots are single pictures: add one by giving its "
                         "file.")
    _check_alike(placed, path)
    _check_even(placed, path)


def _numbers(reader: sitk.ImageFileReader, key: str, count: int) -> NDArray[np.float64] | None:
    """The numbers of a tag; None when it is missing, empty or something else."""
    try:
        found = np.array([float(part) for part in reader.GetMetaData(key).split("\\")])
    except (RuntimeError, ValueError):
        return None
    return found if len(found) == count and np.isfinite(found).all() else None


def _check_alike(placed: list[Placed], path: Path) -> None:
    """That all slices are pieces of one lattice."""
    first = placed[0]
    differs: dict[str, Callable[[Placed], bool]] = {
        "lies in another plane than": lambda one: not np.allclose(one.directions, first.directions, atol=1e-4),
        "has another number or size of pixels than": lambda one: not np.allclose(one.raster, first.raster, rtol=1e-4),
        "has another number of values per pixel than": lambda one: one.count != first.count,
    }
    for words, is_other in differs.items():
        other = next((one for one in placed if is_other(one)), None)
        if other is not None:
            raise ImageError(f"{path}: {other.name} {words} {first.name}. Keep only the slices of one volume in the "
                             "folder (no localizer).")


def _check_even(placed: list[Placed], path: Path) -> None:
    """That the slices follow each other in equal steps, at right angles to themselves."""
    positions = np.array([one.position for one in placed])
    step = (positions[-1] - positions[0]) / (len(placed) - 1)
    distance = float(np.linalg.norm(step))
    off = np.linalg.norm(positions - positions[0] - np.arange(len(placed))[:, None] * step, axis=1)
    if distance == 0 or off.max() > EVENNESS * distance:
        _refuse_times(positions, path)
        gaps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
        worst = int(np.argmax(np.abs(gaps - np.median(gaps))))
        raise ImageError(f"{path}: the slices are not evenly spaced; from {placed[worst].name} to "
                         f"{placed[worst + 1].name} it is {gaps[worst]:.3f} mm where {np.median(gaps):.3f} mm is "
                         "usual. A slice is missing or duplicated: export the series again.")
    normal = np.cross(*placed[0].directions)
    if abs(float(step @ normal)) < (1 - 1e-4) * distance:
        raise ImageError(f"{path}: the slices are stacked at an angle (tilted gantry). Load the series in Slicer with "
                         "acquisition geometry regularization, save it as NRRD and add that file.")


def _refuse_times(positions: NDArray[np.float64], path: Path) -> None:
    """Raises ImageError when there are equally many slices, more than one, at each of several places."""
    at = Counter(tuple(row) for row in np.round(positions, 3).tolist())
    times = min(at.values())
    if len(at) > 1 and times > 1 and times == max(at.values()):
        raise ImageError(f"{path} holds {times} slices at each of {len(at)} places: several volumes in one series "
                         "(time steps, echoes, directions of diffusion). Load it in Slicer, save one volume of it as "
                         "NRRD and add that.")
