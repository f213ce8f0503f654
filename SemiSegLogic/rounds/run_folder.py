"""What a study keeps of a round: ``models/<run>``.

    cases.json       job case -> study case id; with it the run counts
    collected.json   job case -> number of the newest result that the study has
    model.pt, model.json, model.md, curves.jsonl   as the job left them
    taken.json       of each of these files, size and time of the one in the job
    deleted.json     there when a person deleted the model, or it went by itself
    passing.json     there while the model may go by itself (see passing.py)
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..files import FileError, copy_file, disk_errors, read_json, write_json
from ..job import JobFolder
from ..patience import remove

MODEL = ("model.pt", "model.json", "model.md")
"""Weights, card for programs, card for people."""
KEPT = (*MODEL, "curves.jsonl")
TAKEN = "taken.json"


class RunFolder:
    """The folder of one run. Making one reads nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def counts(self) -> bool:
        """Whether its job was handed over whole."""
        return self._cases.exists()

    @property
    def cases(self) -> dict[str, str]:
        """Job case -> study case id."""
        return _named(self._cases, str)

    def note_cases(self, names: Mapping[str, str]) -> None:
        """Say which case of the job is which of the study. Raises FileError."""
        write_json(self._cases, dict(names))

    @property
    def collected(self) -> dict[str, int]:
        """Job case -> number of the newest result that the study has."""
        return _named(self._collected, int) if self._collected.exists() else {}

    def note_collected(self, done: Mapping[str, int]) -> None:
        """Say which results the study has. Raises FileError."""
        write_json(self._collected, dict(done))

    @property
    def model(self) -> Path | None:
        """The weights, once they are there."""
        path = self.path / "model.pt"
        return path if path.exists() else None

    def card(self) -> dict[str, Any]:
        """The model card; empty until it is there."""
        path = self.path / "model.json"
        return _named(path, object) if path.exists() else {}

    def keep_model(self, job: JobFolder) -> None:
        """Take over what ``job`` has that is newer. A model that a person deleted may still lie in a job on a cluster:
        it stays away, until the run goes on and makes a newer one. Raises FileError.
        """
        before = self._taken()
        taken = dict(before)
        for name in KEPT:
            mark = _mark(job.root / name)  # before it is copied: what comes meanwhile is taken the next time
            if mark and self._lacks(name, mark, before.get(name)):
                copy_file(job.root / name, self.path / name)
                taken[name] = mark
        if taken != before:
            write_json(self.path / TAKEN, taken)

    @property
    def is_passing(self) -> bool:
        """Whether the model may go by itself."""
        return self._passing.exists()

    def note_passing(self) -> None:
        """Say that the model may go by itself, until somebody wants it. Raises FileError."""
        write_json(self._passing, {"begun": datetime.now(UTC).isoformat()})

    def keep(self) -> None:
        """Somebody wants the model."""
        try:
            remove(self._passing)
        except OSError as error:  # on a disk where nothing can be changed, nothing goes by itself either
            logging.warning("%s cannot be removed: %s", self._passing, error)

    def give_up(self) -> bool:
        """Nobody wants the model; False where somebody has just said otherwise, for of the two only one is first.
        Raises FileError.
        """
        try:
            with disk_errors(self._passing):
                os.replace(self._passing, self._deleted)
        except FileError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return False
            raise
        return True

    def note_deleted(self) -> None:
        """Say that the model was deleted. Raises FileError."""
        write_json(self._deleted, {"deleted": datetime.now(UTC).isoformat()})

    def _lacks(self, name: str, mark: list[int], taken: list[int] | None) -> bool:
        """Whether the file of that ``mark`` in the job is to be taken over, given the mark of the one that was."""
        target = self.path / name
        had = target if name not in MODEL or target.exists() else self._deleted
        if not had.exists():
            return True
        if taken is not None:
            return mark != taken  # whichever is newer: the job may lie on a disk whose clock differs
        return had.stat().st_mtime_ns < mark[1]

    def _taken(self) -> dict[str, list[int]]:
        """File -> mark of what was taken over; empty where that is not known."""
        with contextlib.suppress(FileError):
            found = read_json(self.path / TAKEN)
            return dict(found) if isinstance(found, dict) else {}
        return {}

    @property
    def _cases(self) -> Path:
        return self.path / "cases.json"

    @property
    def _deleted(self) -> Path:
        return self.path / "deleted.json"

    @property
    def _passing(self) -> Path:
        return self.path / "passing.json"

    @property
    def _collected(self) -> Path:
        return self.path / "collected.json"


def _named(path: Path, kind: type) -> dict[str, Any]:
    """The named values of a file. Raises FileError when it is missing or holds anything else."""
    found = read_json(path)
    if not isinstance(found, dict) or not all(isinstance(value, kind) for value in found.values()):
        raise FileError(f"{path} is damaged: it is no list of named values. Restore it from a backup, or train again.")
    return found


def _mark(path: Path) -> list[int]:
    """Size and time of a file; empty when there is none."""
    with contextlib.suppress(OSError):
        found = path.stat()
        return [found.st_size, found.st_mtime_ns]
    return []
