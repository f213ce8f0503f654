"""Is a NIfTI file whole? ITK fills the missing end of a cut file with zeros and says nothing; so we count."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from ..errors import ImageError

CHUNK = 1 << 20
SHORTEST, HEADER = 348, 540


def is_nifti(path: Path) -> bool:
    """By its name."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def check_whole(path: Path) -> None:
    """Raises ImageError when a NIfTI file is shorter than its header says; other files pass."""
    if not is_nifti(path):
        return
    zipped = path.name.lower().endswith(".gz")
    try:
        with (gzip.open(path) if zipped else path.open("rb")) as stream:
            header = stream.read(HEADER)
            expected, found = _expected_bytes(header), len(header) + _count(cast(BinaryIO, stream))
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise ImageError(f"{path} is damaged: {error or 'cannot be unpacked'}. Copy it again from where it "
                         "came.") from error
    if found < expected:
        raise ImageError(f"{path} is cut short: {found} of {expected} bytes are there. Copy it again from where it "
                         "came.")


def _expected_bytes(header: bytes) -> int:
    """Header and voxels, from the header of NIfTI 1 or 2 in either byte order. Raises struct.error on neither."""
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
        return int(offset) + math.prod(max(1, n) for n in sizes[1:1 + sizes[0]]) * bits // 8
    raise struct.error("it does not begin with a NIfTI header")


def _count(stream: BinaryIO) -> int:
    total = 0
    while part := stream.read(CHUNK):
        total += len(part)
    return total
