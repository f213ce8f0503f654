"""The study: a folder with structures, cases, models and exports. Everything a person made is in it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import SemiSegError
from ..files import disk_errors
from ..geometry import Grid
from ..naming import same_signs
from .annotations import utc_now
from .case import Case
from .checking import check_case, check_study
from .errors import FormatError, StudyError
from .formats.masks import values_in
from .history import next_stamp, slug
from .intake import REMOVED, move_out, take_in, take_volume
from .lock import WriteLock
from .record import RECORD
from .repair import repair, tidy
from .rows import CaseRow, row_of
from .structures import Color, Structure, Structures, check_name
from .twins import backup_of, load_record, save_record

STUDY, PARTS = "study.json", ("cases", "models", "exports")


class Study:
    """The study in ``folder``. Make one with :meth:`create` or :meth:`open`.

    Methods that write raise LockedError when somebody else writes, FileError where the disk refuses; nothing has
    changed then.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = WriteLock(folder / "lock.json")
        self._changing = threading.Lock()  # of the structures: threads of one program share the lock of the study
        self._opened: dict[str, Case] = {}  # one object per case, so that one program's parts share its lock

    def __repr__(self) -> str:
        return f"Study({str(self.folder)!r})"

    @classmethod
    def create(cls, folder: Path, name: str | None = None, structures: Iterable[Structure | str] = ()) -> Self:
        """A new study in a new or empty folder. Structures given by name get the values 1, 2, ...

        Raises StudyError when the folder is in use.
        """
        chosen, listed = name or folder.name, Structures.of(structures)
        check_name(chosen, "Study name")
        with disk_errors(folder):
            _require_free(folder)
        try:
            with disk_errors(folder):
                for part in PARTS:
                    (folder / part).mkdir(parents=True, exist_ok=True)
            save_record(folder / STUDY, {"name": chosen, "created": utc_now(), **listed.to_dict()})
        except SemiSegError:
            _clear_attempt(folder)
            raise
        return cls(folder)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The study in ``folder``. Raises FormatError when it is none, is damaged or a newer version wrote it."""
        _require_study(folder)
        study = cls(folder)
        study._record()
        return study

    @classmethod
    def repair(cls, folder: Path) -> list[str]:
        """Replace damaged records by their twins, begin those of suggestions, which have none, anew, and remove
        temporary files older than a day; returns what was done, in words. Raises FormatError when there is no study,
        FileError when a twin is damaged too.
        """
        _require_study(folder)
        cases = {path / RECORD: check_case for path in _case_folders(folder)}
        done = repair(folder, {folder / STUDY: check_study, **cases})
        aside = [kept for case in cls(folder).cases if (kept := case.mend_provenance())]
        return done + [f"{kept.parent / 'provenance.json'} was damaged; a new record was started (a copy of the "
                       f"damaged one is {kept.name}). It is no longer known which model made the "
                       "suggestion." for kept in aside]

    def tidy(self) -> list[Path]:
        """Remove temporary files older than a day, which programs that were killed left behind; returns what went."""
        return tidy(self.folder)

    @property
    def name(self) -> str:
        """The name that people see."""
        return str(self._record()["name"])

    # --- structures -------------------------------------------------------------------------------------------

    @property
    def structures(self) -> Structures:
        """The structures with their values, as they are on the disk now."""
        return Structures.from_dict(self._record())

    def add_structure(self, name: str, color: Color | None = None, terminology: str = "") -> Structure:
        """A new structure with a value never used before."""
        with self._changing, self.lock.hold():
            changed = self.structures.add(name, color, terminology)
            self._save_structures(changed)
        return changed.items[-1]

    def change_structure(self, value: int, *, name: str | None = None, color: Color | None = None,
                         terminology: str | None = None) -> None:
        """Another name, colour or terminology; the value, and so everything drawn, stays."""
        with self._changing, self.lock.hold():
            self._save_structures(self.structures.change(value, name=name, color=color, terminology=terminology))

    def remove_structure(self, value: int) -> None:
        """Without this structure; its value is never given again. Raises StudyError when it is drawn somewhere."""
        with self._changing, self.lock.hold():
            gone = self.structures.of_value(value)
            users = [case.name for case in self.cases if value in values_in(case.labels(), case.folder)]
            if users:
                raise StudyError(f"'{gone.name}' is drawn in {', '.join(users)}. Erase it or give it to another "
                                 "structure there first.")
            self._save_structures(self.structures.remove(value))

    # --- cases ------------------------------------------------------------------------------------------------

    @property
    def cases(self) -> list[Case]:
        """All cases, by id."""
        return [self._case(path) for path in _case_folders(self.folder)]

    def case(self, key: str) -> Case:
        """The case with this id or name. Raises StudyError when there is none."""
        for case in self.cases:
            if case.id == key:
                return case
        for case in self.cases:
            if _is_called(case, key):
                return case
        raise StudyError(f"{self.folder} has no case '{key}'. It has: {', '.join(c.id for c in self.cases) or 'none'}.")

    def called(self, key: str) -> Case:
        """The case that a person calls ``key``, by name or id. Raises StudyError when there is none, or when it is the
        name of one and the id of another: a file "scan-1" that came after "scan 1".
        """
        meant = [case for case in self.cases if case.id == key or _is_called(case, key)]
        if len(meant) > 1:
            told = "; ".join(f"'{_name_of(case)}' has the id {case.id}" for case in meant)
            raise StudyError(f"'{key}' fits several cases ({len(meant)}): {told}. Use a name or id that only one of "
                             "them has.")
        return meant[0] if meant else self.case(key)

    def add_case(self, path: Path, copy: bool = True, name: str | None = None, duplicates: bool = False) -> Case:
        """Take an image file or DICOM folder in: as a copy, or by reference to where it lies.

        ``name`` is by default that of the file, for DICOM ``case-<n>``. Raises ImageError when the image is unusable,
        DuplicateError naming the case with the same voxels unless ``duplicates``, StudyError when the name is taken.
        """
        with self.lock.hold():
            return self._case(self._cases / take_in(path, self._cases, list(self.cases), copy, name, duplicates))

    def add_series(self, files: Sequence[Path]) -> Case:
        """Take a copy of one DICOM series in, given by its files wherever they lie. Raises as :meth:`add_case`."""
        with self.lock.hold():
            return self._case(self._cases / take_in(files[0], self._cases, list(self.cases), files=files))

    def add_volume(self, array: NDArray[np.generic], grid: Grid, name: str, series: str = "") -> Case:
        """Take a volume in that another program holds under this ``name``: ``array`` (k, j, i), or (k, j, i, values per
        voxel). The case is called like it as far as a case can be, with a number where there is one already. ``series``
        is the UID of the DICOM series that it was loaded from. Raises ImageError, DuplicateError as :meth:`add_case`.
        """
        with self.lock.hold():
            made = take_volume(array, grid, name, self._cases, list(self.cases), series)
            return self._case(self._cases / made)

    def remove_case(self, key: str) -> Path:
        """Move a case to the folder ``removed``, where it stays; returns where. Moving it back brings it back."""
        case = self.case(key)
        with self.lock.hold():
            case.lock.acquire()  # nobody may be writing it
            case.lock.release()
            self._opened.pop(case.id, None)
            return move_out(case.folder, self.folder / REMOVED)

    def status(self) -> list[CaseRow]:
        """One row per case; a damaged case is a row that says so."""
        return [row_of(case) for case in self.cases]

    # --- models and exports -----------------------------------------------------------------------------------

    @property
    def runs(self) -> list[Path]:
        """The folders of all runs, oldest first."""
        models = self.folder / "models"
        return sorted(path for path in models.iterdir() if path.is_dir()) if models.is_dir() else []

    def new_run(self, label: str) -> Path:
        """An empty folder ``models/<utc>-<label>`` for a run."""
        while True:
            path = self.folder / "models" / f"{next_stamp(run.name for run in self.runs)}-{slug(label)}"
            with disk_errors(path), contextlib.suppress(FileExistsError):  # another window has just begun one
                path.mkdir(parents=True)
                return path

    @property
    def exports(self) -> Path:
        """Where exports go unless told otherwise."""
        return self.folder / "exports"

    @property
    def _cases(self) -> Path:
        return self.folder / "cases"

    def _case(self, folder: Path) -> Case:
        known = self._opened.get(folder.name)  # hundreds are asked for again and again
        return known or self._opened.setdefault(folder.name, Case(folder, lambda: self.structures))

    def _record(self) -> dict[str, Any]:
        return load_record(self.folder / STUDY, check_study)

    def _save_structures(self, structures: Structures) -> None:
        save_record(self.folder / STUDY, {**self._record(), **structures.to_dict()})


def _name_of(case: Case) -> str:
    """What people call it; "" where its record is damaged, which hides no other case."""
    try:
        return case.name
    except SemiSegError:
        return ""


def _is_called(case: Case, name: str) -> bool:
    return same_signs(_name_of(case)) == same_signs(name)


def _require_free(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        what = "is a study already: open it" if (folder / STUDY).exists() else "is not an empty folder"
        raise StudyError(f"{folder} {what}. Choose a new folder for a new study.")


def _require_study(folder: Path) -> None:
    try:
        found = (folder / STUDY).exists() or backup_of(folder / STUDY).exists()
    except OSError as error:
        raise FormatError(f"{folder} cannot be opened: {error.strerror}. Check the path, and that you may read "
                          "it.") from error
    if not found:
        raise FormatError(f"{folder} is not a study: it has no {STUDY}. {_hint(folder)}")


def _case_folders(study: Path) -> list[Path]:
    cases = study / "cases"
    if not cases.is_dir():
        return []
    with os.scandir(cases) as found:  # tells folders without asking the disk for each
        return sorted(cases / one.name for one in found if one.is_dir() and not one.name.startswith("."))


def _clear_attempt(folder: Path) -> None:
    """Take away what a failed creation made in the empty folder, so that it can be tried again."""
    with contextlib.suppress(OSError):
        backup_of(folder / STUDY).unlink(missing_ok=True)
        for part in PARTS:
            (folder / part).rmdir()


def _hint(folder: Path) -> str:
    if not folder.exists():
        return "It does not exist; check the path."
    above = next((parent for parent in folder.parents if (parent / STUDY).exists()), None)
    return f"Open {above}, which is one." if above else "Choose the folder of a study, or create a new study."
