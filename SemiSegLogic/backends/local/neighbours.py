"""Which jobs of a computer work or wait: asked again and again by every one that does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

from ...job import JobError, JobFolder
from .launch import RECORDS, Workers
from .line import Turns, Waiting, owner

Marks: TypeAlias = list[tuple[int, int, int]]
"""One for each record of who works on a job; they are others when it is started again."""


class Neighbours:
    """The jobs in the root of ``job``, itself among them. After some months thousands of them are over: one whose
    processes have gone is read again only when another one was started on it.
    """

    def __init__(self, job: JobFolder) -> None:
        self._job = job.root
        self._over: dict[str, Marks] = {}

    def place(self) -> Waiting:
        """Where the job itself stands."""
        return _place(self._job)

    def line(self) -> list[Waiting]:
        """Those that work or wait, in the order of their turns."""
        root = self._job.parent
        waiting = [_place(root / name) for name in _names(root) if name == self._job.name or self._is_in_line(name)]
        return Turns.read(root).line(waiting)

    def ahead(self) -> int:
        """How many work, or go before the job."""
        return self._ahead([one.name for one in self.line()])

    def behind(self) -> int:
        """How many wait for the job to end: a live one makes room for them."""
        line = [one.name for one in self.line()]
        return max(len(line) - 1 - self._ahead(line), 0)

    def _ahead(self, line: list[str]) -> int:
        return line.index(self._job.name) if self._job.name in line else len(line)  # somebody deleted it

    def _is_in_line(self, name: str) -> bool:
        marks = _marks(os.path.join(self._job.parent, name))
        if marks and self._over.get(name) == marks:
            return False
        job = self._job.parent / name
        workers = Workers.of(job)
        if workers.alive is False and len(workers.known) == len(marks):  # else one could not be read just now
            self._over[name] = marks
        return workers.in_line and _is_job(job) and not _has_ended(JobFolder(job), workers)


def job_roots(root: Path) -> list[Path]:
    """The folders under ``root`` that hold a complete job, by name. Raises JobError when it cannot be read."""
    return [root / name for name in _names(root) if _is_job(root / name)]


def _names(root: Path) -> list[str]:
    try:
        return sorted(os.listdir(root))
    except FileNotFoundError:
        return []
    except OSError as error:
        remedy = "Choose a folder that you may read, or connect the disk that it lies on."
        raise JobError(f"The folder of jobs, {root}, cannot be read: {error.strerror or error}.", remedy) from error


def _is_job(folder: Path) -> bool:
    try:
        return JobFolder(folder).submitted
    except OSError:
        return False  # another person's, on a disk that is shared


def _marks(job: str) -> Marks:
    found = []
    for name in RECORDS:
        try:
            told = os.stat(os.path.join(job, name))
        except OSError:
            continue
        found.append((told.st_mtime_ns, told.st_size, told.st_ino))
    return found


def _place(job: Path) -> Waiting:
    return Waiting(Workers.of(job).order, job.name, owner(job) or "")


def _has_ended(job: JobFolder, workers: Workers) -> bool:
    """True when the runner has written its last word and is only going home."""
    try:
        status = job.reported()
    except JobError:
        return False
    return status.ended and workers.wrote(status)
