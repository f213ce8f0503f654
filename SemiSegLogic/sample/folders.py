"""Where the sample data may lie on this computer, and how an archive becomes a folder: whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from ..errors import SemiSegError
from ..home import expanded, home
from ..patience import rename

TASK = "Task04_Hippocampus"
PARTS = ("imagesTr", "labelsTr")
PLAIN = re.compile(r"\w[\w.-]*", re.ASCII)
"""No name of a file that means more than a file: 'C:x' is on another drive of Windows."""


class SampleError(SemiSegError):
    """The sample data cannot be had; the message says why and what to do."""


def user_cache() -> Path:
    """The folder of this user for things that can be had again; SEMISEG_CACHE overrides it. Raises
    NoHomeError.
    """
    chosen = os.environ.get("SEMISEG_CACHE")
    if chosen:
        return expanded(Path(chosen))
    own = home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", own / "AppData/Local")) / "SemiSeg" / "Cache"
    if sys.platform == "darwin":
        return own / "Library/Caches/SemiSeg"
    return Path(os.environ.get("XDG_CACHE_HOME") or own / ".cache") / "semiseg"


def dataset_in(folder: Path, cache: Path) -> Path | None:
    """The data set folder (with imagesTr and labelsTr) that ``folder`` is, contains, or holds as a .tar; else None.

    An archive is unpacked once, into ``cache``. ``folder`` may also be the archive itself.
    """
    for candidate in (folder, folder / TASK):
        if all((candidate / part).is_dir() for part in PARTS):
            return candidate
    for archive in (folder, folder / f"{TASK}.tar", folder / f"{TASK}.tar.gz"):
        if archive.is_file():
            return unpack(archive, cache)
    return None


def unpack(archive: Path, cache: Path) -> Path:
    """The images and labels of ``archive`` as a folder in ``cache`` named after its content; unpacked once.

    Raises SampleError when it is not a tar file of the data set, or the cache cannot be written.
    """
    try:
        content = hashlib.sha256(archive.read_bytes()).hexdigest()[:16]
        target = cache / f"{TASK}-{content}"
        if not target.is_dir():
            cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=cache, prefix=".unpacking-", ignore_cleanup_errors=True) as scratch:
                _take_out(archive, Path(scratch) / TASK)
                _put_in_place(Path(scratch) / TASK, target)
    except (OSError, tarfile.TarError) as error:
        reason = str(error).splitlines()[0].rstrip(":.")
        raise SampleError(
            f"Cannot unpack {archive} into {cache}: {reason}. If the archive is damaged, delete it and get it again; "
            "another cache folder can be named in SEMISEG_CACHE."
        ) from error
    return target


def _take_out(archive: Path, folder: Path) -> None:
    """Only plain image files, under names made here: nothing in the archive decides where a file goes."""
    taken = 0
    with tarfile.open(archive) as tar:
        for member in tar:
            part, _, name = member.name.replace("\\", "/").rpartition("/")
            part = part.rpartition("/")[2]
            content = tar.extractfile(member) if member.isfile() else None
            if content is None or part not in PARTS or ".nii" not in name or not PLAIN.fullmatch(name):
                continue
            (folder / part).mkdir(parents=True, exist_ok=True)
            with open(folder / part / name, "wb") as file:
                shutil.copyfileobj(content, file)
            taken += 1
    if not taken:
        raise tarfile.ReadError("it holds no imagesTr and labelsTr folders with NIfTI files")


def _put_in_place(ready: Path, target: Path) -> None:
    try:
        rename(ready, target)
    except OSError:
        if not target.is_dir():  # another process that was first has put the same content there
            raise
