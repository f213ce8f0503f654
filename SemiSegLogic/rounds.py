"""One round of learning: from the study to a job, and from the job back to the study.

The job knows neither names nor paths: its cases are c001, c002, ...; which study case is which is kept in the study, in
``models/<run>/cases.json``. Jobs of all studies lie in one folder per user, so that they queue for one computer.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from .errors import SemiSegError
from .files import read_json, replace_file, write_json
from .geometry import SliceIndex
from .job import JobCase, JobFolder, JobSpec, JobStructure, Status, clean, note_collected
from .settings import Settings, Training
from .study import Case, Study, StudyError

KEPT = ("model.pt", "model.json", "model.md", "curves.jsonl")
STATUS_FOLLOWS_S = 3.0
"""A running job's status tells of a result about a second after it was written; by then it would be late."""


@dataclass(frozen=True)
class NextSlice:
    """A slice worth a look: the study case's id, the plane, why, and the score it was ranked by."""

    case: str
    place: SliceIndex
    reason: str
    score: float


def jobs_folder() -> Path:
    """Where this user's jobs lie: SEMISEG_JOBS, else ``.semiseg/jobs`` in the home folder."""
    chosen = os.environ.get("SEMISEG_JOBS")
    return Path(chosen).expanduser() if chosen else Path.home() / ".semiseg" / "jobs"


