"""Files with running numbers, written once and never changed, even when two clients write at the same moment."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from ..files import replace_file
from ..patience import remove, rename
from .errors import JobError
from .locks import FileLock

LOCK_PATIENCE_S = 10.0
_NO_HARD_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EINVAL)


def numbers(folder: Path, stem: str) -> list[int]:
    """The numbers n of all files ``<stem>-<n>.npz`` in ``folder``, in order."""
    pattern = re.compile(re.escape(stem) + r"-([1-9]\d{0,8})\.npz", re.ASCII)
    return sorted(int(found[1]) for name in os.listdir(folder) if (found := pattern.fullmatch(name)))


def add_numbered(folder: Path, stem: str, write: Callable[[Path], None]) -> int:
    """Write ``<stem>-<n>.npz`` with the next free number n; returns n. The file appears whole and in its turn: when
    a reader sees n, every number below it is there. Raises FileError or JobError where the disk refuses.
    """
    draft = folder / f".{secrets.token_hex(8)}.tmp.{stem}.npz"
    replace_file(draft, write)
    try:
        return _publish(draft, folder, stem)
    except OSError as error:
        raise JobError(f"{folder}: the file {stem}-<n>.npz was not written: {error.strerror}.",
                       "Check that the disk has room and that you may write there.") from error
    finally:
        with contextlib.suppress(OSError):  # it is swept some day, and the file has its number by now
            remove(draft)


def _publish(draft: Path, folder: Path, stem: str) -> int:
    while True:
        n = max(numbers(folder, stem), default=0) + 1
        try:
            _name_once(draft, folder / f"{stem}-{n}.npz")
            return n
        except FileExistsError:
            continue  # another client was quicker


def _name_once(draft: Path, target: Path) -> None:
    """Put ``draft`` at ``target`` in one act, or raise FileExistsError when something is there already."""
    if os.name == "nt":
        rename(draft, target)  # refuses an existing target on Windows
        return
    try:
        os.link(draft, target)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        _name_once_without_links(draft, target)


def _name_once_without_links(draft: Path, target: Path) -> None:
    """For disks without hard links (exFAT, some shares): one process at a time, by lock."""
    deadline = time.monotonic() + LOCK_PATIENCE_S
    with FileLock(target.parent / ".number.lock") as lock:
        while not lock.try_acquire():
            if time.monotonic() > deadline:
                raise JobError(f"{target} was not written: {lock.path} is held by another program.", "Try again.")
            time.sleep(0.02)
        if target.exists():
            raise FileExistsError(target)
        rename(draft, target)
