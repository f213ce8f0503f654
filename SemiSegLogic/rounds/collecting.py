"""From a job back to the study: its results become suggestions, its model is kept."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Mapping
from typing import Any

from ..errors import SemiSegError
from ..job import JobFolder, Status, is_collected, is_whole, note_collected
from ..study import Case, Study
from .ranking import is_case
from .run_folder import RunFolder

STATUS_FOLLOWS_S = 3.0
"""A running job's status tells of a result about a second after it was written; by then it would be late."""


def collect(study: Study, run: RunFolder, job: JobFolder) -> list[str]:
    """Take new results of ``job`` into the study; returns the cases that changed. Harmless to repeat at any time.

    A case that somebody else is writing, or that was removed, is left for the next time.
    """
    names, done, results = run.cases, run.collected, job.results()
    collector, changed = Collector(study, run.path.name, job), []
    for name, case_id in names.items():
        newest = results.get(name, (0, None))[0]
        if newest > done.get(name, 0) and collector.take(name, case_id):
            done[name] = newest
            changed.append(case_id)
    run.keep_model(job)
    if changed:
        run.note_collected(done)  # last: where the disk refuses, nobody hears what changed, but does so later
    collector.tell_job(done, names)
    return changed


def note_overtaken(run: RunFolder, job: JobFolder) -> None:
    """A newer run of the study is begun, so nobody looks at this one again: where it has ended, its model is kept, and
    its results count as taken. One that made room, or was killed, would lie there whole for ever.
    """
    with contextlib.suppress(SemiSegError, OSError):  # another time
        if job.submitted and is_whole(job) and not is_collected(job) and not _is_at_work(job.status()):
            run.keep_model(job)
            note_collected(job, {name: n for name, (n, _) in job.results().items()})


def _is_at_work(status: Status) -> bool:
    return not status.ended and status.heartbeat > 0  # else it has not begun, and perhaps died before its first word


class Collector:
    """Takes results of ``job``, which is the run of that name, into ``study``."""

    def __init__(self, study: Study, run: str, job: JobFolder) -> None:
        self.study, self.run, self.job = study, run, job

    def take(self, name: str, case_id: str) -> bool:
        """Make the newest result of the job's case ``name`` the suggestion of the study's; False: not this time."""
        try:
            result, status = self.job.result(name), self.job.reported()
            if result is None or case_id not in self._study_cases():
                return False
            if status.state == "running" and status.results.get(name, 0) < result.n and self._is_fresh(name):
                return False  # how good it probably is comes with the next status, within a second
            case, provenance = self.study.case(case_id), self._provenance(name, result.n, status)
            if not is_case(self.job, name, case):
                return False
            with case.writing():
                if not self._has(case, result.n):
                    case.put_suggestion(result.label, result.uncertainty, provenance)
        except SemiSegError as error:  # locked by another writer, disk full, damaged: the result waits in the job
            logging.info("The suggestion for %s waits: %s", case_id, error)
            return False
        return True

    def tell_job(self, done: Mapping[str, int], names: Mapping[str, str]) -> None:
        """Say what the study has, so that it may be cleaned some day; what is left of removed cases nobody
        will ever want.
        """
        there = self._study_cases()
        gone = {name: n for name, (n, _) in self.job.results().items() if names.get(name) not in there}
        with contextlib.suppress(SemiSegError):  # the disk is full, or the status damaged: another time
            if self.job.status().ended:  # also one that died without a word
                note_collected(self.job, {**done, **gone})

    def _study_cases(self) -> set[str]:
        return {case.id for case in self.study.cases}

    def _has(self, case: Case, n: int) -> bool:
        """Whether the suggestion is this result or a newer one: another window may have taken that in while this one
        was read.
        """
        with contextlib.suppress(SemiSegError, TypeError, ValueError):  # a damaged record is written anew
            told = case.provenance() if case.has_suggestion else {}
            return told.get("run") == self.run and int(told.get("result", 0)) >= n
        return False

    def _is_fresh(self, name: str) -> bool:
        """Whether the newest result of a case was written just now. An older one that the status does not tell of is
        that of a runner that died.
        """
        with contextlib.suppress(OSError, KeyError):  # it is just being replaced by a newer one
            return time.time() - self.job.results()[name][1].stat().st_mtime < STATUS_FOLLOWS_S
        return True

    def _provenance(self, name: str, n: int, status: Status) -> dict[str, Any]:
        """Where a result comes from: mostly the model kept so far, which need not be the one in training; and how good
        it probably is.
        """
        method = status.scores.get("kept", status.method)
        flag = {"flag": status.flags[name]} if name in status.flags else {}
        return {"run": self.run, "method": method, "result": n, "scores": status.scores, **flag}
