"""Names in plain letters for the program with which Slicer writes DICOM SEG, and back in the file."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path


def in_plain_letters(names: Sequence[str]) -> dict[str, str]:
    """By each of ``names`` how the program is to call it with which Slicer writes DICOM SEG: that refuses, or spoils,
    all but plain letters. Each is another one.
    """
    found = {name: name for name in names if name.isascii()}
    for name in names:
        near = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().strip() or "structure"
        every = (near if n == 1 else f"{near} {n}" for n in range(1, len(names) + 2))
        found.setdefault(name, next((one for one in every if one not in found.values()), near))
    return found


def put_names(path: Path, series: str, segments: Mapping[str, str]) -> None:
    """Call the file's series, and its segments by what they are called there, as people do: all its text is UTF-8
    afterwards. Raises KeyError naming a segment that is none of these.
    """
    import pydicom

    data = pydicom.dcmread(path)
    data.decode()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SeriesDescription = series
    for item in data.SegmentSequence:
        item.SegmentLabel = segments[str(item.SegmentLabel)]
    data.save_as(path)
