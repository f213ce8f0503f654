"""Normalised volumes on disk, made once and mapped by every job of the computer.

``<key>.npy`` holds the voxels, ``<key>.json`` what is needed to trust them: size, time of writing and checksums. The
checks of an entry that nobody touched since read 64 kB, whatever its size; one whose time of writing differs is read
through. A damaged entry is removed and made again.

Two processes may write the same entry: both write the same bytes, each under its own temporary name. When room is
needed the entries that were used longest ago go first, but none of this run: mapped files outlive their names, and
where the system refuses (Windows) they stay. A full or broken disk never ends a run: :attr:`Cache.problem` says why
nothing more is kept.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import shutil
import time
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ...geometry import Shape
from ...home import expanded
from ...patience import patiently
from ...settings import SettingsError

PROBES, PROBE_BYTES = 16, 4096
SHARE_OF_DISK = 0.5  # of what is free, the cache's own files counted as free
DRAFT_AGE_S = 3600.0
ROOM = "SEMISEG_CACHE_GB"


@dataclass(frozen=True)
class Seal:
    """What an entry must look like: ``bytes`` long, written at ``written`` (ns), checksum of all bytes after the header
    and of a few probes.
    """

    bytes: int
    written: int
    whole: int
    probes: int


@dataclass
class Cache:
    """Float16 volumes (d,h,w) in ``folder`` by key; together at most ``limit`` bytes."""

    folder: Path
    limit: int
    problem: str = ""
    _mine: set[str] = field(default_factory=set)

    @classmethod
    def beside(cls, jobs: Path) -> Cache:
        """The cache of the jobs in ``jobs``: SEMISEG_CACHE, else ``.cache`` there; SEMISEG_CACHE_GB or half of what is
        free on its disk. Raises SettingsError where that is no number of gigabytes.
        """
        chosen, room = os.environ.get("SEMISEG_CACHE"), os.environ.get(ROOM)
        folder = expanded(Path(chosen)) if chosen else jobs / ".cache"
        return cls(folder, _bytes_of(room) if room else _share_of_disk(folder))

    def get(self, key: str, shape: Shape) -> NDArray[np.float16] | None:
        """The volume of ``shape`` (d, h, w), mapped (pages that are written to are copies); None when it is not there,
        was damaged, or has another shape.
        """
        path = self.folder / f"{key}.npy"
        try:
            seal = self._seal(key)
            if seal is None or not path.exists():
                return None
            if not _is_whole(path, seal):
                logging.warning("The cached volume %s is damaged; it is made again.", path)
                self._remove(key)
                return None
            if path.stat().st_mtime_ns != seal.written:
                self._put_seal(key, _seal_of(path))
            os.utime(path.with_suffix(".json"))
            array = np.load(path, mmap_mode="c", allow_pickle=False)
        except (OSError, ValueError) as error:
            logging.warning("The cached volume %s cannot be read: %s", path, error)
            return None
        if array.shape != shape or array.dtype != np.float16:
            return None
        self._mine.add(key)
        return np.asarray(array)

    def put(self, key: str, shape: Shape, slabs: Iterable[NDArray[np.float16]]) -> NDArray[np.float16] | None:
        """Keep a volume of ``shape`` (d, h, w) that comes in parts along d; returns it mapped, or None when it could
        not be kept.
        """
        size = 2 * int(np.prod(shape))
        if self.problem or not self._make_room(size):
            return None
        draft = self.folder / f".{secrets.token_hex(4)}.tmp.{key}.npy"
        try:
            _write(draft, shape, slabs)
            seal = _seal_of(draft)
            if self._put_in_place(draft, key):
                self._put_seal(key, seal)
        except OSError as error:
            self._give_up(f"{error.strerror or error}")
            return None
        finally:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
        return self.get(key, shape)

    def size(self) -> int:
        """Bytes of all entries."""
        return sum(_size(path) for path in self.folder.glob("*.npy"))

    def _make_room(self, size: int) -> bool:
        """Remove what was used longest ago until ``size`` more bytes fit; False when they never will."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            spare = self.limit - self.size() - size
            for path in sorted(self.folder.glob("*.npy"), key=_used):
                if spare >= 0:
                    break
                if path.stem not in self._mine and not _is_under_way(path):
                    size_of_it = _size(path)
                    spare += size_of_it if self._remove(path.stem) else 0
        except OSError as error:
            self._give_up(f"{error.strerror or error}")
            return False
        if spare < 0:
            self._give_up(f"the volumes of this job need more than its {self.limit / 1e9:.1f} GB")
        return spare >= 0

    def _give_up(self, reason: str) -> None:
        self.problem = (
            f"Prepared volumes cannot be kept in {self.folder}: {reason}. The job goes on without, but the next one "
            "starts more slowly. Free some space, or name another folder in SEMISEG_CACHE."
        )
        logging.warning(self.problem)

    def _put_in_place(self, draft: Path, key: str) -> bool:
        """Whether ``draft`` is the entry now. Windows refuses where another process has the same one mapped already."""
        entry = self.folder / f"{key}.npy"
        try:
            os.replace(draft, entry)
            return True
        except PermissionError:
            if not entry.exists():
                raise
            return False

    def _remove(self, key: str) -> bool:
        """Whether both files could be removed."""
        try:
            for suffix in (".json", ".npy"):
                (self.folder / f"{key}{suffix}").unlink(missing_ok=True)
        except OSError:  # mapped by another process on Windows
            return False
        return True

    def _seal(self, key: str) -> Seal | None:
        path = self.folder / f"{key}.json"
        try:
            written = json.loads(patiently(path.read_bytes))  # another process may just be replacing it
            return Seal(**{name: int(value) for name, value in written.items()})
        except FileNotFoundError:
            return None
        except (TypeError, AttributeError, ValueError) as error:
            logging.warning("%s is damaged (%s); the volume is made again.", path, error)
            return None

    def _put_seal(self, key: str, seal: Seal) -> None:
        draft = self.folder / f".{secrets.token_hex(4)}.tmp.{key}.json"
        draft.write_text(json.dumps(asdict(seal)), encoding="utf-8")
        patiently(lambda: os.replace(draft, self.folder / f"{key}.json"))


