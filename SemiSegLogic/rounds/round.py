"""A run of a study: handed over as a job, followed, collected."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Self

from ..job import JobFolder, clean
from ..settings import Settings, Training
from ..study import Case, Study, StudyError
from .collecting import collect, note_overtaken
from .handing_over import OnProgress, hand_over
from .jobs import jobs_folder
from .order import Order, require_cases, require_drawing, require_structures
from .passing import note_wanted, tidy_passing
from .ranking import NextSlice, next_slices
from .run_folder import RunFolder
from .starting import require_usable
from .telling import Teller


def _to_nobody(done: int, of: int) -> None:
    """Nobody asked how far it is."""


class Round:
    """A run of a study: ``folder`` is models/<run> in the study, ``job`` the job folder of the same name."""

    def __init__(self, study: Study, folder: Path, jobs: Path):
        self.study, self.folder = study, folder
        self.job = JobFolder(jobs / folder.name)
        self._kept = RunFolder(folder)

    @classmethod
    def begin(
        cls, study: Study, training: Training, method: str, settings: Settings | None = None, *,
        jobs: Path | None = None, open_case: str | None = None, start_from: Path | None = None,
        on_progress: OnProgress = _to_nobody,
    ) -> Self:
        """Hand the study over as a training job, ready to be submitted to a backend.

        ``open_case`` is the study case on screen, ``start_from`` the model.pt of an earlier round. Raises StudyError
        when nothing is annotated, there is no structure, or the model is damaged or of a study with other ones,
        ImageError naming an image that is gone or changed. Nothing is left behind then.
        """
        require_structures(study)
        require_drawing(study)
        require_usable(study, start_from)
        order = Order("train", study.cases, training, method, settings, start_from, open_case)
        if start_from is not None:
            note_wanted(start_from)
        return cls._handed_over(study, order, jobs, on_progress)

    @classmethod
    def live(
        cls, study: Study, training: Training, *, jobs: Path | None = None, open_case: str | None = None,
        start_from: Path | None = None, on_progress: OnProgress = _to_nobody,
    ) -> Self:
        """Hand the study over to be learned from while the person draws; nothing need be drawn yet. Raises StudyError
        when there is no structure or no case, ImageError.
        """
        require_structures(study)
        require_cases(study)
        require_usable(study, start_from)
        order = Order("live", study.cases, training, start_from=start_from, open_case=open_case)
        return cls._handed_over(study, order, jobs, on_progress)

    @classmethod
    def apply(
        cls, study: Study, model: Path, *, jobs: Path | None = None, open_case: str | None = None,
        device: str = "auto", on_progress: OnProgress = _to_nobody, only: str | None = None,
    ) -> Self:
        """Hand the study over to be segmented by ``model`` (a model.pt) without training; of its cases only the one
        with the id ``only`` where that is given. Raises StudyError when there is no such case, no case or structure
        at all, or the model is damaged or of a study with other structures.
        """
        require_structures(study)
        require_cases(study)
        require_usable(study, model)
        cases = study.cases if only is None else [study.case(only)]
        note_wanted(model)
        order = Order("predict", cases, Training(device=device), start_from=model, open_case=open_case)
        return cls._handed_over(study, order, jobs, on_progress)

    @classmethod
    def latest(cls, study: Study, jobs: Path | None = None) -> Self | None:
        """The newest round of the study; None when there is none."""
        runs = [path for path in study.runs if RunFolder(path).counts]
        return cls(study, runs[-1], jobs or jobs_folder()) if runs else None

    @property
    def id(self) -> str:
        """The job's id."""
        return self.folder.name

    @property
    def cases(self) -> dict[str, str]:
        """Job case -> study case id."""
        return self._kept.cases

    def add_labels(self, case: Case) -> int:
        """Give the running job the present labels of a case; returns their number. Raises AddedLaterError when it does
        not know the case, or a structure drawn there; JobError.
        """
        return Teller(self.study, self.cases, self.job).tell(case)

    def catch_up(self) -> dict[str, StudyError]:
        """Give the job the labels of every case of which it knows an older version; returns those of which it cannot
        be told, by case. Raises JobError, FileError. Harmless to repeat at any time.
        """
        return Teller(self.study, self.cases, self.job).catch_up()

    def covers_study(self) -> bool:
        """Whether the job still knows every case and exactly the structures of the study."""
        spec, names = self.job.spec(), self.cases
        known = {(case_id, spec.case(name).image) for name, case_id in names.items()}
        return {(case.id, case.digest) for case in self.study.cases} <= known and (
            {item.value for item in spec.structures} == {item.value for item in self.study.structures})

    def show(self, case_id: str | None) -> None:
        """Tell the running job which study case is on screen now; one that it does not know counts as none."""
        self.job.set_open(self._job_case(case_id))

    def collect(self) -> list[str]:
        """Take new suggestions into the study; returns the cases that changed. Harmless to repeat at any time."""
        return collect(self.study, self._kept, self.job)

    def next_slices(self) -> list[NextSlice]:
        """Where to look next, best first, without slices that have been annotated since."""
        return next_slices(self.study, self.cases, self.job)

    @property
    def model(self) -> Path | None:
        """The weights of this round once they are there, kept in the study."""
        return self._kept.model

    def card(self) -> dict[str, Any]:
        """What the model is, was trained on and scored; empty until it is there."""
        return self._kept.card()

    @classmethod
    def _handed_over(cls, study: Study, order: Order, jobs: Path | None, on_progress: OnProgress) -> Self:
        this = cls(study, study.new_run(order.called), jobs or jobs_folder())
        try:
            if order.kind == "live":
                this._kept.note_passing()
            this._kept.note_cases(hand_over(study, order, this.job, on_progress))  # last: with it the run counts
        except BaseException:  # also when a person interrupts it: half a job only takes room
            for folder in (this.job.root, this.folder):
                shutil.rmtree(folder, ignore_errors=True)
            raise
        this._tidy()
        return this

    def _tidy(self) -> None:
        """Take from the jobs of earlier rounds what nobody needs any more."""
        jobs = self.job.root.parent
        for folder in self.study.runs:
            if folder != self.folder:
                note_overtaken(RunFolder(folder), JobFolder(jobs / folder.name))
        tidy_passing(self.study, jobs)
        clean(jobs)

    def _job_case(self, case_id: str | None) -> str | None:
        """What the job calls a study case; None when it does not know it."""
        return next((name for name, known in self.cases.items() if known == case_id), None)
