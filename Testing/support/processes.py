"""Real runner processes: start, wait, kill, look at every file."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from SemiSegLogic.backends import LocalBackend
from SemiSegLogic.backends.local.launch import Workers
from SemiSegLogic.job import JobFolder, Status
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner.course.standing import Saved

from .jobs import wait_until

PATIENCE_S = 300.0  # beside other programs a training of a second may take a minute


def wait_for(backend: LocalBackend, job_id: str, condition: Callable[[Status], Any]) -> Status:
    """The first status for which ``condition`` holds; fails at once when the job ends otherwise."""
    def look() -> Status | None:
        status = backend.poll(job_id)
        if condition(status):
            return status
        assert not status.ended, status
        return None

    return wait_until(look, PATIENCE_S, job_id)


def ended(backend: LocalBackend, this: Round) -> Status:
    """The last status of a job that is left to itself."""
    return wait_for(backend, this.id, lambda status: status.ended)


def kill(job: JobFolder) -> None:
    """Signal 9 to the runner that works on the job now, not to what is left of one that was killed before."""
    for launch in Workers.of(job.root).known:
        if launch.process.alive:
            os.kill(launch.process.pid, signal.SIGKILL)


def check_every_file(root: JobFolder) -> None:
    """All that has its final name parses, whoever was killed while writing it."""
    job = JobFolder(root.root)
    spec = job.spec()
    for case in spec.cases:
        job.image(case.image)
        if case.label is not None:
            job.label(case.label)
    job.newest_labels()
    job.reported()
    job.curves()
    job.ranking()
    for case_id in job.results():
        assert job.result(case_id) is not None
    Saved.load(job.checkpoint)
