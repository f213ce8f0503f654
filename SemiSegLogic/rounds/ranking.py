"""Where to look next: the job's ranking of slices, in the study's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..geometry import Grid, SliceIndex, gap_between
from ..job import JobError, JobFolder
from ..study import Case, Study


@dataclass(frozen=True)
class NextSlice:
    """A slice worth a look: the study case's id, the plane, why, and the score it was ranked by."""

    case: str
    place: SliceIndex
    reason: str
    score: float


def next_slices(study: Study, names: Mapping[str, str], job: JobFolder) -> list[NextSlice]:
    """The ranking of ``job``, best first, without slices that have been annotated since, or lie so close to one that
    they would show the same; ``names`` job case -> study case id. Raises JobError naming a damaged file.
    """
    ranking = job.ranking()
    there = _there(study, names, job) if ranking else {}
    found = []
    for item in ranking:
        try:
            place, reason, score = SliceIndex(item["axis"], item["index"]), str(item["reason"]), float(item["score"])
            name = str(item["case"])
        except (KeyError, TypeError, ValueError) as error:
            raise JobError(f"{job.outputs / 'ranking.json'} holds no slice in {item!r:.120}.",
                           "Train again, with the same SemiSeg on every computer.") from error
        if name in there and not _is_settled(*there[name], place):
            found.append(NextSlice(names[name], place, reason, score))
    return found


def is_case(job: JobFolder, name: str, case: Case) -> bool:
    """Whether what the job calls ``name`` is this very case, and not one whose folder got its name."""
    return job.spec().case(name).image == case.digest


def _there(study: Study, names: Mapping[str, str], job: JobFolder) -> dict[str, tuple[Grid, list[SliceIndex]]]:
    """Grid and annotated slices of the job's cases that the study still has, by what the job calls them."""
    cases = {case.id: case for case in study.cases}
    return {name: (case.grid, case.places) for name, case_id in names.items()
            if (case := cases.get(case_id)) is not None and is_case(job, name, case)}


def _is_settled(grid: Grid, annotated: Sequence[SliceIndex], place: SliceIndex) -> bool:
    """Whether the slice is annotated, or another one that is hardly to be told from it."""
    gap = gap_between(grid.spacing[place.axis], grid.shape[place.axis])
    return any(other.axis == place.axis and abs(other.index - place.index) <= gap for other in annotated)
