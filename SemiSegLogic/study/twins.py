"""``study.json`` and ``case.json``: versioned records, each with a twin that survives when it is damaged."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from ..files import FileError, read_json, write_json
from .errors import DamagedError, FormatError

FORMAT = 1
Check: TypeAlias = Callable[[dict[str, Any]], None]
"""Raises ValueError, in words, when a record lacks something or holds what cannot be."""


class Remembered:
    """A record that is read again only when its file is another one than last time: hundreds of cases are asked for
    their name and status all the time. Every writer here replaces the file, so size, time or identity change.
    """

    def __init__(self, path: Path, read: Callable[[Path], dict[str, Any]]) -> None:
        self._path, self._read = path, read
        self._stamp: tuple[int, int, int] | None = None
        self._content: dict[str, Any] = {}

    def get(self) -> dict[str, Any]:
        """The content; not to be changed. Raises what reading raises."""
        stamp = self._look()
        if stamp is None or stamp != self._stamp:
            self._content, self._stamp = self._read(self._path), stamp
        return self._content

    def forget(self) -> None:
        """Read it again the next time."""
        self._stamp = None

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None  # reading says why
        return found.st_mtime_ns, found.st_size, found.st_ino


def save_record(path: Path, content: dict[str, Any]) -> None:
    """Write the twin, then the record, each atomically. Raises FileError where the disk refuses."""
    stamped = {**content, "format": FORMAT}
    write_json(backup_of(path), stamped)
    write_json(path, stamped)  # last: as long as this has not happened, nothing has changed


def load_record(path: Path, check: Check) -> dict[str, Any]:
    """The record at ``path``. Raises DamagedError when its twin can take its place, FormatError when that is damaged
    too or the record is newer than this program.
    """
    try:
        record = _read(path, check)
    except FileError as error:
        twin = backup_of(path).name
        if _twin_is_whole(path, check):
            raise DamagedError(f"{error} A good copy is beside it ({twin}). Repair the study to use the copy.",
                               "(In a terminal: semiseg study repair, and the study's folder)") from error
        raise FormatError(f"{error} Its copy {twin} cannot be used either: restore the study from a backup.") from error
    if record["format"] > FORMAT:
        raise FormatError(f"{path} was written by a newer version (format {record['format']}; this version reads up to "
                          f"{FORMAT}). Update SemiSeg; nothing was changed.")
    return record


def recover_record(path: Path, check: Check) -> bool:
    """Put the twin in the place of a missing or damaged record; False when there was nothing to mend.

    Raises FileError when the twin is damaged too.
    """
    try:
        _read(path, check)
        return False
    except FileError:
        write_json(path, _read(backup_of(path), check))
        return True


def backup_of(path: Path) -> Path:
    """Where a record's twin lies."""
    return path.with_name(f"{path.stem}.backup{path.suffix}")


def _read(path: Path, check: Check) -> dict[str, Any]:
    """Raises FileError when it is missing or damaged; a record of a newer version is not looked at further."""
    try:
        record = read_json(path)
    except FileError as error:
        if isinstance(error.__cause__, ValueError):
            raise FileError(f"{path} is damaged: it was cut short or overwritten.") from error
        raise
    if not isinstance(record, dict) or not isinstance(record.get("format"), int):
        raise FileError(f"{path} is damaged: it has no format number.")
    if record["format"] <= FORMAT:
        try:
            check(record)
        except ValueError as error:
            raise FileError(f"{path} is damaged: {error}.") from error
    return record


def _twin_is_whole(path: Path, check: Check) -> bool:
    try:
        _read(backup_of(path), check)
    except FileError:
        return False
    return True
