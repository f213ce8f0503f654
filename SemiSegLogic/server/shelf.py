"""What a user has sent: files named by the SHA-256 of their bytes. They come in pieces; one that was begun goes on
where it broke off, and what is there need not be sent again. A file has its name only once its bytes were found right.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ..files import copy_file, digest_file, disk_errors, flush_to_disk, move_file
from ..patience import remove
from .absence import Absence
from .refusal import CONFLICT, FULL, NOT_FOUND, TOO_LARGE, WRONG, Refused

LARGEST_FILE = 64 << 30
ROOM_LEFT = 1 << 30
"""What is never taken of a disk by what is sent."""
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_AGAIN = "Resume the job: it is sent again."


class Shelf:
    """The files of one user in ``folder``, which together take no more than ``room`` bytes, with what is ``beside``
    them: it is asked how much that is.
    """

    def __init__(self, folder: Path, room: int, beside: Callable[[], int] = lambda: 0) -> None:
        self.folder, self._room, self._beside = folder, room, beside
        self._lock = threading.Lock()

    def there(self, digest: str) -> tuple[int, bool]:
        """How many bytes of a file are there, and whether it is whole. Raises Refused on a name that is no digest."""
        whole = self._whole(digest)
        with contextlib.suppress(FileNotFoundError):
            os.utime(whole)  # an order that needs it follows, perhaps hours later
            return whole.stat().st_size, True
        with contextlib.suppress(FileNotFoundError):
            return self._begun(digest).stat().st_size, False
        return 0, False

    def add(self, digest: str, offset: int, total: int, piece: bytes) -> tuple[int, bool]:
        """Put ``piece`` behind the ``offset`` bytes of a file of ``total`` that are there; says as :meth:`there` does.
        Raises Refused: CONFLICT when other bytes are there, FULL, TOO_LARGE, WRONG when the whole is not what its name
        says; FileError.
        """
        with self._lock:
            there, whole = self.there(digest)
            if whole:
                return there, True
            if offset != there:
                raise Refused(CONFLICT, f"{there} bytes of {digest[:12]} are there, not {offset}.", _AGAIN)
            if there + len(piece) > total:
                raise Refused(WRONG, f"{digest[:12]} was said to have {total} bytes; more came.", _AGAIN)
            self._require_room(total, there)
            self._append(digest, piece)
            if there + len(piece) == total:
                self._close(digest)
            return self.there(digest)

    def give(self, digest: str, target: Path) -> None:
        """Put a whole file at ``target``, sharing its room on the disk where that can be. Raises Refused when it is not
        here, FileError.
        """
        source = self._whole(digest)
        if not source.is_file():
            raise Refused(NOT_FOUND, f"The file {digest[:12]} was not sent yet, or was cleared away.", _AGAIN)
        os.utime(source)
        if target.exists():
            return
        try:
            os.link(source, target)
        except OSError:  # another disk, or one that knows no links
            require_disk(target.parent, source.stat().st_size)
            copy_file(source, target)

    def excuse(self, absence: Absence) -> None:
        """Let no file grow older in it."""
        with self._lock:
            for path in self._files():
                with contextlib.suppress(OSError):
                    absence.excuse(path, path.stat().st_mtime)

    def clear(self, before: float) -> int:
        """Remove what nobody asked for since the unix time ``before``; returns the bytes. What cannot be removed
        stays.
        """
        freed = 0
        with self._lock:
            for path in self._files():
                with contextlib.suppress(OSError):
                    about = path.stat()
                    if about.st_mtime < before:
                        path.unlink()
                        freed += about.st_size if about.st_nlink == 1 else 0
        return freed

    def _append(self, digest: str, piece: bytes) -> None:
        begun = self._begun(digest)
        with disk_errors(begun):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with begun.open("ab") as stream:
                stream.write(piece)

    def _close(self, digest: str) -> None:
        begun = self._begun(digest)
        if digest_file(begun) != digest:
            remove(begun)
            raise Refused(WRONG, f"What came as {digest[:12]} is something else.", _AGAIN)
        with disk_errors(begun):
            flush_to_disk(begun)  # its name says that it is whole
        move_file(begun, self._whole(digest))

    def require_room(self, size: int) -> None:
        """Raises Refused unless the user may have ``size`` bytes more, and the disk has room for them."""
        used = sum(size_of(path) for path in self._files()) + self._beside()
        if used + size > self._room:
            raise Refused(FULL, f"Your files take {used / 1e9:.1f} GB of the {self._room / 1e9:.1f} that you have.",
                          "Ask whoever looks after the server for more, or wait until old ones are cleared away.")
        require_disk(self.folder, size)

    def _require_room(self, total: int, there: int) -> None:
        if not 0 < total <= LARGEST_FILE:
            raise Refused(TOO_LARGE, f"A file of {total} bytes is not taken.", f"It may have up to {LARGEST_FILE}.")
        self.require_room(total - there)

    def _files(self) -> list[Path]:
        return list(self.folder.iterdir()) if self.folder.is_dir() else []

    def _whole(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise Refused(NOT_FOUND, f"'{digest:.80}' is no name of a file.", "Name it by its SHA-256.")
        return self.folder / digest

    def _begun(self, digest: str) -> Path:
        return self._whole(digest).with_suffix(".part")


def size_of(path: Path) -> int:
    """The bytes of a file; 0 when it has just gone."""
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0


def require_disk(folder: Path, size: int = 0) -> None:
    """Raises Refused unless ``size`` bytes more leave some room on the disk of ``folder``."""
    home = next(found for found in (folder, *folder.parents) if found.exists())
    if shutil.disk_usage(home).free < size + ROOM_LEFT:
        raise Refused(FULL, "The server's disk is full.", "Tell whoever looks after it; then resume the job.")


def days_ago(days: float) -> float:
    """As unix time."""
    return time.time() - days * 86400.0
