"""What people drew: whether there is enough to learn from, and whether it agrees with itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from ..geometry import SliceIndex
from ..seeing import Seeing
from ..study import Case, Study
from ..study.contradictions import contradictions
from ..study.values import SPECK, counts_of
from .finding import Finding, Place, Saying
from .sentences import AS_IT_IS

LEAST_SHOWING = 4
"""Slices with a structure below which none is kept aside to measure (engine/quality/holding_out)."""
FEW = 4
"""One of so many cases, or fewer, is where patches are aimed at a structure more often (engine/data/repeats)."""


def of_labels(study: Study, cases: list[Case]) -> Iterator[Finding]:
    """Raises LabelError."""
    judged = [case for case in cases if case.places]
    if not judged:
        yield Finding("nothing_done", level="stop")
    elif not len(study.structures):
        yield Finding("no_structures", level="stop")
    else:
        yield from _structures(study, judged)
        yield from _across(cases)
        for found in contradictions(judged):
            yield Finding(AS_IT_IS, {"text": found})
        yield from _amount(judged, cases)


# --- structures -----------------------------------------------------------------------------------------------


def _structures(study: Study, judged: list[Case]) -> Iterator[Finding]:
    users: dict[int, list[str]] = defaultdict(list)
    voxels = np.zeros(256, np.int64)
    for case in judged:
        counts = counts_of(case.labels())
        voxels += counts
        for value in np.flatnonzero(counts).tolist():
            users[value].append(case.name)
    drawn = [item for item in study.structures if users[item.value]]
    if not drawn:
        yield Finding("nothing_drawn", level="stop")
        return
    for item in drawn:
        if voxels[item.value] <= SPECK:
            values = {"name": item.name, "n": int(voxels[item.value]), "cases": users[item.value]}
            yield Finding("hardly_drawn", values)
    yield from _missing([item.name for item in study.structures if item not in drawn])
    more = [(item.name, users[item.value]) for item in drawn if voxels[item.value] > SPECK]
    yield from _in_few([(name, cases) for name, cases in more if are_few(len(cases), len(judged))])


def are_few(cases: int, judged: int) -> bool:
    """Whether a structure drawn in so many of the ``judged`` cases may have been forgotten in the others."""
    return cases < judged and (cases == 1 or FEW * cases <= judged)


def _missing(names: list[str]) -> Iterator[Finding]:
    """The structures that nobody drew, in one finding: a study may have a hundred."""
    if len(names) == 1:
        yield Finding("missing", {"name": names[0]})
    elif names:
        yield Finding("several_missing", {"n": len(names), "names": names})


def _in_few(names: list[tuple[str, list[str]]]) -> Iterator[Finding]:
    """The structures that are drawn in few cases, each with those, in one finding."""
    told = [{"name": name, "cases": cases} for name, cases in names]
    if len(told) == 1:
        yield Finding("in_few", told[0])
    elif told:
        yield Finding("several_in_few", {"n": len(told), "names": [Saying("named_in", item) for item in told]})


# --- slices ---------------------------------------------------------------------------------------------------


def _across(cases: list[Case]) -> Iterator[Finding]:
    """Slices from which nothing is learned, as volumes of thick slices are seen slice by slice."""
    seeing = Seeing.of([(case.grid, case.places) for case in cases])
    lost = {case.id: [place for place in case.places if not seeing.teaches(case.grid, place)] for case in cases}
    concerned = [case for case in cases if lost[case.id]]
    if concerned:
        first = concerned[0]
        axis = seeing.axis(first.grid)
        told = [Saying("slices_of", {"case": case.name, "slices": [Place(case, place) for place in lost[case.id]]})
                for case in concerned]
        example = Place(first, SliceIndex(axis, first.grid.shape[axis] // 2))
        every = all(len(lost[case.id]) == len(case.places) for case in cases)
        yield Finding("all_across" if every else "across", {"slices": told, "example": example},
                      "stop" if every else "warning")


def _amount(judged: list[Case], cases: list[Case]) -> Iterator[Finding]:
    slices = sum(len(case.places) for case in judged)
    showing = sum(item.state == "drawn" for case in judged for item in case.annotated)
    yield Finding("amount", {"slices": slices, "cases": len(judged), "all": len(cases)}, "good")
    if len(cases) == 1:
        yield Finding("one_case")
    elif showing < LEAST_SHOWING:
        yield Finding("few_slices", {"n": showing})
