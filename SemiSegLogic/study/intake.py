"""Taking an image into a study: read, checked, named, and put in place as a whole case or not at all."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..files import digest_array, disk_errors
from ..geometry import Grid
from ..naming import folded
from ..patience import rename
from .errors import DuplicateError, ImageError, StudyError
from .formats import read_image, write_image
from .formats.dicom import is_dicom, series_uid
from .formats.nrrd import is_segmentation
from .formats.volumes import one_value, read_series
from .history import slug
from .record import RECORD, CaseRecord, new_record
from .structures import check_name
from .twins import save_record

IMAGE = "image.nrrd"
SUFFIXES = (".seg.nrrd", ".nii.gz")
LONGEST = 90
REMOVED = "removed"
"""The folder of removed cases, beside that of the cases. Their ids are not given again: a run that knew one would take
the new image for the old one, and so would a person who moves the old one back.
"""
ENDINGS = (".seg", "-drawn")
"""Of what an export of another case may be called."""


def take_in(path: Path, cases: Path, known: Sequence[CaseRecord], copy: bool = True, name: str | None = None,
            duplicates: bool = False, files: Sequence[Path] = ()) -> str:
    """Make a case of the image at ``path`` in the folder ``cases``; returns its id. ``files``: those of a DICOM series,
    when they do not simply lie beside ``path``. Raises as ``Study.add_case``.
    """
    names = [case.name for case in known]
    chosen = default_name(path, names) if name is None else name
    check_name(chosen, "Case name")
    if folded(chosen) in {folded(other) for other in names}:
        raise StudyError(f"A case named '{chosen}' is already in the study. Give {path.name} another name.")
    if is_segmentation(path):
        raise ImageError(f"{path} is a segmentation, not an image. Add the image that it belongs to, then import this "
                         "file as its mask, with Label, Import mask.", "(In a terminal: semiseg study label)")
    array, grid = read_series(files) if files else read_image(path)
    _require_place(path, grid)
    place = IMAGE if copy else str(path.resolve())
    return _put(Incoming(str(path), array, grid, place, series_uid(path)), chosen, cases, known, duplicates)


def take_volume(array: NDArray[np.generic], grid: Grid, name: str, cases: Path, known: Sequence[CaseRecord],
                series: str = "") -> str:
    """The same of a volume that lies in no file: ``array`` (k, j, i), or (k, j, i, values per voxel), in its program
    called ``name``, and loaded there from the DICOM ``series``.
    """
    what = f"The volume '{name}'"
    grey, flaw = one_value(array.reshape(*grid.shape, -1), what), grid.flaw()
    if flaw:
        raise ImageError(f"{what} has {flaw}, which is not plausible for a scan in millimetres. Set its spacing and "
                         "origin in Slicer (module Volumes), and add it again.")
    chosen = usable_name(name, [case.name for case in known])
    return _put(Incoming(what, grey, grid, series=series), chosen, cases, known)


@dataclass(frozen=True)
class Incoming:
    """What is to become a case: ``what`` people call it, voxels (k, j, i), and what the record is to say of its place
    and its DICOM ``series``.
    """

    what: str
    array: NDArray[np.generic]
    grid: Grid
    place: str = IMAGE
    series: str = ""


def _put(image: Incoming, name: str, cases: Path, known: Sequence[CaseRecord], duplicates: bool = False) -> str:
    digest = digest_array(image.array)
    if not duplicates:
        _refuse_duplicate(image.what, digest, known)
    draft = cases / f".new-{secrets.token_hex(4)}"
    try:
        with disk_errors(cases):
            draft.mkdir()
            if image.place == IMAGE:
                write_image(draft / IMAGE, image.array, image.grid)
            save_record(draft / RECORD, new_record(name, image.grid, image.place, digest, image.series))
            return rename(draft, _free(cases, _id_for(name), cases.parent / REMOVED)).name
    finally:
        shutil.rmtree(draft, ignore_errors=True)  # there is still one only when something went wrong


def default_name(path: Path, taken: Iterable[str]) -> str:
    """The file's name without suffixes; ``case-<n>`` for DICOM, whose names and folders tell of patients."""
    if is_dicom(path):
        return _numbered("case", "case-1", taken)
    return usable_name(_without_suffix(path.name), taken)


def usable_name(text: str, taken: Iterable[str]) -> str:
    """``text`` as :func:`check_name` wants a name, with a number where it is ``taken``."""
    name = _usable(text)
    return _numbered(name, name, taken)


def _numbered(stem: str, first: str, taken: Iterable[str]) -> str:
    used = {folded(name) for name in taken}
    number, candidate = 1, first
    while folded(candidate) in used:
        number += 1
        candidate = f"{stem}-{number}"
    return candidate


def _usable(stem: str) -> str:
    """``stem`` as :func:`check_name` wants a name, with room for a number behind it."""
    return "".join(letter if letter.isprintable() else "-" for letter in stem)[:LONGEST].strip() or "case"


def _without_suffix(name: str) -> str:
    for suffix in SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)].strip()
    return Path(name).stem.strip()


def _require_place(path: Path, grid: Grid) -> None:
    """Raises ImageError on a grid that no job takes: better now than when slices are drawn on it."""
    flaw = grid.flaw()
    if flaw:
        raise ImageError(f"The header of {path} says that it has {flaw}, which is not plausible: the header is "
                         "damaged, or not in millimetres. Correct it in the program that made it, or load it in "
                         "Slicer, set spacing and origin (module Volumes) and save it as NRRD.")


def _refuse_duplicate(what: str, digest: str, known: Sequence[CaseRecord]) -> None:
    for case in known:
        if case.digest == digest:
            raise DuplicateError(f"{what} holds the same voxels as case '{case.name}'. Use that case, or allow "
                                 "duplicates if you want both.")


def move_out(folder: Path, removed: Path) -> Path:
    """Move a case's folder among the removed ones; nothing is deleted. Raises FileError where the disk refuses."""
    with disk_errors(removed):
        removed.mkdir(exist_ok=True)
        return rename(folder, _free(removed, folder.name))


def _id_for(name: str) -> str:
    """The id that a case of this name gets if it is free. Exports are called by it, and no two of them alike: "a" is
    exported as a.seg.nrrd, and so would be "a.seg" as a label map.
    """
    wanted = slug(name)
    return f"{wanted}-1" if wanted.casefold().endswith(ENDINGS) else wanted


def _free(folder: Path, wanted: str, elsewhere: Path | None = None) -> Path:
    """A path in ``folder`` that nothing has, nor has its name ``elsewhere``: ``wanted``, or with a number. Names that
    differ in case only are one: the study may be taken to a Mac or a Windows.
    """
    folders = [folder] if elsewhere is None or not elsewhere.is_dir() else [folder, elsewhere]
    taken = {there.name.casefold() for one in folders for there in one.iterdir()}
    number, name = 1, wanted
    while name.casefold() in taken:
        number += 1
        name = f"{wanted}-{number}"
    return folder / name
