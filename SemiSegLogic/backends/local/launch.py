"""Who works on a job: ``launch.json`` by the client that started it, ``process.json`` by the runner itself.

Two files, because each has one writer: under Slicer the process that was started is a launcher, and the runner its
child; and a client may die right after the start, before it could write anything.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...files import FileError, read_json, write_json
from ...job import Status
from ..processes import Process

LAUNCH, CLAIM = RECORDS = ("launch.json", "process.json")
READ_TRIES = 4
STARTUP_S = 60.0
"""A process that was started but has not come to the queue after this time no longer holds up those behind it."""


@dataclass(frozen=True)
class Launch:
    """A start: ``order`` unix time in seconds by which jobs queue, the process, and the heartbeat ``heard`` last of an
    earlier run (0: none).
    """

    order: float
    process: Process
    heard: float = 0.0

    def write(self, path: Path) -> None:
        """Write the record, atomically. Raises FileError where the disk refuses."""
        write_json(path, {"order": self.order, "heard": self.heard, **self.process.to_dict()})

    @classmethod
    def read(cls, path: Path) -> Launch | None:
        """The record; None when there is none or it is no such thing."""
        try:
            values = _read_patiently(path)
            return cls(float(values["order"]), Process.from_dict(values), float(values.get("heard", 0.0)))
        except (FileError, KeyError, TypeError, ValueError):
            return None


@dataclass(frozen=True)
class Workers:
    """Those who work, or worked, on the job in a folder."""

    launched: Launch | None
    claimed: Launch | None

    @classmethod
    def of(cls, job: Path) -> Workers:
        """As the job's two files say."""
        return cls(Launch.read(job / LAUNCH), Launch.read(job / CLAIM))

    @property
    def known(self) -> list[Launch]:
        """The records there are."""
        return [launch for launch in (self.launched, self.claimed) if launch is not None]

    @property
    def order(self) -> float:
        """Unix time of the start that counts, by which jobs queue; 0 when the job was never started."""
        return 0.0 if self.counting is None else self.counting.order

    @property
    def counting(self) -> Launch | None:
        """The start that counts; None when the job was never started."""
        if self.claimed is not None and (self.launched is None or self.claimed.process.alive):
            return self.claimed
        return self.launched

    def wrote(self, reported: Status) -> bool:
        """Whether ``reported`` is a word of the start that counts, and not of an earlier one."""
        return self.counting is not None and reported.heartbeat != self.counting.heard

    @property
    def alive(self) -> bool | None:
        """True while a process works on the job; None when that cannot be known from this computer."""
        if any(launch.process.alive for launch in self.known):
            return True
        return None if any(not launch.process.here for launch in self.known) else False

    @property
    def in_line(self) -> bool:
        """True while the job takes a place in the queue of this computer."""
        if self.claimed is not None and self.claimed.process.alive:
            return True
        launched = self.launched
        return launched is not None and time.time() - launched.order < STARTUP_S and launched.process.alive


def _read_patiently(path: Path) -> Any:
    """Plain data of a file that exists but, on Windows, may be held by its writer for a moment."""
    for _ in range(READ_TRIES):
        try:
            return read_json(path)
        except FileError:
            if not path.exists():
                raise
            time.sleep(0.01)
    return read_json(path)
