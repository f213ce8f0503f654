"""Is a NIfTI file whole? ITK fills the missing end of a cut file with zeros and says nothing; so we count."""

from __future__ import annotations

import contextlib
import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from ..errors import ImageError

CHUNK = 1 << 20
SHORTEST, HEADER, FURTHEST = 348, 540, 2**40
PAIR = (".hdr", ".img")


def is_nifti(path: Path) -> bool:
    """By its name."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def check_whole(path: Path) -> None:
    """Raises ImageError when the voxels of a NIfTI file, or of a pair of files (``.hdr`` and ``.img``, as Analyze has
    them too), are fewer than the header says; other files pass.
    """
    if is_nifti(path):
        _check(path, path)
    elif (stem := _stem_of_pair(path)) is not None:
        header, voxels = (_half(path, stem, ending) for ending in PAIR)
        if _is_header(header):  # other programs call other things so: ITK knows those, or refuses them
            _check(header, voxels)


def _check(header: Path, voxels: Path) -> None:
    """``voxels`` is the file with the voxels, which may be that of the ``header``."""
    try:
        least = SHORTEST if header == voxels else 0
        expected, found = _expected_bytes(_unpacked(header, HEADER), least), _size(voxels)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise ImageError(f"{voxels} is damaged: {error or 'cannot be unpacked'}. Copy it again from where it "
                         "came.") from error
    if found < expected:
        raise ImageError(f"{voxels} is cut short: {found} of {expected} bytes are there. Copy it again from where it "
                         "came.")


def _stem_of_pair(path: Path) -> str | None:
    """The name without ``.hdr`` or ``.img``, zipped or not; None for other files."""
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    return name[:-4] if name.lower().endswith(PAIR) else None


def _half(path: Path, stem: str, ending: str) -> Path:
    """The file beside ``path`` that has this part of a pair. Raises ImageError when there is none."""
    zipped = f"{ending}.gz"
    wanted = [path.with_name(stem + one) for one in (ending, zipped, ending.upper(), zipped.upper())]
    for half in wanted:
        if half.exists():
            return half
    raise ImageError(f"{path} is half of a pair of files; the other, {wanted[0].name}, is not beside it. Copy both.")


def _is_header(path: Path) -> bool:
    with contextlib.suppress(OSError, EOFError, zlib.error, struct.error):
        _expected_bytes(_unpacked(path, HEADER), 0)
        return True
    return False


def _expected_bytes(header: bytes, least: int) -> int:
    """Header and voxels, from the header of NIfTI 1 or 2 in either byte order. Raises struct.error on neither, or where
    the voxels begin before byte ``least``: ITK would take the header for some.
    """
    if len(header) < SHORTEST:
        raise struct.error(f"only {len(header)} bytes are in it, fewer than a header has")
    for order in "<>":
        size = struct.unpack_from(order + "i", header)[0]
        if size == 348:
            sizes, bits = struct.unpack_from(order + "8h", header, 40), struct.unpack_from(order + "h", header, 72)[0]
            offset = struct.unpack_from(order + "f", header, 108)[0]
        elif size == 540:
            sizes, bits = struct.unpack_from(order + "8q", header, 16), struct.unpack_from(order + "h", header, 14)[0]
            offset = struct.unpack_from(order + "q", header, 168)[0]
        else:
            continue
        if not least <= offset < FURTHEST:  # NaN neither
            raise struct.error(f"its voxels are said to begin at byte {offset:g}")
        return int(offset) + math.prod(max(1, n) for n in sizes[1:1 + sizes[0]]) * bits // 8
    raise struct.error("it does not begin with a NIfTI header")


def _opened(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb"))


def _unpacked(path: Path, count: int) -> bytes:
    """The first ``count`` bytes, or as many as there are."""
    with _opened(path) as stream:
        return stream.read(count)


def _size(path: Path) -> int:
    """How many bytes there are, unpacked."""
    total = 0
    with _opened(path) as stream:
        while part := stream.read(CHUNK):
            total += len(part)
    return total
