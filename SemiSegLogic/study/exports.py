"""Results as files for other programs, each read back and compared before it counts as written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import SemiSegError
from ..files import digest_file, disk_errors
from ..geometry import Grid
from .case import Case
from .errors import StudyError
from .export_notes import ExportNote
from .formats import read_mask, write_labelmap, write_seg_nrrd
from .formats.volumes import read_voxels
from .formats.writing import tolerance_of
from .rows import CaseRow
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


@dataclass(frozen=True)
class Choice:
    """Which ``cases`` of a study an export writes; and those, written or not, that are ``unaccepted``: a model's
    suggestion is all there is of them, and nobody has accepted it.
    """

    cases: list[CaseRow]
    unaccepted: list[CaseRow]


def choose(rows: Iterable[CaseRow], suggestions: bool) -> Choice:
    """Of the ``rows`` of a study those that are finished; with ``suggestions`` all that have a result. Damaged ones
    come along: writing them says why they cannot be written.
    """
    every = [row for row in rows if row.finished or row.suggestion or row.problem]
    waiting = [row for row in every if row.suggestion and not row.finished]
    return Choice(every if suggestions else [row for row in every if row not in waiting], waiting)


def mend_record(case: Case) -> str:
    """What an export says of a case of which only the record of its suggestion is damaged: that was begun anew, and a
    copy kept; "" for every other case. Where that cannot be written the export goes on all the same.
    """
    try:
        kept = case.mend_provenance()
    except SemiSegError as error:
        return f"It is not known which model made the suggestion: its record is damaged, and stays as it is. {error}"
    if kept is None:
        return ""
    return ("It is not known which model made the suggestion: its record was damaged. A new record was started; a copy "
            f"of the damaged one is kept as {kept}.")


def export_case(case: Case, folder: Path, formats: Sequence[str] = ("seg.nrrd", "nrrd"),
                what: Content = "result") -> list[ExportedFile]:
    """Write a case's segmentation to ``folder/<case>.<format>`` for each format.

    ``what`` "result": the whole segmentation. "labels": what people drew, with IGNORE (255) where nobody judged;
    as label map only, since a segmentation file cannot say "not judged". Only files that an export of the same image
    left there, as it left them, are replaced. Raises StudyError on an unknown format, when there is no result yet, or
    where a file of somebody else is in the way; FileError where the disk refuses or a file reads back otherwise.
    """
    for name in formats:
        if name not in FORMATS or (what == "labels" and name == "seg.nrrd"):
            raise StudyError(f"{case.name} cannot be exported as '{name}' ({what}); choose among "
                             f"{', '.join(FORMATS)}; drawn labels only as nrrd or nii.gz.")
    array = case.result() if what == "result" else case.sparse_labels()
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    ending = "" if what == "result" else "-drawn"
    paths = {name: folder / f"{case.id}{ending}.{name}" for name in formats}
    for path in paths.values():
        ExportNote.of(path).require_replaceable(case.digest)
    return [_export(path, name, array, case) for name, path in paths.items()]


def _export(path: Path, name: str, array: NDArray[np.uint8], case: Case) -> ExportedFile:
    def check(written: Path) -> None:
        again, there = _read_again(written, name, case.structures)
        if not np.array_equal(again, array) or not there.agrees(case.grid, tolerance_of(path)):
            raise StudyError(f"{path} was not written: it contained something else when it was read again. Nothing was "
                             "replaced. Export again; if this happens again, export to another disk.")
        ExportNote.of(path).put(case.digest, digest_file(written))

    write = write_seg_nrrd if name == "seg.nrrd" else write_labelmap
    write(path, array, case.grid, case.structures, check=check)
    voxels = {item.name: int(np.count_nonzero(array == item.value)) for item in case.structures}
    return ExportedFile(path, name, voxels, verified=True)


def _read_again(path: Path, name: str, structures: Structures) -> tuple[NDArray[np.generic], Grid]:
    """A segmentation by the names in it; a label map as it is, for 255 in it may mean that nobody judged."""
    if name == "seg.nrrd":
        mask = read_mask(path, structures.names)
        return mask.array, mask.grid
    return read_voxels(path)
