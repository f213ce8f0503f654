"""Results as files for other programs, each read back and compared before it counts as written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..files import disk_errors
from ..geometry import Grid
from .case import Case
from .errors import StudyError
from .formats import read_mask, write_labelmap, write_seg_nrrd
from .formats.volumes import read_voxels
from .formats.writing import tolerance_of
from .structures import Structures

FORMATS = ("seg.nrrd", "nrrd", "nii.gz")
Content = Literal["result", "labels"]


@dataclass(frozen=True)
class ExportedFile:
    """A file that was written, read again as another program would, and found equal. ``voxels`` by structure name."""

    path: Path
    format: str
    voxels: dict[str, int]
    verified: bool


def export_case(case: Case, folder: Path, formats: Sequence[str] = ("seg.nrrd", "nrrd"),
                what: Content = "result") -> list[ExportedFile]:
    """Write a case's segmentation to ``folder/<case>.<format>`` for each format.

    ``what`` "result": the whole segmentation. "labels": what people drew, with IGNORE (255) where nobody judged;
    as label map only, since a segmentation file cannot say "not judged". Raises StudyError on an unknown format or
    when there is no result yet, FileError where the disk refuses or a file reads back otherwise.
    """
    for name in formats:
        if name not in FORMATS or (what == "labels" and name == "seg.nrrd"):
            raise StudyError(f"{case.name} cannot be exported as '{name}' ({what}); choose among "
                             f"{', '.join(FORMATS)}; drawn labels only as nrrd or nii.gz.")
    array = case.result() if what == "result" else case.sparse_labels()
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    ending = "" if what == "result" else "-drawn"
    return [_export(folder / f"{case.id}{ending}.{name}", name, array, case.grid, case.structures)
            for name in formats]


def _export(path: Path, name: str, array: NDArray[np.uint8], grid: Grid, structures: Structures) -> ExportedFile:
    if name == "seg.nrrd":
        write_seg_nrrd(path, array, grid, structures)
    else:
        write_labelmap(path, array, grid, structures)
    written, there = _read_again(path, name, structures)
    if not np.array_equal(written, array) or not there.agrees(grid, tolerance_of(path)):
        path.unlink(missing_ok=True)
        raise StudyError(f"{path} read back otherwise than it was written and was removed. Export again, to another "
                         "disk if that repeats.")
    voxels = {item.name: int(np.count_nonzero(array == item.value)) for item in structures}
    return ExportedFile(path, name, voxels, verified=True)


def _read_again(path: Path, name: str, structures: Structures) -> tuple[NDArray[np.generic], Grid]:
    """A segmentation by the names in it; a label map as it is, for 255 in it may mean that nobody judged."""
    if name == "seg.nrrd":
        mask = read_mask(path, structures.names)
        return mask.array, mask.grid
    return read_voxels(path)
