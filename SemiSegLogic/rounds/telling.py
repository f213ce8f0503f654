"""A run is told what was drawn since: whoever drew it, in whichever window, whether or not the run was on its way."""

from __future__ import annotations

from collections.abc import Mapping

from ..job import JobFolder
from ..study import Case, Study, StudyError
from ..study.values import values_of
from .ranking import is_case


class AddedLaterError(StudyError):
    """A case, or a structure drawn in it, came to the study after a run was begun, which cannot learn from it."""


class Teller:
    """Tells ``job`` of the labels of ``study``; ``cases`` job case -> study case id."""

    def __init__(self, study: Study, cases: Mapping[str, str], job: JobFolder) -> None:
        self.study, self.job = study, job
        self._names = {case_id: name for name, case_id in cases.items()}

    def catch_up(self) -> dict[str, StudyError]:
        """Tell of every case whose labels are another version than was told; by case of what could not be told, and
        why: AddedLaterError (of a structure once for each version), or LabelError where they are damaged. Raises
        JobError, FileError.
        """
        damaged = self.job.damaged_labels()  # of which case they told cannot be known: all are told of once more
        told, untold, numbers = {} if damaged else self.job.told, {}, [0]
        for case in self.study.cases:
            try:
                changed = case.version != told.get(self._names.get(case.id, ""), "")
                if changed and self.job.spec().kind != "predict":  # the order is long, and this is asked every second
                    numbers.append(self.tell(case))
            except StudyError as error:
                untold[case.id] = error
        for n in damaged:
            if numbers[-1] > n:
                self.job.replace_labels(n, by=numbers[-1])
        return untold

    def tell(self, case: Case) -> int:
        """Tell of the present labels of ``case``; returns their number. Raises AddedLaterError, LabelError, JobError,
        FileError.
        """
        name = self._names.get(case.id)
        if name is None or not is_case(self.job, name, case):
            raise AddedLaterError(f"Case {case.id} is not part of the training {self.job.root.name}: it was added "
                                  "later. Train again.")
        version = case.version  # before the labels are read: what is saved in between is told the next time
        try:
            number = self._add(name, case)
        except AddedLaterError:  # for good: no need to read all that is drawn there again and again
            self.job.note_told({name: version})
            raise
        self.job.note_told({name: version})
        return number

    def _add(self, name: str, case: Case) -> int:
        known, planes = set(self.job.spec().values), case.planes()
        if any(not known.issuperset(values_of(plane)) for plane in planes.values()):
            raise AddedLaterError(f"A structure in case {case.id} is not part of the training {self.job.root.name}: it "
                                  "was added later. Train again.")
        return self.job.add_labels(name, planes)
