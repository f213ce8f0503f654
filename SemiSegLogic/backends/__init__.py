"""Where jobs run: this computer, or a cluster (ray_jobs.py, for those who import it). Light: no torch, no network."""

from __future__ import annotations

from .base import Backend, JobId
from .local import LocalBackend
from .queue import AlreadyRunning, NoTurn, StoppedInQueue, turn

__all__ = ["AlreadyRunning", "Backend", "JobId", "LocalBackend", "NoTurn", "StoppedInQueue", "turn"]
