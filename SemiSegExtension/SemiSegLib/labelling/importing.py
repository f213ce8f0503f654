"""An existing mask becomes annotation: which of its segments is which structure, and on which slices it counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.geometry import IGNORE, SliceIndex

from ..ports import OpenCase, Shown
from ..words import _
from . import casework
from .annotations import slice_numbers
from .segment_list import free_name

if TYPE_CHECKING:
    from SemiSegLogic.study import Case, LayeredMask, Study

LEAVE_OUT, NEW = "", "+"
"""What a segment can become besides a structure, which is given by its name."""
DRAWN, WHOLE, CHOSEN = range(3)
"""Slices on which the mask counts: those with something drawn, every one, those that the person names."""


@dataclass(frozen=True)
class Answer:
    """What the person said: ``table`` segment name -> structure name, NEW or LEAVE_OUT; ``which`` slices along
    ``axis``; ``numbers`` as typed, from 1.
    """

    table: Mapping[str, str]
    which: int = DRAWN
    axis: int = 0
    numbers: str = ""


@dataclass(frozen=True)
class Imported:
    """The case as it is then, the slices that came in, and those of them that had been judged before."""

    opened: OpenCase
    slices: list[SliceIndex]
    replaced: set[SliceIndex] = field(default_factory=set)


class MaskSource(Protocol):
    """Where a mask comes from. ``name``: what people call it."""

    @property
    def name(self) -> str: ...

    def copy_on(self) -> bool:
        """Copy a piece of it, on the main thread; whether all is there that :meth:`read` needs. Raises ValueError in
        words where it was changed meanwhile.
        """
        ...

    def names(self) -> list[str]:
        """Of its segments; of a label map the values. On any thread. Raises LabelError in words."""
        ...

    def read(self) -> LayeredMask:
        """On any thread. Raises LabelError in words."""
        ...


@dataclass(frozen=True)
class MaskFile:
    """A mask in a file."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    def copy_on(self) -> bool:
        """A file needs no copy."""
        return True

    def names(self) -> list[str]:
        return [segment.name for segment in self.read().segments()]

    def read(self) -> LayeredMask:
        from SemiSegLogic.study import read_layers  # when one is imported: opening the module needs it not

        return read_layers(self.path)


def guess(names: Sequence[str], structures: Sequence[Shown], remembered: str) -> dict[str, str]:
    """For each segment the structure it was mapped to the last time, else the one of its name or value, else the only
    one there is; NEW where a name says something new. ``remembered`` as :func:`remember` made it.
    """
    from SemiSegLogic.naming import folded  # with the study: opening the module needs neither

    known = {folded(item.name): item.name for item in structures}
    by_value = {str(item.value): item.name for item in structures}
    last = {name: target for name, target in _table(remembered).items() if folded(target) in known}
    only = structures[0].name if len(structures) == len(names) == 1 else None
    return {
        name: last.get(name) or known.get(folded(name)) or by_value.get(name) or only
        or (LEAVE_OUT if name.isdigit() else NEW)
        for name in names
    }


def remember(answer: Answer, before: str) -> str:
    """The table as text for the next time, with what was known ``before``; the 200 newest names."""
    told = {name: target for name, target in answer.table.items() if target not in (LEAVE_OUT, NEW)}
    kept = {name: target for name, target in _table(before).items() if name not in told}
    return json.dumps(dict([*kept.items(), *told.items()][-200:]))


def parse_numbers(text: str, count: int) -> list[int]:
    """``12, 20-25`` as slice indices from 0. Raises ValueError naming what is no slice of ``count``."""
    found: set[int] = set()
    for part in text.replace(";", ",").split(","):
        ends = [end.strip() for end in part.split("-")]
        if not all(end.isdigit() for end in ends) or len(ends) > 2:
            raise ValueError(_(
                "'{text}' is not a slice number. Write numbers like this: 12, 20-25."
            ).format(text=part.strip()))
        low, high = int(ends[0]), int(ends[-1])
        if not 1 <= low <= high <= count:
            raise ValueError(_("There is no slice {text}; this case has 1 to {n}.").format(text=part.strip(), n=count))
        found.update(range(low - 1, high))
    return sorted(found)


def import_mask(
    study: Study, case: Case, source: MaskSource, answer: Answer, author: str, panel: str
) -> Imported:
    """Take the mask's slices as judged by ``author``; a version is kept. Raises StudyError, ValueError in words."""
    wanted = None if answer.which != CHOSEN else parse_numbers(answer.numbers, case.grid.shape[answer.axis])
    before, mask = set(case.places), source.read()

    def choose(label: NDArray[np.uint8]) -> Iterable[SliceIndex]:
        slices = _chosen(label, answer, wanted)
        _must_cover(label, slices, source.name, any(layer.any() for layer in mask.layers))
        return slices

    slices = casework.patiently(lambda: case.import_mask(mask, choose, author, _names(study, answer)))
    return Imported(casework.reload(case, panel), slices, before & set(slices))


def _chosen(label: NDArray[np.uint8], answer: Answer, wanted: list[int] | None) -> list[SliceIndex]:
    if answer.which == DRAWN:
        others = tuple(axis for axis in range(3) if axis != answer.axis)
        drawn = ((label != 0) & (label != IGNORE)).any(axis=others)
        return [SliceIndex(answer.axis, int(n)) for n in np.flatnonzero(drawn)]
    return [SliceIndex(answer.axis, n) for n in (wanted if wanted is not None else range(label.shape[answer.axis]))]


def _must_cover(label: NDArray[np.uint8], slices: list[SliceIndex], name: str, drawn: bool) -> None:
    """Raises LabelError when the mask leaves part of a slice open: only a whole slice can be judged."""
    from SemiSegLogic.study import LabelError

    if not slices and not drawn:
        raise LabelError(_("Nothing is drawn in {name}.").format(name=name))
    if not slices:
        raise LabelError(_(
            "Nothing of {file} was imported, because all of it is left out. Choose a structure for at least one "
            "segment."
        ).format(file=name))
    open_ = [place for place in slices if (np.take(label, place.index, place.axis) == IGNORE).any()]
    if open_:
        text = _(
            "Slices that {file} covers only in part: {numbers}. The mask ends inside the image, or marks voxels as not "
            "judged (value {open}). Only whole slices can be imported. Choose slices that the mask covers completely, "
            "or first export it in Slicer with this image as the reference volume."
        )
        raise LabelError(text.format(file=name, numbers=slice_numbers(set(open_)), open=IGNORE))


def _names(study: Study, answer: Answer) -> dict[str, int]:
    """Segment name -> label value; what is new becomes a structure first. Raises StudyError."""
    made: dict[str, str] = {}
    for name in [name for name, target in answer.table.items() if target == NEW]:
        made[name] = study.add_structure(free_name(name, study.structures.names)).name
    values = study.structures.names
    return {
        name: 0 if target == LEAVE_OUT else values[made.get(name, target)] for name, target in answer.table.items()
    }


def _table(text: str) -> dict[str, str]:
    try:
        kept = json.loads(text or "{}")
    except ValueError:
        return {}
    return {str(name): str(target) for name, target in kept.items()} if isinstance(kept, dict) else {}


