"""A disk that is full or read-only for a while: a small one of its own where this computer lets us mount it."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from Testing.support import small_disk

SIZE = "8g"
"""As large as a training asks for; nothing of it is taken before something is written."""


class Disk:
    """Mounted at ``folder``, when ``real``; else the calls that would reach the disk refuse in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.real = small_disk.mount(folder, SIZE)

    def take_away(self) -> None:
        if self.real:
            small_disk.unmount(self.folder)

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """Not a byte more."""
        if not self.real:
            with refused(errno.ENOSPC):
                yield
            return
        assert small_disk.remount(self.folder, f"size={shutil.disk_usage(self.folder).used}")
        try:
            yield
        finally:
            assert small_disk.remount(self.folder, f"size={SIZE}")

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        """Where a file is open just now the disk stays writable: whoever asks is told whether it is."""
        if not self.real:
            with refused(errno.EROFS):
                yield
            return
        there = small_disk.remount(self.folder, "ro")
        try:
            yield
        finally:
            assert not there or small_disk.remount(self.folder, "rw")


@contextlib.contextmanager
def refused(number: int) -> Iterator[None]:
    """Nothing that was written reaches the disk."""
    def refuse(_handle: int) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        yield
