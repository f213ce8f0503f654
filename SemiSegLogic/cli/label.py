"""``semiseg study label``: annotated slices out of a mask file."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import AXIS_NAMES, SliceIndex
from ..naming import counted, folded
from ..study import LabelError, Structures, Study, UnknownSegmentError, all_slices, drawn_slices, read_layers
from ..study.lock import user_name
from .output import Output, add_json

NUMBERS = re.compile(r"([0-9]+)(?:-([0-9]+))?")
MOST = 100_000
"""Slices named at once: more is a slip of the finger."""


def add(parts: Any) -> None:
    """The grammar."""
    label = parts.add_parser("label", help="import drawn slices from a mask file")
    label.add_argument("folder", type=Path, help="the study's folder")
    label.add_argument("case", help="the case's name, as 'semiseg study status' lists it")
    label.add_argument("mask", type=Path, help="a segmentation or label map on the grid of the case's image")
    label.add_argument("--slices", action="append", metavar="AXIS:N,N-N,...",
                       help="slices to import, e.g. k:10,20-25, numbered from 0 (default: those with something drawn; "
                            "'all': every slice)")
    label.add_argument("--axis", choices=AXIS_NAMES, default="k", help="axis of the drawn slices, without --slices")
    label.add_argument("--name", action="append", default=[], metavar="SEGMENT=STRUCTURE",
                       help="which structure of the study a segment of the mask is; give the segment by its name or "
                            "value; 0 leaves it out (default: segments by the same name, label maps by their values)")
    label.set_defaults(do=_label)
    add_json(label)


def _label(options: argparse.Namespace) -> None:
    study = Study.open(options.folder)
    case, structures = study.called(options.case), study.structures
    names = {**structures.names, **dict(_pair(item, structures) for item in options.name)}

    def chosen(label: NDArray[np.uint8]) -> Iterable[SliceIndex]:
        return _slices(options.slices, label, AXIS_NAMES.index(options.axis))

    before, out = set(case.places), Output(options.json)
    try:
        with out.working(f"Reading {options.mask.name}"):
            places = case.import_mask(read_layers(options.mask), chosen, user_name(), names)
    except UnknownSegmentError as error:
        raise LabelError(f"{error} On the command line: --name '{error.segment}=STRUCTURE', or --name "
                         f"'{error.segment}=0' to leave it out.") from error
    _tell(out, case.id, options.mask.name, places, before)


def _tell(out: Output, case: str, mask: str, places: list[SliceIndex], before: set[SliceIndex]) -> None:
    listed = ", ".join(f"{AXIS_NAMES[place.axis]}:{place.index}" for place in places[:12])
    text = f"{case}: {counted(len(places), 'slice')} taken from {mask} ({listed}{', ...' * (len(places) > 12)})."
    again = sorted(before.intersection(places))
    if again:
        text += (f" {len(again)} of them were done before; the earlier drawings are kept as a version ('semiseg study "
                 "versions').")
    out.event("labelled", text, case=case, slices=[[p.axis, p.index] for p in places],
              replaced=[[p.axis, p.index] for p in again])


def _pair(text: str, structures: Structures) -> tuple[str, int]:
    """``Head=Anterior`` as the segment's name and the structure's value. Raises LabelError."""
    segment, _, wanted = text.rpartition("=")
    by_name = {folded(name): value for name, value in structures.names.items()}
    value = by_name.get(folded(wanted), int(wanted) if re.fullmatch("[0-9]+", wanted) else -1)
    if not segment or value not in structures.values:
        raise LabelError(f"'{text}' does not say which structure a segment is. The structures are: "
                         f"{structures.in_words()}. Write it as --name SEGMENT=STRUCTURE, or --name SEGMENT=0 to leave "
                         "it out.")
    return segment, value


def _slices(chosen: list[str] | None, label: NDArray[np.uint8], axis: int) -> Iterable[SliceIndex]:
    """The slices named as ``k:10,20-25``; by default those with voxels along ``axis``; ``all`` is every slice."""
    if chosen is None:
        return drawn_slices(label, axis)
    k, j, i = label.shape
    if chosen == ["all"]:
        return all_slices((k, j, i), axis)
    return [place for item in chosen for place in _named(item)]


def _named(item: str) -> list[SliceIndex]:
    name, _, numbers = item.partition(":")
    ranges = [NUMBERS.fullmatch(part.strip()) for part in numbers.split(",")]
    ends = [(int(found[1]), int(found[2] or found[1])) for found in ranges if found]
    too_many = sum(last - first for first, last in ends) > MOST
    if name not in AXIS_NAMES or len(ends) < len(ranges) or any(a > b for a, b in ends) or too_many:
        raise LabelError(f"'{item}' gives no slices. Write an axis (k, j or i) and numbers, e.g. --slices k:10,20-25; "
                         "or --slices all for the whole mask.")
    return [SliceIndex(AXIS_NAMES.index(name), n) for first, last in ends for n in range(first, last + 1)]
