"""The job folder: what is to be done, how it stands, what came out. numpy and the standard library only."""

from __future__ import annotations

from .cleaning import clean, is_collected, is_whole, note_collected
from .errors import JobError
from .folder import JobFolder
from .labels import AddedLabels
from .locks import FileLock
from .outputs import Result
from .specification import JobCase, JobSpec, JobStructure
from .status import ENDED, LOST_AFTER_S, STATES, Status, judged, stuck

__all__ = [
    "ENDED", "LOST_AFTER_S", "STATES", "AddedLabels", "FileLock", "JobCase", "JobError", "JobFolder", "JobSpec",
    "JobStructure", "Result", "Status", "clean", "is_collected", "is_whole", "judged", "note_collected", "stuck",
]
