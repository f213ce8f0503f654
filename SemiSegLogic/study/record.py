"""What a case knows without its voxels: name, grid, judged slices, status; and its image, checked on every reading."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..files import digest_array
from ..geometry import Grid, SliceIndex
from .annotations import AnnotatedSlice, utc_now
from .checking import Status, check_case, grid_in, slices_in
from .errors import CaseImageError
from .formats import read_image
from .formats.volumes import is_there
from .lock import WriteLock, Writer
from .structures import Structures, check_name
from .suggestions import SuggestionFiles
from .twins import Remembered, load_record, save_record

RECORD, LOCK = "case.json", "lock.json"


class CaseRecord:
    """The record of the case in ``folder``; the disk is looked at whenever it is asked, so two programs see the same.

    Reading raises FormatError when the record is damaged.
    """

    def __init__(self, folder: Path, structures: Callable[[], Structures]) -> None:
        self.folder = folder
        self.id = folder.name
        self.lock = WriteLock(folder / LOCK)
        self._structures = structures
        self._suggestion = SuggestionFiles(folder)
        self._kept = Remembered(folder / RECORD, partial(load_record, check=check_case))

    def __repr__(self) -> str:
        return f"Case({str(self.folder)!r})"

    @property
    def name(self) -> str:
        """The name that people see."""
        return str(self._record()["name"])

    @property
    def grid(self) -> Grid:
        """The image's grid; the image is not read."""
        return grid_in(self._record())

    @property
    def annotated(self) -> list[AnnotatedSlice]:
        """The judged slices, by axis and index."""
        return slices_in(self._record())

    @property
    def places(self) -> list[SliceIndex]:
        """Where they lie."""
        return [item.place for item in self.annotated]

    @property
    def status(self) -> Status:
        """How far the work on this case is."""
        record = self._record()
        status = record["status"]
        if status in ("suggested", "corrected") and not self.has_suggestion:  # writing one was cut off
            return self._status_with(bool(record["slices"]))
        return cast(Status, status)

    @property
    def structures(self) -> Structures:
        """The study's structures."""
        return self._structures()

    @property
    def has_suggestion(self) -> bool:
        """Whether a model has proposed something."""
        return self._suggestion.exists

    @property
    def agreement(self) -> float | None:
        """Dice (0..1) of the suggestion and the slices that people judged since it came; None before there are any."""
        number = self._record().get("agreement")
        return float(number) if isinstance(number, int | float) and self.has_suggestion else None

    @property
    def writer(self) -> Writer | None:
        """Who writes this case now."""
        return self.lock.writer()

    def rename(self, name: str) -> None:
        """Another name for people to see; the folder and all references stay."""
        check_name(name, "Case name")
        with self.writing():
            self._save({**self._record(), "name": name})

    # --- the image --------------------------------------------------------------------------------------------

    @property
    def digest(self) -> str:
        """SHA-256 of the image's voxels, as :func:`files.digest_array` makes it."""
        return str(self._record()["image"]["digest"])

    @property
    def series(self) -> str:
        """The UID of the DICOM series that the image came from; "" for other files. It never leaves for a job."""
        return str(self._record()["image"].get("series", ""))

    @property
    def image_path(self) -> Path:
        """Where the image lies: in the study, or elsewhere when the case refers to it."""
        return self.folder / self._record()["image"]["path"]  # an absolute path stays what it is

    def image(self) -> NDArray[np.generic]:
        """The voxels (k, j, i), read and checked now. Raises ImageError when the file is gone, damaged or changed."""
        path = self.image_path
        if not is_there(path):
            raise CaseImageError(f"The image of case '{self.name}' is missing: {path}. Put it back; labels are safe.",
                                 "(Or say where it is now: semiseg study relocate)")
        array, grid = read_image(path)
        self._check_same(array, grid, path)
        return array

    def relocate(self, path: Path) -> None:
        """Refer to the same image at another place. Raises ImageError when it is not the same."""
        array, grid = read_image(path)
        self._check_same(array, grid, path)
        with self.writing():
            record = self._record()
            self._save({**record, "image": {**record["image"], "path": str(path.resolve())}})

    def _check_same(self, array: NDArray[np.generic], grid: Grid, path: Path) -> None:
        other = _difference(array, grid, self.grid) or (digest_array(array) != self.digest and "other grey values")
        if other:
            raise CaseImageError(f"{path} has changed since case '{self.name}' was made: {other}. Labels might no "
                                 "longer fit. Put the original back, or add this file as a new case.")

    # --- the record -------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock: for one change, or for as long as a person edits. Raises LockedError."""
        with self.lock.hold():
            yield

    def _record(self) -> dict[str, Any]:
        return self._kept.get()

    def _save(self, record: dict[str, Any]) -> None:
        save_record(self.folder / RECORD, record)
        self._kept.forget()

    def _status_with(self, slices: bool) -> Status:
        """The status of a case that nobody has accepted."""
        if not self.has_suggestion:
            return "slices drawn" if slices else "none"
        return "corrected" if slices else "suggested"


def _difference(array: NDArray[np.generic], grid: Grid, known: Grid) -> str:
    """How a grid differs from the one that a case was made with, in words; "" when it does not."""
    if array.shape != known.shape:
        now, then = (" x ".join(map(str, shape)) for shape in (array.shape, known.shape))
        return f"{now} voxels instead of {then}"
    return "" if grid.agrees(known) else "another voxel size, position or direction in space"


def new_record(name: str, grid: Grid, path: str, digest: str, series: str = "") -> dict[str, Any]:
    """The record of a case on which nobody has worked; ``series`` is the DICOM series it came from."""
    return {"name": name, "status": "none", "grid": asdict(grid),
            "image": {"path": path, "digest": digest, "series": series},
            "slices": [], "version": "", "added": utc_now()}
