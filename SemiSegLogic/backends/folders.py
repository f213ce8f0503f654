"""The folder of a job by its id, and what is said of one that is gone."""

from __future__ import annotations

import os
import re
import threading
from dataclasses import replace
from pathlib import Path

from ..files import disk_is_full
from ..job import JobError, JobFolder, Status
from .base import JobId

LAST_WORDS = 300
MOST_KNOWN = 100
NOT_LOADED = ("ModuleNotFoundError:", "ImportError:", "No Python at")
"""Last words of a runner whose packages, or whose Python, have gone; the last are those of Windows' starter."""
REPAIR = ("Repair the computing environment (in Slicer under Set up; in a terminal: semiseg doctor), then resume the "
          "job.")
_JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


class Folders:
    """The jobs in ``root/<id>/``. A folder remembers its order and the last good status, so those asked for lately are
    kept; not all that ever were, for a server lives for months.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[JobId, JobFolder] = {}  # asked for last comes last
        self._lock = threading.Lock()

    def __getitem__(self, job_id: JobId) -> JobFolder:
        """The folder of a job. Raises JobError when the id is no plain name."""
        if not is_job_id(job_id):
            raise JobError(f"The job id {job_id!r:.120} is not a plain name.", "Use letters, digits, '.', '_' and '-'.")
        with self._lock:
            self._known[job_id] = found = self._known.pop(job_id, None) or JobFolder(self.root / job_id)
            if len(self._known) > MOST_KNOWN:
                del self._known[next(iter(self._known))]
            return found

    def id_of(self, job: JobFolder) -> JobId:
        """The id of a complete job. Raises JobError when it lies elsewhere or its order is not in order."""
        job_id = job.root.name
        if job.root.resolve() != self[job_id].root.resolve():
            raise JobError(f"The job {job.root} is not in {self.root}.", "Create it there: a job runs where it lies.")
        job.spec()
        return job_id


def is_job_id(name: object) -> bool:
    """Whether ``name`` may be a job's id."""
    return isinstance(name, str) and _JOB_ID.fullmatch(name) is not None


def gone(text: str, remedy: str) -> Status:
    """The status of a job of which nothing can be said."""
    return Status("lost", message=text, error={"text": text, "remedy": remedy})


def with_last_words(status: Status, job: JobFolder) -> Status:
    """A lost job with the last line of its log, which mostly says why; on a full disk there is none."""
    if status.state != "lost" or status.error is None or not job.log.exists():
        return status
    if disk_is_full(job.root):
        text = f"{status.error['text']} The disk of {job.root} is full: free some space first."
        return replace(status, error={**status.error, "text": text})
    with job.log.open("rb") as log:
        log.seek(max(log.seek(0, os.SEEK_END) - 4096, 0))
        lines = log.read().decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")[-LAST_WORDS:]
    if not last:
        return status
    remedy = REPAIR if last.startswith(NOT_LOADED) else status.error["remedy"]
    return replace(status, error={"text": f"{status.error['text']} Its last line: {last}", "remedy": remedy})
