"""A lock that the operating system takes back when its holder dies, however it dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class FileLock:
    """An exclusive lock between processes on a file that stays empty.

    On POSIX it is a record lock: it belongs to this process alone (a forked child does not keep it alive) and does
    not exclude threads of one process. One FileLock per file and process: closing another handle to the same file
    would let go of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def try_acquire(self) -> bool:
        """True when this process holds the lock now. Raises OSError when the file cannot be opened."""
        if self._handle is None:
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._handle)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def release(self) -> None:
        """Let go of the lock; nothing when it is not held."""
        if self._handle is not None:
            os.close(self._handle)  # closing unlocks, also on Windows
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
