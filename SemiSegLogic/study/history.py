"""Every version of a case's labels. Versions are added, never changed or removed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..files import copy_file, digest_array, disk_errors, plain_data
from ..geometry import Grid
from ..naming import counted
from .annotations import AnnotatedSlice
from .errors import LabelError
from .formats import Mask, read_mask, write_seg_nrrd
from .formats.names import itk_name
from .structures import Structure

SUFFIX = ".seg.nrrd"
NOTE, SLICES, VERSION = "SemiSeg_Note", "SemiSeg_AnnotatedSlices", "SemiSeg_Version"
VOXELS = "SemiSeg_Voxels"
"""Digest of the label. ITK reads a file in which a bit has flipped without a word, and other programs keep our header
when they change the voxels. Files of earlier versions have none.
"""
DEVICES = frozenset({"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))})
"""Names that Windows keeps for itself."""
STAMP, STAMPED = "%Y%m%dT%H%M%S.%fZ", re.compile(r"\d{8}T\d{6}\.\d{6}Z-")


@dataclass(frozen=True)
class Version:
    """One saved state of the labels. ``name`` begins with its time in UTC; ``note`` says what was done."""

    name: str
    path: Path
    author: str
    note: str
    slices: tuple[AnnotatedSlice, ...]

    def __str__(self) -> str:
        return f"'{self.name}' ({counted(len(self.slices), 'slice')}, {self.note} by {self.author})"


class History:
    """The versions in the folder ``history`` of a case."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, label: NDArray[np.uint8], grid: Grid, structures: Iterable[Structure],
            slices: Sequence[AnnotatedSlice], author: str, note: str) -> Version:
        """Write ``label`` (k, j, i) as a version newer than all others. Raises FileError where the disk refuses."""
        with disk_errors(self.folder):
            self.folder.mkdir(exist_ok=True)
        name = f"{next_stamp(path.name for path in self.folder.glob(f'*{SUFFIX}'))}-{slug(author)}"
        version = Version(name, self.folder / (name + SUFFIX), author, note, tuple(slices))
        listed = json.dumps([item.to_dict() for item in slices], ensure_ascii=False)
        write_seg_nrrd(version.path, label, grid, structures,
                       {VERSION: name, SLICES: listed, NOTE: note, "SemiSeg_Author": author,
                        VOXELS: digest_array(label)})
        return version

    def versions(self, most: int | None = None) -> list[Version]:
        """The versions whose header can be read, newest first; only the newest ``most`` where that is given: after a
        year there are thousands.
        """
        return list(islice(self._newest_first(), most))

    def _newest_first(self) -> Iterator[Version]:
        found = (self._described(path) for path in sorted(self.folder.glob(f"[!.]*{SUFFIX}"), reverse=True))
        return (version for version in found if version)

    def version(self, name: str) -> Version:
        """One version by name. Raises LabelError when there is none of this name, or it is damaged."""
        there = {path.name: path for path in self.folder.glob(f"[!.]*{SUFFIX}")}
        path = there.get(name + SUFFIX)
        if path is None:
            offer = self.offer() if there else "Nothing was drawn on this case before."
            raise LabelError(f"{self.folder} holds no version '{name}'. {offer}")
        version = self._described(path)
        if version is None:
            raise LabelError(f"{path} is damaged. {self.offer()}")
        return version

    def read(self, version: Version, grid: Grid) -> NDArray[np.uint8]:
        """The labels of a version (k, j, i). Raises LabelError when it is damaged."""
        return read_saved(version.path).on(grid)

    def newest_good(self) -> Version | None:
        """The newest version whose voxels can be read too."""
        return next((version for version in self._newest_first() if _readable(version)), None)

    def offer(self) -> str:
        """A sentence that names the newest good version."""
        best = self.newest_good()
        if best is None:
            return "No other version is there: restore the study from a backup."
        return f"The newest good version is {best}: restore it."

    def copy_to(self, version: Version, path: Path) -> None:
        """Put a version's file in the place of ``path``, atomically."""
        copy_file(version.path, path)

    def _described(self, path: Path) -> Version | None:
        """A version from its header; None when that cannot be read."""
        entries = header_entries(path)
        try:
            slices = tuple(AnnotatedSlice(**item) for item in plain_data(entries[SLICES]))
            return Version(path.name.removesuffix(SUFFIX), path, entries["SemiSeg_Author"], entries[NOTE], slices)
        except (KeyError, TypeError, ValueError, LabelError):
            return None


def read_saved(path: Path) -> Mask:
    """Labels as they were saved. Raises LabelError when they cannot be read, or are not what was saved."""
    mask = read_mask(path)
    if header_entries(path).get(VOXELS, "") not in ("", digest_array(mask.array)):
        raise LabelError(f"{path} holds other voxels than were saved: the disk damaged it, or another program changed "
                         "it.")
    return mask


def header_entries(path: Path) -> dict[str, str]:
    """The header entries of a volume without its voxels; empty when it cannot be read."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(itk_name(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return {}
    return {key: reader.GetMetaData(key) for key in reader.GetMetaDataKeys()}


def next_stamp(names: Iterable[str]) -> str:
    """This moment in UTC as names begin with it that are sorted by time; never before the newest of ``names``, whatever
    this computer's clock says.
    """
    stamped = sorted(name for name in names if STAMPED.match(name))
    now = datetime.now(UTC)
    if stamped:
        newest = datetime.strptime(stamped[-1].split("-")[0], STAMP).replace(tzinfo=UTC)
        now = max(now, newest + timedelta(microseconds=1))
    return now.strftime(STAMP)


def slug(text: str) -> str:
    """``text`` as part of a file name on every system."""
    name = re.sub(r"[^A-Za-z0-9._]+", "-", text)[:60].strip("-.") or "x"
    return f"x-{name}" if name.split(".")[0].upper() in DEVICES else name


def _readable(version: Version) -> bool:
    try:
        read_saved(version.path)
        return True
    except LabelError:
        return False
