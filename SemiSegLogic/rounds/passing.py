"""Models that are passing: every stretch of learning while somebody drew leaves one, and the next goes on from it.

The rule: the newest three stay. An older one goes when the next run is begun, unless somebody exported it, suggested
with it or trained from it, a suggestion in the study is its own, or a run on its way makes or needs it. A model that
was trained, or came before this rule, never goes by itself. What the run was stays in its folder.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from ..errors import SemiSegError
from ..files import digest_file, disk_errors
from ..job import JobFolder
from ..patience import remove
from ..study import Study
from .run_folder import MODEL, RunFolder

KEPT_PASSING = 3


def tidy_passing(study: Study, jobs: Path) -> list[str]:
    """Remove what the rule above says; returns the runs whose models went. ``jobs`` where the jobs of the study lie.
    What cannot be looked at or removed stays for the next time.
    """
    gone = []
    try:
        for run in _superseded(study, jobs):
            if run.give_up():
                _remove(run, jobs / run.path.name)
                gone.append(run.path.name)
    except (SemiSegError, OSError) as error:
        logging.warning("Models of %s are not tidied: %s", study.folder, error)
    return gone


def note_wanted(model: Path) -> None:
    """Somebody exports ``model``, suggests with it or trains from it: from now on it does not go by itself."""
    RunFolder(model.parent).keep()


def _superseded(study: Study, jobs: Path) -> Iterator[RunFolder]:
    """Raises SemiSegError where it is not known what needs a model."""
    passing = [run for run in map(RunFolder, study.runs) if run.is_passing and run.model is not None]
    older = passing[:-KEPT_PASSING]
    if older:
        shown = {case.provenance().get("run") for case in study.cases if case.has_suggestion}
        working = {folder.name: job for folder in study.runs if _is_at_work(job := JobFolder(jobs / folder.name))}
        needed = {job.spec().start_from for job in working.values()}
        for run in older:
            model, name = run.model, run.path.name
            if model is not None and name not in shown and name not in working and digest_file(model) not in needed:
                yield run


def _is_at_work(job: JobFolder) -> bool:
    return job.submitted and not job.status().ended


def _remove(run: RunFolder, job: Path) -> None:
    run.note_deleted()
    for folder in (job, run.path):
        for name in MODEL:
            with disk_errors(folder / name):
                remove(folder / name)
