"""What every place of computation can do, whether it is this computer or a server."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeAlias

from ..job import JobFolder, Status

JobId: TypeAlias = str


class Backend(Protocol):
    """Runs jobs. A job goes on when the client that submitted it is gone; any later client finds it by its id."""

    def submit(self, job: JobFolder) -> JobId:
        """Hand a complete job over and return its id. Idempotent: a job that is known already is left as it is."""

    def poll(self, job_id: JobId) -> Status:
        """How the job stands. Never raises for a dead process or a lost connection: the status says it."""

    def stop(self, job_id: JobId, *, wait: bool = True) -> Status:
        """Ask the job to save and stop, and see to it that it does. Returns when it has, or at once without ``wait``:
        the :meth:`poll` of any client sees to the rest.
        """

    def fetch(self, job_id: JobId, into: Path) -> None:
        """Copy what came out so far (results, curve, weights, card, log) to the folder ``into``."""
