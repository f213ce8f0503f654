"""Drawings that nobody has marked as done yet: kept beside the case's labels, so that nothing drawn is ever lost.

Every Slicer window has a file of its own, ``draft-<host>-<process>.npz``: two windows on one case never overwrite each
other. What a window that has gone left behind is taken over by the next one that opens the case.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import socket
import time
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.files import replace_file
from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.patience import remove

PATTERN = "draft*.npz"
IDLE_S = 86400.0
"""After a day without a stroke a window on another computer, which cannot be asked, counts as gone."""
Planes = dict[SliceIndex, NDArray[np.uint8]]


@dataclass(frozen=True)
class Draft:
    """The slices that one window drew on; each plane uint8, whole. ``owner``: host and process; ``born``: a word for
    the moment that process began, "" where it was not told.
    """

    path: Path
    owner: tuple[str, int]
    planes: Planes
    born: str = ""

    @property
    def mine(self) -> bool:
        """Whether this window wrote it."""
        return self.owner == _me()

    @property
    def left_behind(self) -> bool:
        """Whether the window that wrote it has gone."""
        host, process = self.owner
        if host == socket.gethostname():
            from SemiSegLogic.study.lock import process_alive

            return not process_alive(process) or self._given_away(process)
        return time.time() - self.path.stat().st_mtime > IDLE_S

    def _given_away(self, process: int) -> bool:
        """Whether the id belongs to another process by now: after a restart ids are given out again."""
        began = _birth(process) if self.born else None
        return began not in (None, self.born)

    def put_into(self, labels: NDArray[np.uint8]) -> None:
        """Write the planes into ``labels`` (k, j, i)."""
        for place, plane in self.planes.items():
            np.moveaxis(labels, place.axis, 0)[place.index] = plane


def save(folder: Path, labels: NDArray[np.uint8], touched: Iterable[SliceIndex]) -> None:
    """Keep these slices of ``labels`` (k, j, i) as this window's draft. Raises FileError where the disk refuses."""
    places = sorted(touched)
    content = {
        f"planes{axis}": np.stack([np.take(labels, place.index, axis) for place in places if place.axis == axis])
        for axis in {place.axis for place in places}
    }
    content["places"] = np.array([(place.axis, place.index) for place in places], np.int64).reshape(-1, 2)
    host, process = _me()
    content |= {"host": np.array(host), "process": np.array(process), "born": np.array(_my_birth())}

    def write(path: Path) -> None:
        with path.open("wb") as stream:
            np.savez_compressed(stream, **content)  # type: ignore[arg-type]

    replace_file(_mine(folder), write)


def found(folder: Path, shape: tuple[int, int, int]) -> list[Draft]:
    """Every draft of a case, oldest first. A damaged file is set aside under another name, for a person to look at."""
    return list(_read_all(folder, shape))


def discard(folder: Path) -> None:
    """Forget this window's draft: everything in it is in the labels."""
    remove(_mine(folder))


def _read_all(folder: Path, shape: tuple[int, int, int]) -> Iterator[Draft]:
    for path in sorted(folder.glob(PATTERN), key=lambda path: path.stat().st_mtime):
        try:
            draft = _read(path, shape)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            with contextlib.suppress(OSError):
                path.replace(path.with_suffix(".damaged"))
            continue
        yield draft


def _read(path: Path, shape: tuple[int, int, int]) -> Draft:
    with np.load(path, allow_pickle=False) as kept:
        owner, born = (str(kept["host"]), int(kept["process"])), str(kept["born"]) if "born" in kept else ""
        stacks = {axis: iter(kept[f"planes{axis}"]) for axis in range(3) if f"planes{axis}" in kept}
        planes = {SliceIndex(int(a), int(n)): next(stacks[int(a)]) for a, n in kept["places"]}
    for place, plane in planes.items():
        fits = plane.shape == tuple(n for axis, n in enumerate(shape) if axis != place.axis)
        if not fits or plane.dtype != np.uint8 or not 0 <= place.index < shape[place.axis]:
            raise ValueError(f"{path}: {shape}")  # nobody reads it: the file is set aside
    return Draft(path, owner, planes, born)


def _me() -> tuple[str, int]:
    return socket.gethostname(), os.getpid()


def _birth(process: int) -> str | None:
    from SemiSegLogic.lives import birth

    return birth(process)


@functools.cache
def _my_birth() -> str:
    """Asked once: on a Mac that takes a program of its own."""
    return _birth(os.getpid()) or ""


def window_name() -> str:
    """This window as a part of a file's name: host and process."""
    host, process = _me()
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', host)[:40]}-{process}"


def _mine(folder: Path) -> Path:
    return folder / f"draft-{window_name()}.npz"
