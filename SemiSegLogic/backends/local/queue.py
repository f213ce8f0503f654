"""One job at a time on this computer: every runner waits here for its turn before it loads torch.

    with turn(folder):          # in run.py
        ...                     # the computer is ours

The turn is a lock that the operating system takes back when the process dies, however it dies. Those who wait go in
the order in which they were started, and people in turn (see line.py); the dead are passed over.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from ...files import FileError
from ...job import FileLock, JobError, JobFolder, Status
from ..claims import Pulse
from ..processes import Process
from .launch import CLAIM, Launch, Workers
from .line import Turns, Waiting
from .neighbours import Neighbours

LOOK_EVERY_S = 0.5
REPORT_EVERY_S = 2.0
PROOF_S = 5.0  # in which a runner on another computer shows that it lives: it writes every second


class NoTurn(Exception):
    """The runner is to go home without a word; the job's files need nothing from it."""


class AlreadyRunning(NoTurn):
    """Another process works on this very job. Nothing was written."""


class StoppedInQueue(NoTurn):
    """The job was stopped while it waited; its status says so already."""


@contextmanager
def turn(
    job: JobFolder, on_wait: Callable[[int], None] | None = None, look_every_s: float = LOOK_EVERY_S
) -> Iterator[None]:
    """Hold the job and the computer; wait for them first. At most one process is inside per job and per job root;
    where the disk knows no locks, one of another computer is known by its heartbeat.

    ``on_wait(ahead)`` is called while waiting, when the number of jobs ahead changes and every two seconds; left out,
    it writes the status "queued" with that position. Raises AlreadyRunning, StoppedInQueue (after writing the status
    "stopped"), OSError when a lock file cannot be made.
    """
    neighbours = Neighbours(job)
    report = on_wait or (lambda ahead: report_waiting(job, ahead, neighbours.line()))
    with FileLock(job.root / "process.lock") as held, FileLock(job.root.parent / "running.lock") as running:
        if not held.try_acquire() or (held.here_only and _elsewhere(job, Pulse(silent_s=PROOF_S), look_every_s)):
            raise AlreadyRunning(f"Another process works on {job.root}.")
        claim(job)
        _wait(job, neighbours, running, report, look_every_s)
        yield


@contextmanager
def placed(job: JobFolder, pulse: Pulse | None = None, look_every_s: float = LOOK_EVERY_S) -> Iterator[None]:
    """Hold the job, but wait for no turn: a cluster gave this computer, or a part of it, to this process.

    Raises AlreadyRunning when a process works on the job, on this computer or on another that shares the disk: the
    status of one elsewhere is watched for a few seconds, as locks do not reach across every disk. StoppedInQueue as
    :func:`turn` does.
    """
    with FileLock(job.root / "process.lock") as held:
        if not _try(held) or _elsewhere(job, pulse or Pulse(silent_s=PROOF_S), look_every_s):
            raise AlreadyRunning(f"Another process works on {job.root}.")
        claim(job)
        _require_wanted(job)
        yield


def _require_wanted(job: JobFolder) -> None:
    """Raises StoppedInQueue, after its status was written, when the job was stopped before its turn came."""
    if job.stop_requested():
        _report_stopped(job)
        raise StoppedInQueue(f"{job.root} was stopped while it was waiting.")


def _try(lock: FileLock) -> bool:
    """Whether the lock is ours; also where the disk knows no locks."""
    try:
        return lock.try_acquire()
    except OSError as error:
        logging.warning("%s cannot be locked: %s", lock.path, error)
        return True


def _elsewhere(job: JobFolder, pulse: Pulse, look_every_s: float) -> bool:
    """Whether the process of another computer works on the job."""
    claimed = Workers.of(job.root).claimed
    if claimed is None or claimed.process.here:
        return False
    while not (status := _earlier(job)).ended and pulse.alive("runner", claimed.process, status.heartbeat):
        if pulse.proven("runner", claimed.process):
            return True
        time.sleep(look_every_s)
    return False


def claim(job: JobFolder) -> None:
    """Write into the job who works on it (process.json) and clear away what a killed runner left half done."""
    workers = Workers.of(job.root)
    launched = workers.launched
    order = launched.order if launched is not None and launched.process.alive else time.time()
    job.sweep()
    Launch(order, Process.of(os.getpid()), job.last_heartbeat()).write(job.root / CLAIM)


def report_waiting(job: JobFolder, ahead: int, line: Sequence[Waiting]) -> None:
    """Write the status of a job that waits in ``line``, keeping what an earlier run of it achieved. Raises FileError.
    """
    jobs = "1 job is" if ahead == 1 else f"{ahead} jobs are"
    people = " People take turns." if len({one.owner for one in line}) > 1 else ""
    job.write_status(replace(_earlier(job), state="queued", message=f"Waiting: {jobs} ahead.{people}", error=None,
                             queue_position=ahead, seconds_left=None))


def _wait(
    job: JobFolder, neighbours: Neighbours, running: FileLock, report: Callable[[int], None], look_every_s: float
) -> None:
    told, told_at = 0, 0.0
    while True:
        _require_wanted(job)
        ahead = neighbours.ahead()
        if ahead == 0 and running.try_acquire():
            with suppress(FileError):  # on a full disk somebody may wait a turn longer
                Turns.read(job.root.parent).after(neighbours.place()).write(job.root.parent)
            return
        ahead = max(ahead, 1)  # the one that holds the lock may have been started by hand
        if ahead != told or time.monotonic() - told_at > REPORT_EVERY_S:
            with suppress(FileError):  # a full disk must not push a job out of the line
                report(ahead)
            told, told_at = ahead, time.monotonic()
        time.sleep(look_every_s)


def _report_stopped(job: JobFolder) -> None:
    job.write_status(replace(_earlier(job), state="stopped", message="Stopped while it was waiting.", queue_position=0,
                             seconds_left=None, error=None))


def _earlier(job: JobFolder) -> Status:
    try:
        return job.reported()
    except (JobError, FileError):
        return Status("queued")  # a damaged status is replaced by the one about to be written
