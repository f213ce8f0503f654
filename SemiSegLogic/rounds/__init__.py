"""One round of learning: from the study to a job, and from the job back to the study.

The job knows neither names nor paths: its cases are c001, c002, ...; which study case is which is kept in the study, in
``models/<run>/cases.json``. Jobs of all studies lie in one folder per user, so that they queue for one computer.
"""

from __future__ import annotations

from .jobs import jobs_folder
from .ranking import NextSlice
from .round import Round
from .starting import is_known
from .telling import AddedLaterError

__all__ = ["AddedLaterError", "NextSlice", "Round", "is_known", "jobs_folder"]
