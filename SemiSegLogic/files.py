"""Files that are whole or absent: written under a temporary name, flushed to the disk, then put in place."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import locale
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import SemiSegError
from .patience import patiently, remove

READ_PATIENCE_S = 0.5
FULL_BYTES = 1 << 16
LARGEST_JSON = 64 * 2**20
MOST_DIGITS = 300
"""Of a whole number that can be compared with others and turned into a float."""


class FileError(SemiSegError):
    """A file cannot be read or written."""


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path`` (same suffixes), then put it in ``path``'s place at once.

    A reader sees the old file or the new one, never a part. When ``write`` fails the old file stays and the
    temporary one is removed. Raises FileError where the disk refuses; other errors of ``write`` pass unchanged.
    """
    temporary = path.with_name(f".{secrets.token_hex(4)}.tmp.{path.name}")
    try:
        with disk_errors(path):
            temporary.touch(exist_ok=False)  # a read-only folder shows here, as an OSError, not inside a library
            write(temporary)
            flush_to_disk(temporary)
        move_file(temporary, path)
    finally:
        with contextlib.suppress(OSError):  # a sick disk that keeps the rest must not hide the real error
            remove(temporary)


def move_file(source: Path, target: Path) -> None:
    """Give a file on the same disk another name at once, replacing what lay there. Raises FileError.

    Patient on Windows, where it fails while a reader holds the old file.
    """
    with disk_errors(target):
        patiently(lambda: os.replace(source, target))
    _flush_folder(target.parent)


def flush_to_disk(path: Path) -> None:
    """Make what was written to a file survive a power cut. Raises OSError."""
    with path.open("r+b") as stream:  # Windows flushes only handles opened for writing
        os.fsync(stream.fileno())


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's errors while writing ``path`` into a FileError with a remedy."""
    try:
        yield
    except OSError as error:
        raise FileError(_why_not_written(path, error)) from error


def write_json(path: Path, content: Any) -> None:
    """Write plain data as JSON, atomically. Raises FileError where the disk refuses, ValueError on NaN. The half
    characters by which Python names files that are not in UTF-8 come back as they were.
    """
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    replace_file(path, lambda temporary: temporary.write_bytes(text.encode(errors="backslashreplace")))


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically. Raises FileError where the disk refuses."""
    replace_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def copy_file(source: Path, target: Path) -> None:
    """Put a copy of ``source`` in the place of ``target``, atomically. Raises FileError where the disk refuses."""
    replace_file(target, lambda temporary: shutil.copyfile(source, temporary))


def read_json(path: Path) -> Any:
    """Plain data of a JSON file. Raises FileError when it is missing, unreadable, damaged or larger than any of ours.
    """
    try:
        return plain_data(patiently(lambda: _read_small(path), READ_PATIENCE_S))  # its writer may just be replacing it
    except FileNotFoundError as error:
        raise FileError(f"{path} is missing.") from error
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}. Check that you may read it.") from error
    except ValueError as error:
        raise FileError(f"{path} is damaged: it is not JSON ({error}). Restore it from a backup.") from error


def plain_data(text: str | bytes) -> Any:
    """What JSON says. Raises ValueError where it is no JSON (NaN is none), nested deeper than Python goes, or holds a
    whole number that no float can hold.
    """
    try:
        return json.loads(text, parse_int=_whole_number, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def name_files_in_utf8() -> None:
    """Let ITK, which hands names to C as UTF-8, find files in ``C:\\Users\\Jürgen`` too: Windows takes such names for
    text of the country's code page, unless a program says otherwise. Slicer does; no other system needs it.
    """
    if os.name == "nt" and locale.getencoding().lower() != "utf-8":
        with contextlib.suppress(locale.Error):  # before Windows 10 of 2018: only plain letters then
            locale.setlocale(locale.LC_CTYPE, ".UTF8")


def digest_array(array: NDArray[Any]) -> str:
    """SHA-256 (hex) of an array's dtype, shape and values; the same on every computer."""
    portable = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{portable.dtype.str}{array.shape}".encode())
    digest.update(portable.data if portable.size else b"")
    return digest.hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes. Raises FileError when it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}. Check that it exists and that you may.") from error


def disk_is_full(folder: Path) -> bool:
    """Whether next to nothing fits on the disk of ``folder`` any more."""
    with contextlib.suppress(OSError):
        return shutil.disk_usage(folder).free < FULL_BYTES
    return False


def full_disk(path: Path) -> str:
    """What to say when ``path`` could not be written because its disk is full."""
    return f"{path} was not written: the disk is full. Free some space and try again; nothing was changed."


def _read_small(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_JSON:
        raise FileError(f"{path} is damaged: it is larger than {LARGEST_JSON} bytes. Restore it from a backup.")
    return path.read_bytes()


def _whole_number(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _flush_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut; Windows has no such call."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):  # some network shares cannot; the file itself is whole and in place
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _why_not_written(path: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or (error.errno is None and disk_is_full(path.parent)):
        return full_disk(path)  # numpy tells no number
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return f"{path} was not written: {reason}. Choose a folder you may write to; nothing was changed."
    return f"{path} was not written: {reason}. Check that the folder exists and the disk is well; nothing was changed."
