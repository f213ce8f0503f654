"""A DICOM SEG file with pydicom, which Slicer brings along: read again and compared voxel for voxel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.geometry import Grid

from ..ports import Segmented, Shown
from ..words import _

OFF = 0.05
"""Voxels. Headers are rounded to a few digits."""


def verify(path: Path, result: Segmented) -> dict[str, int]:
    """Voxels by structure name, when the file holds exactly the labels of ``result``.

    Raises ValueError in words when it does not, or cannot be read.
    """
    import pydicom

    label = result.labels
    try:
        data = pydicom.dcmread(path)
        values = _values(data, result.structures)
        found = np.zeros(label.shape, np.uint8)
        for number, (k, j, i), plane in _frames(data, result.grid):
            part = found[k, j : j + plane.shape[0], i : i + plane.shape[1]]
            part[plane != 0] = values[number]
    except (pydicom.errors.InvalidDicomError, AttributeError, KeyError, IndexError, OSError) as error:
        raise ValueError(_("{file} cannot be read again: {error}").format(file=path.name, error=error)) from error
    wrong = int(np.count_nonzero(found != label))
    if wrong:
        text = _(
            "{file} was written, but contains something else when it is read again (voxels that differ: {n}). Do not "
            "use it; export it again."
        )
        raise ValueError(text.format(file=path.name, n=wrong))
    return {item.name: int(np.count_nonzero(label == item.value)) for item in result.structures}


def _values(data: Any, structures: Sequence[Shown]) -> dict[int, int]:
    """Label value of each segment number, by name. Raises KeyError naming a segment that is none of ours."""
    names = {item.name: item.value for item in structures}
    return {int(item.SegmentNumber): names[str(item.SegmentLabel)] for item in data.SegmentSequence}


def _frames(data: Any, grid: Grid) -> Iterator[tuple[int, tuple[int, int, int], NDArray[np.uint8]]]:
    """Segment number, first voxel (k, j, i) and plane (rows, columns) of every frame. Raises ValueError when a frame
    lies between the voxels of ``grid``.
    """
    pixels = np.asarray(data.pixel_array).reshape(-1, data.Rows, data.Columns)
    directions = np.array(grid.direction).reshape(3, 3)
    to_voxels = np.linalg.inv(directions * np.array(grid.spacing[::-1]))
    shared = data.SharedFunctionalGroupsSequence[0]
    for plane, group in zip(pixels, data.PerFrameFunctionalGroupsSequence, strict=True):
        turned = getattr(group, "PlaneOrientationSequence", None) or shared.PlaneOrientationSequence
        along = np.array(turned[0].ImageOrientationPatient, float).reshape(2, 3)
        position = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        exact = to_voxels @ (position - np.array(grid.origin))
        i, j, k = np.rint(exact).astype(int)
        if np.abs(exact - (i, j, k)).max() > OFF or np.abs(along - directions[:, :2].T).max() > 1e-3:
            raise ValueError(_("The frames of the file do not match the slices of the image."))
        yield int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber), (k, j, i), plane
