"""Who trains the candidate of a contest: the job's own runner, or a second one that works beside it.

    beside/<n>.claim   whose it is: made once, by whoever is first
    beside/<n>.json    how its holder stands, every second         beside/<n>.ckpt  all that going on needs
    beside/<n>.jsonl   its learning curve                          beside/<n>.pt    what came out
    beside/offer.json  by the job's runner: whether a second one is wanted

The claim with the highest n counts. It is made with O_EXCL, not by a lock of the operating system: runners of a cluster
meet on a disk between computers, where locks may be missing or be lost without a word, while "make this file unless it
is there" is promised by NFS since version 3, by SMB and by every cluster's disk. What such a disk does not do is take a
claim back when its holder dies. So the holder shows that it lives: on its own computer by its process, elsewhere by a
file that keeps changing (see :class:`Pulse`); the next one claims n + 1, and what an overtaken holder still writes goes
into files that nobody reads any more.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import SemiSegError
from ..files import FileError, disk_errors, read_json, write_json
from ..job import JobError, JobFolder, Status
from .processes import Process

RUNNER, SECOND = "runner", "second"
SILENT_S = 60.0
"""Longer than any network disk keeps an old state of a file for its readers."""


@dataclass(frozen=True)
class Claim:
    """The ``n``-th claim; ``role`` RUNNER or SECOND, ``process`` that of its holder, None while it is being written."""

    folder: Path
    n: int
    role: str = ""
    process: Process | None = None

    @property
    def status_path(self) -> Path:
        """How its holder stands, in the form of a job's status."""
        return self.folder / f"{self.n}.json"

    @property
    def state_path(self) -> Path:
        """The checkpoint within the leg."""
        return self.folder / f"{self.n}.ckpt"

    @property
    def curve_path(self) -> Path:
        """The points of its holder's learning curve."""
        return self.folder / f"{self.n}.jsonl"

    @property
    def outcome_path(self) -> Path:
        """What came out, once it is whole."""
        return self.folder / f"{self.n}.pt"

    def status(self) -> Status | None:
        """What its holder said last; None when nothing was said yet or it cannot be read just now."""
        try:
            return Status.from_dict(read_json(self.status_path))
        except (FileError, JobError):
            return None


class Claims:
    """The claims on the candidate of a job. Making one reads nothing."""

    def __init__(self, job: JobFolder) -> None:
        self.folder = job.beside

    def newest(self) -> Claim | None:
        """The one that counts; None when there is none."""
        numbers = self._numbers("claim")
        return self._claim(numbers[-1]) if numbers else None

    def make(self, role: str, after: Claim | None) -> Claim | None:
        """Take over ``after``, the newest claim; None when another process was faster. Raises FileError."""
        mine = Claim(self.folder, 1 + (after.n if after else 0), role, Process.of(os.getpid()))
        assert mine.process is not None
        with disk_errors(self.folder):
            self.folder.mkdir(exist_ok=True)
            try:
                handle = os.open(self._path(mine.n), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            except FileExistsError:
                return None
            os.close(handle)
        write_json(self._path(mine.n), {"role": role, **mine.process.to_dict()})  # whole; the file itself is ours
        return mine

    def holds(self, claim: Claim) -> bool:
        """Whether ``claim`` still counts."""
        return not self._path(claim.n + 1).exists()

    def state(self) -> Path | None:
        """The newest checkpoint that any holder left; None when none did."""
        numbers = self._numbers("ckpt")
        return self.folder / f"{numbers[-1]}.ckpt" if numbers else None

    def offer(self, wanted: bool) -> None:
        """Say whether a second runner is wanted; said by the job's runner, once. Raises FileError."""
        with disk_errors(self.folder):
            self.folder.mkdir(exist_ok=True)
        write_json(self.folder / "offer.json", {"wanted": wanted})

    def offered(self) -> bool | None:
        """Whether a second runner is wanted; None while that is not decided."""
        try:
            return bool(read_json(self.folder / "offer.json")["wanted"])
        except (FileError, KeyError, TypeError):
            return None

    def _claim(self, n: int) -> Claim:
        try:
            said = read_json(self._path(n))
            return Claim(self.folder, n, str(said["role"]), Process.from_dict(said))
        except (SemiSegError, KeyError, TypeError, ValueError):
            return Claim(self.folder, n)  # made this moment, or its maker died over it

    def _path(self, n: int) -> Path:
        return self.folder / f"{n}.claim"

    def _numbers(self, suffix: str) -> list[int]:
        try:
            names = [entry.name.partition(".") for entry in os.scandir(self.folder)]
        except FileNotFoundError:
            return []
        return sorted(int(n) for n, _, rest in names if n.isdecimal() and rest == suffix)


@dataclass
class Pulse:
    """Whether somebody who keeps changing a file lives, by this computer's own clock: those of others may differ.

    ``silent_s`` without a change are death. On this computer the process itself is asked.
    """

    silent_s: float = SILENT_S
    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, tuple[float | None, float]] = field(default_factory=dict)
    _beats: dict[str, int] = field(default_factory=dict)

    def alive(self, who: str, process: Process | None, heartbeat: float | None) -> bool:
        """Whether ``who`` lives, given the ``heartbeat`` read last; who was never seen before gets the benefit."""
        now, (earlier, since) = self.clock(), self._seen.get(who, (None, self.clock()))
        if who not in self._seen or heartbeat not in (None, earlier):  # None: it could not be read just now
            self._beats[who] = self._beats.get(who, -1) + 1
            earlier, since = heartbeat, now
        self._seen[who] = earlier, since
        if process is not None and process.here:
            return process.alive
        return now - since < self.silent_s

    def proven(self, who: str, process: Process | None) -> bool:
        """Whether ``who`` has shown life since it was first seen, and not only left files."""
        return (process is not None and process.alive) or self._beats.get(who, 0) > 0


def called_upon(job: JobFolder, pulse: Pulse | None = None, look_every_s: float = 0.5) -> Claim | None:
    """The claim of this process, when it is to be the second runner of ``job``; None when none is needed. A holder that
    may be dead is watched until that is sure. Raises FileError.
    """
    claims, pulse = Claims(job), pulse or Pulse()
    while not job.stop_requested() and claims.offered() is not False and not _is_done(job):
        newest = claims.newest()
        if newest is not None and (newest.role == RUNNER or newest.outcome_path.exists()):
            return None
        if newest is None or not holder_lives(newest, pulse):
            mine = claims.make(SECOND, newest)
            if mine is not None:
                return mine
        elif pulse.proven(f"claim {newest.n}", newest.process):
            return None
        time.sleep(look_every_s)
    return None


def _is_done(job: JobFolder) -> bool:
    try:
        return job.reported().state == "done"
    except JobError:
        return False


def holder_lives(claim: Claim, pulse: Pulse) -> bool:
    """Whether the holder of ``claim`` is still at it."""
    said = claim.status()
    if said is not None and said.ended:
        return False
    return pulse.alive(f"claim {claim.n}", claim.process, said.heartbeat if said else None)
