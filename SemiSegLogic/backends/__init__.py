"""Where jobs run: this computer today. Light: no torch, no network."""

from __future__ import annotations

from .base import Backend, JobId
from .local import LocalBackend
from .queue import AlreadyRunning, NoTurn, StoppedInQueue, turn

__all__ = ["AlreadyRunning", "Backend", "JobId", "LocalBackend", "NoTurn", "StoppedInQueue", "turn"]
