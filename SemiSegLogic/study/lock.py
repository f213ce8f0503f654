"""One writer at a time: a lock file that says who writes and since when."""

from __future__ import annotations

import contextlib
import functools
import getpass
import json
import logging
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from ..files import READ_PATIENCE_S, disk_errors, plain_data
from ..lives import birth
from ..naming import as_name
from ..patience import patiently, remove, rename
from .annotations import utc_now
from .errors import LockedError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Writer:
    """Who holds a lock: ``user`` on ``host`` in process ``pid`` since ``time`` (ISO, UTC); ``born`` is a word for the
    moment that process began ("" where it was not told, as before that was noted).
    """

    user: str
    host: str
    pid: int
    time: str
    token: str
    born: str = ""

    @classmethod
    def here(cls) -> Self:
        """This process, now."""
        pid = os.getpid()
        return cls(user_name(), socket.gethostname(), pid, utc_now(), secrets.token_hex(8), _own_birth(pid))

    @property
    def is_gone(self) -> bool:
        """True when the process surely runs no more; False too where it cannot be known (another computer)."""
        return self.host == socket.gethostname() and (not process_alive(self.pid) or self._given_away)

    @property
    def _given_away(self) -> bool:
        """Whether the id belongs to another process by now: after a restart ids are given out again."""
        began = birth(self.pid) if self.born else None
        return began not in (None, self.born)

    def __str__(self) -> str:
        return f"{self.user} on {self.host} (process {self.pid}) since {self.time}"


class WriteLock:
    """The lock file at ``path``. Held by at most one :class:`WriteLock`; the same object may hold it repeatedly."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mine: Writer | None = None
        self._depth = 0
        self._counting = threading.Lock()  # threads of one program share the lock, not the count of its holders

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock for a while. Raises LockedError at once when somebody else does."""
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def acquire(self) -> None:
        """Take the lock; a lock left by a dead process of this computer is taken over with a note in the log.

        Raises LockedError naming the other writer, FileError where the disk refuses.
        """
        with self._counting:
            if self._depth == 0:
                self._take()
            self._depth += 1

    def _take(self) -> None:
        if self._mine is not None and self.writer() == self._mine:
            return  # it could not be given back: the disk was away, and now is there again
        mine = Writer.here()
        if not self._create(mine):
            self._take_over()
            if not self._create(mine):
                raise self._refusal(self.writer())
        self._mine = mine

    def release(self) -> None:
        """Give the lock back, once for every :meth:`acquire`. Where the disk refuses, this object takes it up again the
        next time: an error here would hide how that ended which was done under the lock.
        """
        with self._counting:
            self._depth -= 1
            if self._depth == 0 and self._mine is not None:
                self._give_back(self._mine)

    def _give_back(self, mine: Writer) -> None:
        if self.writer() != mine:
            return  # somebody may have removed it by hand, as a refusal tells them
        try:
            remove(self.path)
        except OSError as error:
            log.warning("%s could not be removed: %s", self.path, error)

    def writer(self) -> Writer | None:
        """Who writes now, or None. A lock file without readable content counts as nobody's."""
        try:
            return Writer(**plain_data(patiently(self.path.read_bytes, READ_PATIENCE_S)))
        except (OSError, ValueError, TypeError):
            return None

    def _create(self, mine: Writer) -> bool:
        """Create the lock file together with its content, so that nobody ever sees it empty."""
        draft = self.path.with_name(f".{mine.token}.{self.path.name}")
        try:
            with disk_errors(self.path):
                draft.write_text(json.dumps(asdict(mine)), encoding="utf-8")
                return patiently(lambda: _link_or_create(draft, self.path))
        finally:
            with contextlib.suppress(OSError):
                remove(draft)

    def _take_over(self) -> None:
        """Move a dead process's lock out of the way. Moving is atomic, so of two that try only one moves it."""
        dead = self.writer()
        if dead is None or not dead.is_gone:
            return
        aside = self.path.with_name(f".{secrets.token_hex(8)}.{self.path.name}")
        with disk_errors(self.path), contextlib.suppress(FileNotFoundError):
            rename(self.path, aside)
            moved = WriteLock(aside).writer()
            if moved is not None and moved != dead:  # another process was faster: give its live lock back
                _link_or_create(aside, self.path)
            else:
                log.warning("%s was left behind by %s, which runs no more; it was taken over.", self.path, dead)
            remove(aside)

    def _refusal(self, writer: Writer | None) -> LockedError:
        who = str(writer) if writer else "an unknown user"
        return LockedError(f"{self.path.parent} is being changed by {who}. Wait until they have finished; if that "
                           "program has crashed (on another computer, or before this one was started again), remove "
                           f"{self.path.name} there and try again.")


@functools.cache
def _own_birth(pid: int) -> str:
    """Asked once: on a Mac that takes a program of its own."""
    return birth(pid) or ""


def process_alive(pid: int) -> bool:
    """Whether a process of this computer runs."""
    if os.name == "nt":
        return _windows_process_alive(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's process, but alive
        return True
    return True


def _windows_process_alive(pid: int) -> bool:
    import ctypes

    kernel: Any = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
    if not handle:
        return bool(kernel.GetLastError() == 5)  # access denied: it exists
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == 259  # STILL_ACTIVE


def _link_or_create(draft: Path, path: Path) -> bool:
    """Give ``draft``'s content the name ``path`` unless that exists; some shares know no links, so copy there."""
    try:
        os.link(draft, path)
        return True
    except FileExistsError:
        return False
    except OSError:
        return _create_exclusively(path, draft.read_bytes())


def _create_exclusively(path: Path, content: bytes) -> bool:
    try:
        stream = path.open("xb")
    except FileExistsError:
        return False
    try:
        with stream:
            stream.write(content)
    except OSError:
        with contextlib.suppress(OSError):
            remove(path)  # a lock without content is nobody's, and would keep everybody out
        raise
    return True


def user_name() -> str:
    """Who uses this computer, as it knows them; "unknown" where it does not."""
    try:
        return as_name(getpass.getuser())
    except (OSError, KeyError, ImportError):  # no such entry: containers, Windows services
        return "unknown"
