"""Where to look next: the job's ranking of slices, in the study's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..geometry import SliceIndex
from ..job import JobError, JobFolder
from ..study import Study


@dataclass(frozen=True)
class NextSlice:
    """A slice worth a look: the study case's id, the plane, why, and the score it was ranked by."""

    case: str
    place: SliceIndex
    reason: str
    score: float


def next_slices(study: Study, names: Mapping[str, str], job: JobFolder) -> list[NextSlice]:
    """The ranking of ``job``, best first, without slices that have been annotated since; ``names`` job case -> study
    case id. Raises JobError naming a damaged file.
    """
    annotated = {case.id: set(case.places) for case in study.cases}
    found = []
    for item in job.ranking():
        try:
            place, reason, score = SliceIndex(item["axis"], item["index"]), str(item["reason"]), float(item["score"])
            case = names.get(item["case"], "")
        except (KeyError, TypeError, ValueError) as error:
            raise JobError(f"{job.outputs / 'ranking.json'} holds no slice in {item!r:.120}.",
                           "Train again, with the same SemiSeg on every computer.") from error
        if case in annotated and place not in annotated[case]:
            found.append(NextSlice(case, place, reason, score))
    return found
