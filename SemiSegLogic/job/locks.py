"""A lock that the operating system takes back when its holder dies, however it dies."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


class FileLock:
    """An exclusive lock between processes on a file that stays empty.

    On POSIX it is a record lock: it belongs to this process alone (a forked child does not keep it alive) and does
    not exclude threads of one process. One FileLock per file and process: closing another handle to the same file
    would let go of it.

    Where the disk knows no locks (some network disks), a file of this computer is locked in its place: ``here_only``
    then says that processes of other computers are not kept out.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.here_only = False
        self._handle: int | None = None

    def try_acquire(self) -> bool:
        """True when this process holds the lock now. Raises OSError when the file cannot be opened or locked."""
        try:
            return self._try(_stand_in(self.path) if self.here_only else self.path)
        except OSError as error:
            if self.here_only or error.errno not in _NO_LOCKS:
                raise
            self.release()
            self.here_only = True
            with _instead_of(error):
                return self._try(_stand_in(self.path))

    def _try(self, path: Path) -> bool:
        if self._handle is None:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
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


@contextlib.contextmanager
def _instead_of(refused: OSError) -> Iterator[None]:
    """Where the second way fails too, the first is what is told."""
    try:
        yield
    except OSError as error:
        raise refused from error


def _stand_in(path: Path) -> Path:
    """The file of this computer that is locked in place of ``path``. Raises OSError where its folder is not ours."""
    folder = Path(tempfile.gettempdir()) / f"semiseg-locks-{_user()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != _user():
        raise PermissionError(f"{folder} is not ours")
    return folder / f"{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]}.lock"


def _user() -> int:
    return 0 if sys.platform == "win32" else os.getuid()


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
