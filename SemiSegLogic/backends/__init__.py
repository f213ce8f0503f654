"""Where jobs run: this computer; for those who import them, a server (server.py) or a Ray cluster (ray_jobs.py).

Light: no torch, and no network here.
"""

from __future__ import annotations

from .base import Backend, JobId
from .local import LocalBackend
from .queue import AlreadyRunning, NoTurn, StoppedInQueue, turn

__all__ = ["AlreadyRunning", "Backend", "JobId", "LocalBackend", "NoTurn", "StoppedInQueue", "turn"]
