"""Where what people drew contradicts itself, so that a model cannot follow both: said before training, in words.

A case has one label array, so where two judged slices cross, the one judged last has the word. What the other slice
said there can still be seen on both sides of the line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..geometry import AXIS_NAMES, SliceIndex, plane, slice_mask
from .annotations import AnnotatedSlice
from .case import Case

NEAR = 3
"""Slices: how far another slice may be to be taken as a neighbour."""
LEAST_VOXELS, LEAST_SHARE = 4, 0.25
"""Of a line where two slices cross: fewer contradicting voxels, or a smaller part of the structures there, are borders
drawn a little differently. How often that is wrong on experts' labels: Testing/benchmarks/decisions/contradictions.py.
"""
SENTENCES = {
    "gap": "Slices of {case} marked 'nothing here' that lie between two slices with a structure: {slices}. Check them.",
    "others": "Slices of {case} that {who} marked 'nothing here', although other people drew a structure on both "
              "sides: {slices}. Agree on one reading.",
    "crossing": "In {case}, slices {slices} disagree along the line where they cross. Look at both, and correct one.",
    "twins": "{case} and {other} are the same image with different drawings: the model cannot learn both. Remove one "
             "of them.",
}  # fmt: skip
"""What is said of each kind of contradiction; a screen may have them in another language."""


@dataclass(frozen=True)
class Contradiction:
    """``kind`` is one of SENTENCES; ``slices`` of the case are concerned ("crossing": the worst two); ``other`` names
    the other case where the kind is "twins".
    """

    kind: str
    case: Case
    slices: tuple[AnnotatedSlice, ...] = ()
    other: str = ""

    def words(
        self, called: Callable[[AnnotatedSlice], str] | None = None, sentences: Mapping[str, str] = SENTENCES
    ) -> str:
        """A sentence. ``called`` names a slice; by default as the command line does, ``k = 12``."""
        authors = sorted({item.author for item in self.slices})
        several = len(authors) > 1
        names = [(called or _called)(item) + (f" ({item.author})" if several else "") for item in self.slices]
        return sentences[self.kind].format(
            case=self.case.name, slices=", ".join(names), other=self.other, who=" and ".join(authors)
        )


def contradictions(cases: Iterable[Case]) -> Iterator[Contradiction]:
    """All there are in these cases. Labels are read where slices could contradict each other. Raises LabelError."""
    same: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.places:
            same[case.digest].append(case)
            yield from _within(case)
    for group in same.values():
        for one, other in combinations(group, 2):
            if _differ(one, other):
                yield Contradiction("twins", one, other=other.name)


def _within(case: Case) -> Iterator[Contradiction]:
    slices, label = case.annotated, cache(case.labels)
    gaps: dict[str, list[AnnotatedSlice]] = {"gap": [], "others": []}
    for item in slices:
        sides = [_nearest_drawn(slices, item, step) for step in (-1, 1)]
        kind = _kind_of_gap(item, [side for side in sides if side is not None], label)
        if kind:
            gaps[kind].append(item)
    for kind, found in gaps.items():
        if found:
            yield Contradiction(kind, case, tuple(found))
    worst = worst_crossing(slices, label)
    if worst is not None:
        yield Contradiction("crossing", case, worst)


# --- a slice called empty in the middle of a structure ---------------------------------------------------------


def _nearest_drawn(slices: Sequence[AnnotatedSlice], item: AnnotatedSlice, step: int) -> AnnotatedSlice | None:
    """The nearest slice with something drawn, before (-1) or after (1) an empty one."""
    there = [other for other in slices if other.axis == item.axis and other.state == "drawn"
             and 0 < (other.index - item.index) * step <= NEAR]
    return min(there, key=lambda other: abs(other.index - item.index), default=None)


def _kind_of_gap(
    item: AnnotatedSlice, sides: list[AnnotatedSlice], label: Callable[[], NDArray[np.uint8]]
) -> str:
    """"others" where other people's slices on both sides show a structure at one place, "gap" where those right beside
    it show any; "" for neither.
    """
    if item.state != "empty" or len(sides) < 2:
        return ""
    if item.author not in {side.author for side in sides}:
        first, second = (plane(label(), side.place) for side in sides)
        if ((first == second) & (first != 0)).any():
            return "others"
    return "gap" if all(abs(side.index - item.index) == 1 for side in sides) else ""


# --- two slices that cross -------------------------------------------------------------------------------------


def worst_crossing(
    slices: Sequence[AnnotatedSlice], label: Callable[[], NDArray[np.uint8]]
) -> tuple[AnnotatedSlice, AnnotatedSlice] | None:
    """The pair of judged slices of ``label()`` (k, j, i) that contradicts itself on most voxels of its line; None where
    none does.
    """
    judged = {axis: {item.index for item in slices if item.axis == axis} for axis in range(3)}
    worst, most = None, 0
    for one, other in combinations(slices, 2):
        if one.axis != other.axis:
            voxels = _contradicting(label(), one.place, other.place, judged)
            worst, most = ((one, other), voxels) if voxels > most else (worst, most)
    return worst


def _contradicting(
    label: NDArray[np.uint8], one: SliceIndex, other: SliceIndex, judged: Mapping[int, Collection[int]]
) -> int:
    """Voxels of the line where two slices cross on which one of them says what the other's sides deny; 0 where they
    are few.
    """
    here = _line(label, one, other)
    views = [_sides(label, one, other, judged), _sides(label, other, one, judged)]
    if any(view is None for view in views):
        return 0
    (first, first_known), (second, second_known) = (view for view in views if view is not None)
    torn = first_known & second_known & (first != second) & ((here == first) | (here == second))
    shown = (here > 0) | (first_known & (first > 0)) | (second_known & (second > 0))
    count = int(torn.sum())
    return count if count >= max(LEAST_VOXELS, LEAST_SHARE * int(shown.sum())) else 0


def _sides(
    label: NDArray[np.uint8], one: SliceIndex, crossing: SliceIndex, judged: Mapping[int, Collection[int]]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]] | None:
    """What slice ``one`` itself says beside the line of ``crossing``, and where both sides say the same; None where
    other judged slices, or the border, leave no side.
    """
    axis, size = crossing.axis, label.shape[crossing.axis]
    found = []
    for step in (-1, 1):
        beside = (crossing.index + step * far for far in range(1, NEAR + 1))
        index = next((n for n in beside if n not in judged[axis]), -1)
        if not 0 <= index < size:
            return None
        found.append(_line(label, one, SliceIndex(axis, index)))
    return found[0], found[0] == found[1]


def _line(label: NDArray[np.uint8], one: SliceIndex, other: SliceIndex) -> NDArray[np.uint8]:
    """The voxels that two slices along different axes share, (n,)."""
    place: list[slice | int] = [slice(None)] * 3
    place[one.axis], place[other.axis] = one.index, other.index
    return np.asarray(label[tuple(place)])


# --- the same image twice --------------------------------------------------------------------------------------


def _differ(one: Case, other: Case) -> bool:
    both = slice_mask(one.grid.shape, one.places) & slice_mask(other.grid.shape, other.places)
    return bool((one.labels()[both] != other.labels()[both]).any())


def _called(item: AnnotatedSlice) -> str:
    return f"{AXIS_NAMES[item.axis]} = {item.index}"
