"""Where jobs run: on this computer; for those who import them, on a server or a Ray cluster.

Light: no torch, and no network here.
"""

from __future__ import annotations

from .base import Backend, JobId
from .local.backend import LocalBackend
from .local.queue import AlreadyRunning, NoTurn, StoppedInQueue, turn

__all__ = ["AlreadyRunning", "Backend", "JobId", "LocalBackend", "NoTurn", "StoppedInQueue", "turn"]
