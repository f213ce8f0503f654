"""Arrays on disk that are looked at before they are believed: header, size and shape first, never a pickle."""

from __future__ import annotations

import os
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ..files import replace_file
from .errors import JobError

START_AGAIN = "The file is damaged, or SemiSeg did not make it. Start a new training."
HEADERS = 1 << 16
"""Room in bytes for the headers of a few arrays."""
_END, _END_64, _PLACE_64 = b"PK\5\6", b"PK\6\6", b"PK\6\7"
"""How the last words of a zip file begin: 22 bytes; of one beyond 2 GB also 56 and 20 before these."""
_DAMAGE = (zipfile.BadZipFile, zlib.error, ValueError, EOFError, KeyError, SyntaxError, tokenize.TokenError,
           NotImplementedError, RuntimeError, OSError)


@dataclass(frozen=True)
class Form:
    """What an array must look like: numpy ``kinds`` such as "iuf" or one dtype name, ``shape`` with None for any."""

    kinds: str
    shape: tuple[int | None, ...]

    def accepts(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> bool:
        """True when an array of ``dtype`` and ``shape`` has this form."""
        sides = len(shape) == len(self.shape) and all(
            wanted is None or wanted == side for side, wanted in zip(shape, self.shape, strict=True)
        )
        named = not self.kinds.isalpha()  # the letter of int8 is in "uint8", too
        return sides and (dtype.name == self.kinds if named else dtype.kind in self.kinds)

    def __str__(self) -> str:
        sides = ", ".join("any" if side is None else str(side) for side in self.shape)
        names = {"iuf": "numbers", "U": "text"}
        return f"{names.get(self.kinds, self.kinds)} of shape ({sides})"


def write_npy(path: Path, array: NDArray[Any]) -> None:
    """Write ``array`` (any axes) as .npy, atomically. Raises FileError where the disk refuses."""

    def write(temporary: Path) -> None:
        with temporary.open("wb") as stream:
            npy.write_array(stream, array, allow_pickle=False)

    replace_file(path, write)


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as .npz, atomically; compressed lightly, since labels are mostly one value."""
    replace_file(path, lambda temporary: pack_npz(temporary, arrays))


def pack_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays to a new .npz file at ``path`` (as :func:`numpy.savez_compressed`, but quicker)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():  # by name: an entry made here would be written at level 6
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                npy.write_array(stream, np.asarray(array), allow_pickle=False)


def check_npy(path: Path, form: Form) -> None:
    """Raises JobError naming the file unless it is a whole .npy of ``form``. Reads the header only."""
    try:
        with path.open("rb") as stream:
            shape, dtype = _header(stream)
            whole = stream.tell() + _bytes(shape, dtype)
    except _DAMAGE as error:
        raise _unreadable(path, error) from error
    _require(path, "the array", form, shape, dtype)
    if path.stat().st_size != whole:
        raise JobError(f"{path} has {path.stat().st_size} bytes instead of {whole}: it is not whole.", START_AGAIN)


def map_npy(path: Path, form: Form) -> NDArray[Any]:
    """The array of a .npy file, memory-mapped and read-only. Raises JobError unless it is whole and of ``form``."""
    check_npy(path, form)
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        return array
    except _DAMAGE as error:
        raise _unreadable(path, error) from error


def names_in(path: Path) -> set[str]:
    """The names of the arrays of an .npz. Raises JobError naming the file when it cannot be opened."""
    try:
        with _opened(path) as archive:
            return {name.removesuffix(".npy") for name in archive.namelist()}
    except _DAMAGE as error:
        raise _unreadable(path, error) from error


def check_npz(path: Path, forms: Mapping[str, Form]) -> None:
    """Raises JobError naming the file unless it is an .npz with exactly these arrays. Reads the headers only."""
    try:
        with _opened(path) as archive:
            _check_entries(path, archive, forms)
    except _DAMAGE as error:
        raise _unreadable(path, error) from error


def read_npz(path: Path, forms: Mapping[str, Form], most: int) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz. Raises JobError naming the file unless it holds exactly these arrays, whole, in at most
    ``most`` bytes: nothing else may be packed as small as it likes.
    """
    try:
        with _opened(path) as archive:
            _check_entries(path, archive, forms)
            size = sum(entry.file_size for entry in archive.infolist())
            if size > most:
                raise JobError(f"{path} has {size} bytes unpacked, and {most} is the most that belongs here.",
                               START_AGAIN)
            return {name: _entry(archive, name) for name in forms}
    except _DAMAGE as error:
        raise _unreadable(path, error) from error


def require_digest(path: Path, found: str, wanted: str) -> None:
    """Raises JobError naming the file when its content does not have the digest it is named by."""
    if found != wanted:
        raise JobError(f"{path} does not hold what its name says (its digest is {found[:12]}...).", START_AGAIN)


def _opened(path: Path) -> zipfile.ZipFile:
    """A zip file whose list of contents is short, as ours is: zipfile reads all of it, and makes ten times as much of
    it, before anything can be asked.
    """
    with path.open("rb") as stream:
        stream.seek(max(stream.seek(0, os.SEEK_END) - 98, 0))
        last = stream.read()
    long = last[-42:-38] == _PLACE_64
    if last[-22:-18] != _END or last[-2:] != b"\0\0" or (long and last[:4] != _END_64):
        raise zipfile.BadZipFile("it does not end as a zip file of ours")
    if int.from_bytes(last[40:48] if long else last[-10:-6], "little") > HEADERS:
        raise zipfile.BadZipFile("it lists more than belongs into it")
    return zipfile.ZipFile(path)


def _check_entries(path: Path, archive: zipfile.ZipFile, forms: Mapping[str, Form]) -> None:
    found = sorted(archive.namelist())
    if found != sorted(f"{name}.npy" for name in forms):
        raise JobError(f"{path} holds {found!r:.200} instead of {sorted(forms)}.", START_AGAIN)
    for name, form in forms.items():
        with archive.open(f"{name}.npy") as stream:
            shape, dtype = _header(stream)
            whole = stream.tell() + _bytes(shape, dtype)
        _require(path, name, form, shape, dtype)
        if archive.getinfo(f"{name}.npy").file_size != whole:  # before memory is given to it
            raise JobError(f"{path} is not whole: '{name}' should have {whole} bytes.", START_AGAIN)


def _entry(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(f"{name}.npy") as stream:
        array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
        stream.read(1)  # reaching the end makes zipfile compare the checksum
    return array


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    if npy.read_magic(stream) != (1, 0):  # later ones are for headers of up to 4 GB; ours is a line
        raise ValueError("its header is of another version of numpy's format than 1.0")
    shape, _, dtype = npy.read_array_header_1_0(stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    return shape, dtype


def _bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    count = dtype.itemsize
    for side in shape:  # Python integers: a forged shape must not overflow into a small number
        count *= side
    return count


def _require(path: Path, name: str, form: Form, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if not form.accepts(dtype, shape):
        raise JobError(f"{path}: {name} is {dtype} of shape {shape}; it must be {form}.", START_AGAIN)


def _unreadable(path: Path, error: Exception) -> JobError:
    if isinstance(error, FileNotFoundError):
        return JobError(f"{path} is missing.", "Start a new training, and leave its files alone while it runs.")
    return JobError(f"{path} cannot be read: {error}.", START_AGAIN)
