"""One process at a time sets up; the system lets go of the lock when the process dies. Standard library only."""

from __future__ import annotations

import contextlib
import errno
import sys
from collections.abc import Iterator
from pathlib import Path

from .problem import ELSEWHERE, EnvironmentProblem

WAITING = "SemiSeg: another process is setting up the environment; waiting for it ..."
TAKEN = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
"""What systems say of a lock that somebody holds. Anything else means that the disk knows no locks, as some network
disks: nobody holds one there, and the set-up goes on without.
"""


def lock_file(folder: Path) -> Path:
    """Beside the environment's folder, which may be deleted while it is locked."""
    return folder.parent / (folder.name + ".lock")


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Waits for its turn. Raises EnvironmentProblem where nothing can be written."""
    lock = lock_file(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        file = open(lock, "a+b")  # noqa: SIM115  (closed by the with below)
    except OSError as error:
        raise EnvironmentProblem(f"Cannot write to {lock.parent}: {error}. {ELSEWHERE}") from error
    with file:
        _wait_for(file.fileno())
        yield


def is_taken(folder: Path) -> bool:
    """True while some process sets up the environment in ``folder``."""
    try:
        file = open(lock_file(folder), "r+b")  # noqa: SIM115  (closed by the with below)
    except OSError:
        return False
    with file:
        return not _try(file.fileno())


def _try(handle: int) -> bool:
    """Takes the system's lock on an open file if it is free; closing the file gives it back. False: another has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in TAKEN
    return True


def _wait_for(handle: int) -> None:
    """Takes the system's lock on an open file; says so when it has to wait."""
    if _try(handle):
        return
    print(WAITING, flush=True)
    if sys.platform == "win32":
        import msvcrt

        while True:
            try:
                return msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
            except OSError as error:  # Windows gives up after ten seconds, an installation takes minutes
                if error.errno != errno.EDEADLK:
                    raise
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX)