class Round:
    """A run of a study: ``folder`` is models/<run> in the study, ``job`` the job folder of the same name."""

    def __init__(self, study: Study, folder: Path, jobs: Path):
        self.study, self.folder = study, folder
        self.job = JobFolder(jobs / folder.name)

    @classmethod
    def begin(
        cls, study: Study, training: Training, method: str, settings: Settings | None = None, *,
        jobs: Path | None = None, open_case: str | None = None, start_from: Path | None = None,
        told: Callable[[int, int], None] = lambda done, of: None,
    ) -> Self:
        """Hand the study over as a training job, ready to be submitted to a backend.

        Images are read one at a time (and not at all when an earlier job of this computer holds them). ``open_case`` is
        the study case on screen, ``start_from`` the model.pt of an earlier round. Raises StudyError when nothing is
        annotated or there is no structure, ImageError naming an image that is gone or changed. Nothing is left behind
        then.
        """
        _require_structures(study)
        if not any(case.places for case in study.cases):
            raise StudyError(
                f"No slice is annotated in {study.folder}. Draw the structures on at least one slice and mark it as "
                "done."
            )
        return cls._submit(study, "train", training, method, settings, jobs, open_case, start_from, told)

    @classmethod
    def live(
        cls, study: Study, training: Training, *, jobs: Path | None = None, open_case: str | None = None,
        start_from: Path | None = None, told: Callable[[int, int], None] = lambda done, of: None,
    ) -> Self:
        """Hand the study over to be learned from while the person draws; nothing need be drawn yet. Raises StudyError
        when there is no structure or no case, ImageError.
        """
        _require_structures(study)
        if not study.cases:
            raise StudyError(f"{study.folder} has no cases. Add at least one volume.")
        return cls._submit(study, "live", training, "supervised", None, jobs, open_case, start_from, told)

    @classmethod
    def apply(
        cls, study: Study, model: Path, *, jobs: Path | None = None, open_case: str | None = None,
        device: str = "auto", told: Callable[[int, int], None] = lambda done, of: None, only: str | None = None,
    ) -> Self:
        """Hand the study over to be segmented by ``model`` (a model.pt) without training; of its cases only the one
        with the id ``only`` where that is given. Raises StudyError when there is no such case.
        """
        training, cases = Training(device=device), None if only is None else [study.case(only)]
        return cls._submit(study, "predict", training, "supervised", None, jobs, open_case, model, told, cases)

    @classmethod
    def latest(cls, study: Study, jobs: Path | None = None) -> Self | None:
        """The newest round of the study; None when there is none."""
        runs = [path for path in study.runs if (path / "cases.json").exists()]
        return cls(study, runs[-1], jobs or jobs_folder()) if runs else None

    @property
    def id(self) -> str:
        """The job's id."""
        return self.folder.name

    @property
    def cases(self) -> dict[str, str]:
        """Job case -> study case id."""
        return dict(read_json(self.folder / "cases.json"))

    def add_labels(self, case: Case) -> int:
        """Give the running job the present labels of a case; returns their number. Raises JobError."""
        return self.job.add_labels(self._job_case(case.id), case.planes())

    def covers_study(self) -> bool:
        """Whether the job still knows every case and exactly the structures of the study."""
        known = {item.value for item in self.job.spec().structures}
        return {case.id for case in self.study.cases} <= set(self.cases.values()) and known == {
            item.value for item in self.study.structures
        }

    def show(self, case_id: str | None) -> None:
        """Tell the running job which study case is on screen now; one that it does not know counts as none."""
        self.job.set_open(next((name for name, known in self.cases.items() if known == case_id), None))

    def collect(self) -> list[str]:
        """Take new suggestions into the study; returns the cases that changed. Harmless to repeat at any time.

        A case that somebody else is writing, or that was removed, is left for the next time.
        """
        record = self.folder / "collected.json"
        done: dict[str, int] = read_json(record) if record.exists() else {}
        changed, results = [], self.job.results()
        for name, case_id in self.cases.items():
            newest = results.get(name, (0, None))[0]
            if newest > done.get(name, 0) and self._take(name, case_id):
                done[name] = newest
                changed.append(case_id)
        if changed:
            write_json(record, done)
        self._keep_model()
        self._note_collected(done)
        return changed

    def next_slices(self) -> list[NextSlice]:
        """The ranking, best first, without slices that have been annotated since."""
        names = self.cases
        annotated = {case.id: set(case.places) for case in self.study.cases}
        found = []
        for item in self.job.ranking():
            case, place = names.get(item["case"], ""), SliceIndex(item["axis"], item["index"])
            if case in annotated and place not in annotated[case]:
                found.append(NextSlice(case, place, item["reason"], float(item["score"])))
        return found

    @property
    def model(self) -> Path | None:
        """The weights of this round once they are there, kept in the study."""
        path = self.folder / "model.pt"
        return path if path.exists() else None

    def card(self) -> dict[str, Any]:
        """What the model is, was trained on and scored; empty until it is there."""
        path = self.folder / "model.json"
        return dict(read_json(path)) if path.exists() else {}

    @classmethod
    def _submit(
        cls, study: Study, kind: str, training: Training, method: str, settings: Settings | None, jobs: Path | None,
        open_case: str | None, start_from: Path | None, told: Callable[[int, int], None],
        cases: list[Case] | None = None,
    ) -> Self:
        name = {"train": method, "live": "live", "predict": "apply"}[kind]
        this = cls(study, study.new_run(name), jobs or jobs_folder())
        try:
            this._write(kind, training, method, settings, open_case, start_from, told, cases or study.cases)
        except BaseException:  # also when a person interrupts it: half a job only takes room
            for folder in (this.job.root, this.folder):
                shutil.rmtree(folder, ignore_errors=True)
            raise
        clean(this.job.root.parent)
        return this

    def _write(
        self, kind: str, training: Training, method: str, settings: Settings | None, open_case: str | None,
        start_from: Path | None, told: Callable[[int, int], None], cases: list[Case],
    ) -> None:
        JobFolder.create(self.job.root)
        names = {f"c{number:03d}": case.id for number, case in enumerate(cases, 1)}
        entries = []
        for number, (name, case) in enumerate(zip(names, cases, strict=True), 1):
            entries.append(self._entry(name, case))
            told(number, len(cases))
        opened = next((name for name, case in names.items() if case == open_case), None)
        spec = JobSpec(
            kind=kind, structures=tuple(JobStructure(item.value, item.name) for item in self.study.structures),
            cases=tuple(entries), method=method, method_settings=settings.to_dict() if settings else {},
            training=training.to_dict(), open_case=opened,
            start_from=self.job.put_model(start_from) if start_from else None,
        )
        self.job.submit(spec)
        write_json(self.folder / "cases.json", names)  # last: with it the run counts

    def _entry(self, name: str, case: Case) -> JobCase:
        image = self._image(case)
        places = tuple(sorted(case.places))
        label = self.job.put_label(case.planes(), case.grid.shape) if places else None
        return JobCase(name, image, case.grid, label, places)

    def _image(self, case: Case) -> str:
        """The image in the job, linked from an earlier job of this computer where one has it whole."""
        name = f"{case.digest}.npy"
        if (self.job.inputs / name).exists():
            return case.digest  # of another case with the same content
        if case.image_path.exists():
            for earlier in self.job.root.parent.glob(f"*/in/{name}"):
                if self.job.link_image(earlier):
                    return case.digest
        return self.job.put_image(case.image())

    def _take(self, name: str, case_id: str) -> bool:
        try:
            result, status = self.job.result(name), self.job.reported()
            if result is None or case_id not in {case.id for case in self.study.cases}:
                return False
            if status.state == "running" and status.results.get(name, 0) < result.n and _is_fresh(self.job, name):
                return False  # how good it probably is comes with the next status, within a second
            provenance = self._provenance(name, result.n, status)
            self.study.case(case_id).put_suggestion(result.label, result.uncertainty, provenance)
        except SemiSegError as error:  # locked by another writer, disk full, damaged: the result waits in the job
            logging.info("The suggestion for %s waits: %s", case_id, error)
            return False
        return True

    def _note_collected(self, done: dict[str, int]) -> None:
        """Tell the job what the study has, so that it may be cleaned some day; what is left of removed cases nobody
        will ever want.
        """
        there = {case.id for case in self.study.cases}
        gone = {name: n for name, (n, _) in self.job.results().items() if self.cases.get(name) not in there}
        with contextlib.suppress(SemiSegError):  # the disk is full, or the status damaged: another time
            if self.job.reported().ended:
                note_collected(self.job, done | gone)

    def _provenance(self, name: str, n: int, status: Status) -> dict[str, Any]:
        """Where a result comes from: mostly the model kept so far, which need not be the one in training; and how good
        it probably is.
        """
        method = status.scores.get("kept", status.method)
        flag = {"flag": status.flags[name]} if name in status.flags else {}
        return {"run": self.id, "method": method, "result": n, "scores": status.scores, **flag}

    def _keep_model(self) -> None:
        for name in KEPT:
            source, target = self.job.root / name, self.folder / name
            if source.exists() and (not target.exists() or target.stat().st_mtime < source.stat().st_mtime):
                replace_file(target, partial(_copy, source))

    def _job_case(self, case_id: str) -> str:
        for name, known in self.cases.items():
            if known == case_id:
                return name
        raise StudyError(f"Case {case_id} is not part of the run {self.id}: it was added later. Train again.")


def _is_fresh(job: JobFolder, name: str) -> bool:
    """Whether the newest result of a case was written just now. An older one that the status does not tell of is that
    of a runner that died.
    """
    with contextlib.suppress(OSError, KeyError):  # it is just being replaced by a newer one
        return time.time() - job.results()[name][1].stat().st_mtime < STATUS_FOLLOWS_S
    return True


def _require_structures(study: Study) -> None:
    if not study.structures.items:
        raise StudyError(f"{study.folder} has no structures. Add at least one, and draw it on a slice.")


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
