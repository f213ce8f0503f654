"""Whether the frames of one DICOM file are one volume. ITK looks at some of them only: of frames with a gap it makes a
stack at the origin with a spacing of 1 mm, of two time steps one volume, and a scale of each frame it forgets.

SimpleITK shows no sequences of DICOM, so the few numbers are read from the bytes: the item of a "functional group"
begins with them.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import ImageError
from .stacks import EVENNESS

PLACES, POSITION = b"\x20\x00\x13\x91", b"\x20\x00\x32\x00"
SCALES, INTERCEPT, SLOPE = b"\x28\x00\x45\x91", b"\x28\x00\x52\x10", b"\x28\x00\x53\x10"
ITEM, PIXELS = rb"(?:SQ\0\0)?.{4}\xfe\xff\x00\xe0.{4}", b"\xe0\x7f\x10\x00"
"""What stands between the tag of a sequence and its first element; and the tag of the pixels."""


def check_frames(image: sitk.Image, file: Path) -> None:
    """Raises ImageError when ``file`` says that its frames lie otherwise than in ``image``, as it was read, or that
    they have scales of their own.
    """
    if image.GetSize()[-1] < 2:
        return
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        places, scales = _told(data, PLACES, [POSITION]), _told(data, SCALES, [INTERCEPT, SLOPE])
    if len(set(scales)) > 1:
        raise ImageError(f"{file} scales the grey values of its frames differently, as can happen with PET. Export the "
                         "series again as one file per slice.")
    if len(places) > 1 and not _lie_there(image, [numbers for (numbers,) in places]):
        raise ImageError(f"{file}: its frames ({len(places)}) do not follow each other in equal steps, as the slices "
                         "of one volume do (there is a gap, another order, time steps or several echoes). Export the "
                         "series again as one file per slice, or save one volume of it as NRRD.")


def _lie_there(image: sitk.Image, places: list[tuple[float, ...]]) -> bool:
    """Whether each slice of ``image`` lies where its frame was."""
    if len(places) != image.GetSize()[2] or any(len(place) != 3 for place in places):
        return False
    there = [image.TransformIndexToPhysicalPoint((0, 0, k)) for k in range(len(places))]
    off = np.linalg.norm(np.array(there) - np.array(places), axis=1)
    return bool(off.max() <= EVENNESS * image.GetSpacing()[2])


def _told(data: mmap.mmap, sequence: bytes, tags: Sequence[bytes]) -> list[tuple[tuple[float, ...], ...]]:
    """The numbers of the elements ``tags``, with which the items of ``sequence`` begin, in the order of the file."""
    end = data.rfind(PIXELS)
    found = []
    for match in re.compile(re.escape(sequence) + ITEM, re.DOTALL).finditer(data, 0, end if end > 0 else len(data)):
        at, numbers = match.end(), []
        for tag in tags:
            value, at = _element(data, at, tag)
            numbers.append(value)
        found.append(tuple(numbers))
    return found


def _element(data: mmap.mmap, at: int, tag: bytes) -> tuple[tuple[float, ...], int]:
    """The numbers of the element at ``at`` and where the next one begins; none when it is another element."""
    head = data[at:at + 8]
    if len(head) < 8 or head[:4] != tag:
        return (), at
    length = struct.unpack("<H", head[6:])[0] if head[4:6] == b"DS" else struct.unpack("<I", head[4:])[0]
    stop = at + 8 + min(length, 100)
    try:
        return tuple(float(part) for part in data[at + 8:stop].split(b"\\")), stop
    except ValueError:
        return (), stop
