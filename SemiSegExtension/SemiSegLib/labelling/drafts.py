"""Drawings that nobody has marked as done yet: kept beside the case's labels, so that nothing drawn is ever lost.

Every panel has a file of its own, ``draft-<host>-<process>-<panel>.npz``: two Slicer windows on one case, or two panels
in one Slicer, never overwrite each other. What a window that has gone left behind, or another panel of this Slicer, is
taken over by the next one that opens the case.
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
from uuid import uuid4

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
    """The slices that one panel drew on; each plane uint8, whole. ``owner``: host and process; ``born``: a word for
    the moment that process began, "" where it was not told; ``mine``: whether the panel that asks wrote it;
    ``written``: when, in ns.
    """

    path: Path
    owner: tuple[str, int]
    planes: Planes
    born: str
    mine: bool
    written: int

    @property
    def left_behind(self) -> bool:
        """Whether the window that wrote it has gone, or was another panel of this one: if that is still there, it knows
        what it drew, and writes it again with what it draws next.
        """
        host, process = self.owner
        if self.owner == _me():
            return not self.mine
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


def save(folder: Path, labels: NDArray[np.uint8], touched: Iterable[SliceIndex], panel: str) -> None:
    """Keep these slices of ``labels`` (k, j, i) as this panel's draft. Raises FileError where the disk refuses."""
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

    replace_file(_mine(folder, panel), write)


def found(folder: Path, shape: tuple[int, int, int], panel: str) -> list[Draft]:
    """Every draft of a case, oldest first. A damaged file is set aside under another name, for a person to look at."""
    return list(_read_all(folder, shape, _mine(folder, panel)))


def discard(folder: Path, panel: str) -> None:
    """Forget this panel's draft: everything in it is in the labels."""
    remove(_mine(folder, panel))


def taken_over(draft: Draft) -> None:
    """It is in this panel's own draft by now. One that was written anew meanwhile holds more, and stays."""
    with contextlib.suppress(FileNotFoundError):
        if draft.path.stat().st_mtime_ns == draft.written:
            remove(draft.path)


def _read_all(folder: Path, shape: tuple[int, int, int], mine: Path) -> Iterator[Draft]:
    for path in sorted(folder.glob(PATTERN), key=lambda path: path.stat().st_mtime):
        try:
            draft = _read(path, shape, path == mine)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            with contextlib.suppress(OSError):
                path.replace(path.with_suffix(".damaged"))
            continue
        yield draft


def _read(path: Path, shape: tuple[int, int, int], mine: bool) -> Draft:
    written = path.stat().st_mtime_ns
    with np.load(path, allow_pickle=False) as kept:
        owner, born = (str(kept["host"]), int(kept["process"])), str(kept["born"]) if "born" in kept else ""
        stacks = {axis: iter(kept[f"planes{axis}"]) for axis in range(3) if f"planes{axis}" in kept}
        planes = {SliceIndex(int(a), int(n)): next(stacks[int(a)]) for a, n in kept["places"]}
    for place, plane in planes.items():
        fits = plane.shape == tuple(n for axis, n in enumerate(shape) if axis != place.axis)
        if not fits or plane.dtype != np.uint8 or not 0 <= place.index < shape[place.axis]:
            raise ValueError(f"{path}: {shape}")  # nobody reads it: the file is set aside
    return Draft(path, owner, planes, born, mine, written)


def _me() -> tuple[str, int]:
    return socket.gethostname(), os.getpid()


def _birth(process: int) -> str | None:
    from SemiSegLogic.lives import birth

    return birth(process)


@functools.cache
def _my_birth() -> str:
    """Asked once: on a Mac that takes a program of its own."""
    return _birth(os.getpid()) or ""


def new_panel() -> str:
    """A word for a panel that no other has."""
    return uuid4().hex[:8]


def panel_name(panel: str) -> str:
    """A panel as a part of a file's name: host, process and its own word."""
    host, process = _me()
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', host)[:40]}-{process}-{panel}"


def _mine(folder: Path, panel: str) -> Path:
    return folder / f"draft-{panel_name(panel)}.npz"
