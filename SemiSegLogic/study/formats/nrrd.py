"""Can an NRRD file be what its header says? ITK believes it: it fills memory with gigabytes that a file of a few bytes
cannot hold, and more axes than it knows end the whole program.
"""

from __future__ import annotations

import math
import os
import re
from pathlib import Path

from ..errors import ImageError, unreadable

MAGIC = b"NRRD000"
LONGEST_HEADER = 1 << 22
SEGMENT = re.compile(rb"^(Segment\d+_\w+|SemiSeg_Structure_\d+):=", re.MULTILINE)
MOST_AXES = 5
DENSEST = 1032
"""How many times smaller than the voxels a zipped file is at most."""


def check_claims(path: Path) -> None:
    """Raises ImageError where an NRRD file says of itself more than it can hold; other files pass."""
    header = _header(path)
    if header:
        _check(path, _fields(header))


def is_segmentation(path: Path) -> bool:
    """Whether an NRRD file says that it holds segments, as those do that Slicer saves, and our label maps. Raises
    ImageError where nobody may look.
    """
    return bool(os.path.isfile(path) and SEGMENT.search(_header(path)))


def _header(path: Path) -> bytes:
    """The header of an NRRD file, which ends with an empty line; nothing of other files."""
    try:
        with path.open("rb") as stream:
            found = stream.read(LONGEST_HEADER) if stream.read(len(MAGIC)) == MAGIC else b""
    except OSError as error:
        raise unreadable(path, error) from error
    return re.split(rb"\r?\n\r?\n", found, maxsplit=1)[0]


def _check(path: Path, fields: dict[str, str]) -> None:
    sides = [int(side) for side in re.findall(r"\d{1,30}", fields.get("sizes", ""))]
    if len(sides) > MOST_AXES or fields.get("dimension", "1") not in "12345":
        raise ImageError(f"{path} has more than {MOST_AXES} axes; two or three are needed. Save one volume of it (one "
                         "time step) and add that.")
    voxels, there = math.prod(sides), _bytes_there(path, fields)
    if there is not None and voxels > there * (DENSEST if "z" in fields.get("encoding", "").lower() else 1):
        raise ImageError(f"{path} is damaged: its header announces {voxels} voxels, and the file has {there} bytes. "
                         "Copy it again from where it came.")


def _fields(header: bytes) -> dict[str, str]:
    """The fields of a header; keys in small letters."""
    text = header.decode(errors="replace")
    pairs = (line.partition(": ") for line in text.splitlines() if not line.startswith("#"))
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _bytes_there(path: Path, fields: dict[str, str]) -> int | None:
    """The size of the file with the voxels; None where that is not known: there are several, or none."""
    name = fields.get("data file", fields.get("datafile"))
    try:
        return (path if name is None else path.parent / name).stat().st_size
    except OSError:
        return None