def _write(path: Path, shape: Shape, slabs: Iterable[NDArray[np.float16]]) -> None:
    """Not flushed to the disk: what a power cut spoils is noticed and made again."""
    with path.open("wb") as stream:
        npy.write_array_header_1_0(stream, {"descr": "<f2", "fortran_order": False, "shape": shape})
        for slab in slabs:
            stream.write(slab.data)


def _seal_of(path: Path) -> Seal:
    found = path.stat()
    whole = 0
    with path.open("rb") as stream:
        while part := stream.read(1 << 20):
            whole = zlib.crc32(part, whole)
    return Seal(found.st_size, found.st_mtime_ns, whole, _probes(path, found.st_size))


def _is_whole(path: Path, seal: Seal) -> bool:
    found = path.stat()
    if found.st_size != seal.bytes:
        return False
    if found.st_mtime_ns != seal.written:  # somebody wrote: what, is not known
        return _seal_of(path).whole == seal.whole
    return _probes(path, found.st_size) == seal.probes


def _probes(path: Path, size: int) -> int:
    """Checksum of a few places all over the file, its beginning and its end among them."""
    check = 0
    with path.open("rb") as stream:
        for place in np.linspace(0, max(size - PROBE_BYTES, 0), PROBES).astype(int).tolist():
            stream.seek(place)
            check = zlib.crc32(stream.read(PROBE_BYTES), check)
    return check


def _bytes_of(gigabytes: str) -> int:
    with contextlib.suppress(ValueError, OverflowError):  # "lots", "nan"; "inf"
        if float(gigabytes) >= 0:
            return int(float(gigabytes) * 1e9)
    raise SettingsError(f"The variable {ROOM} is '{gigabytes}'; it must be a number of gigabytes, such as 20. Correct "
                        "it, or unset it: then half of the free disk may be used.")


def _share_of_disk(folder: Path) -> int:
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    own = sum(_size(path) for path in folder.glob("*.npy"))
    return int((shutil.disk_usage(there).free + own) * SHARE_OF_DISK)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # another process has just removed it
        return 0


def _is_under_way(path: Path) -> bool:
    """Whether another process may be writing it just now."""
    with contextlib.suppress(OSError):
        return path.name.startswith(".") and time.time() - path.stat().st_mtime < DRAFT_AGE_S
    return True


def _used(path: Path) -> float:
    """When an entry was used last; 0 when it was never finished."""
    try:
        return path.with_suffix(".json").stat().st_mtime
    except OSError:
        return 0.0
