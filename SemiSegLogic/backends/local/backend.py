"""Jobs on this computer: one process each, which outlives the client that started it.

A runner is started as ``<python> -m SemiSegLogic.run <job folder>`` in the folder that holds the SemiSegLogic package,
which is also put first on PYTHONPATH: so the package is imported from where this one lies, whichever Python runs it,
and never from the job folder, which holds data only. Every client with the same ``root`` sees the same jobs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...job import JobError, JobFolder, Status, judged
from ..base import JobId
from ..fetching import fetch
from ..folders import Folders, gone, is_job_id, with_last_words
from ..processes import Process, child_environment, kill_tree, start_detached
from .launch import LAUNCH, Launch, Workers
from .neighbours import job_roots

STOP_PATIENCE_S = 60.0
KILL_PATIENCE_S = 10.0
POLL_EVERY_S = 0.1
IMPORT_ROOT = Path(__file__).resolve().parents[3]


class LocalBackend:
    """Runs the jobs in ``root/<id>/`` one after the other. A new LocalBackend on the same root takes over.

    ``python`` the command of the interpreter, as a list (PythonSlicer, or another). ``environment`` what the runner
    inherits (None: a copy of this process's; os.environ is never changed). ``own_python`` False: the interpreter is
    another than this one, so the variables that would lead it astray are left out. ``module`` what it runs. ``runners``
    how many runners may work on one job at the same time, 0: one for each equal graphics card, else one.
    """

    def __init__(
        self, root: Path, python: Sequence[str] = (sys.executable,), environment: Mapping[str, str] | None = None,
        *, own_python: bool = True, module: str = "SemiSegLogic.run", runners: int = 0,
    ) -> None:
        self.root = Path(root)
        self._command = [*python, "-m", module]
        self._options = ["--places", str(runners)] if runners else []
        base = os.environ if environment is None else environment
        self._environment = child_environment(base, IMPORT_ROOT, own_python)
        self._folders = Folders(self.root)
        self._children: dict[JobId, subprocess.Popen[bytes]] = {}

    @property
    def offers_cards(self) -> bool:
        """Whether a job may have a graphics card; if there is one is for the runner to see."""
        return True

    def folder(self, job_id: JobId) -> JobFolder:
        """The folder of a job. Raises JobError when the id is no plain name."""
        return self._folders[job_id]

    def submit(self, job: JobFolder) -> JobId:
        """Start a complete job and return its id. Idempotent: one that was ever started is left as it is (a job that
        ended is started again by :meth:`resume`). Raises JobError when it is incomplete, lies elsewhere or cannot
        start.
        """
        job_id = self._folders.id_of(job)
        if not Workers.of(self.folder(job_id).root).known:
            self._start(job_id)
        return job_id

    def poll(self, job_id: JobId) -> Status:
        """How the job stands. A dead process is "lost" (or "stopped", when that was wished), never an error; the only
        one is JobError on an id that is no plain name. Ends a job by force that was asked to stop and did not in time.
        """
        job = self.folder(job_id)
        if not job.submitted:
            return gone(f"There is no job in {job.root}.", "Choose another job, or start a new one.")
        self._reap(job_id)
        workers = Workers.of(job.root)
        if workers.alive and job.stop_overdue():
            _kill(workers, patience_s=0.5)  # a screen may be waiting for this poll
            self._reap(job_id)
        alive = workers.alive  # looked at before the status is read: the last word of a process counts
        try:
            return with_last_words(self._judged(job, workers, alive), job)
        except JobError as error:
            return gone(error.text, error.remedy)

    def stop(self, job_id: JobId, patience_s: float = STOP_PATIENCE_S, wait: bool = True) -> Status:
        """Ask the job to save and stop; end it by force, with all it started, once ``patience_s`` seconds are over.

        It returns when no process is left. With ``wait`` False it returns at once, and the :meth:`poll` of any client
        sees to the rest. Raises FileError when the request cannot be written.
        """
        job, status = self.folder(job_id), self.poll(job_id)
        if not status.ended:
            job.request_stop(patience_s)
        give_up = time.monotonic() + patience_s + KILL_PATIENCE_S
        while wait and self._busy(job_id) and time.monotonic() < give_up:
            time.sleep(POLL_EVERY_S)
        workers = Workers.of(job.root)
        if wait and workers.alive is False:
            _kill(workers)  # children that the runner forgot
        return self.poll(job_id)

    def resume(self, job_id: JobId) -> JobId:
        """Start a job again that stopped, failed or was lost, from its last saved state. One that runs is left as it
        is. Raises JobError when it is done or cannot start.
        """
        job, status = self.folder(job_id), self.poll(job_id)
        if status.state == "done":
            raise JobError(f"The job {job_id} is done.", "Start a new training from its model.")
        if status.ended or not Workers.of(job.root).known:
            job.spec()
            _kill(Workers.of(job.root))  # what a dead runner left behind would hold the memory of the device
            job.withdraw_stop()
            self._start(job_id)
        return job_id

    def fetch(self, job_id: JobId, into: Path) -> None:
        """Copy what came out so far to ``into`` (see fetching.py). Raises JobError, FileError."""
        fetch(self.folder(job_id), into)

    def jobs(self) -> dict[JobId, Status]:
        """Every job in the root and how it stands, in the order in which they were started."""
        ids = [path.name for path in job_roots(self.root) if is_job_id(path.name)]
        ids.sort(key=lambda job_id: (Workers.of(self.root / job_id).order, job_id))
        return {job_id: self.poll(job_id) for job_id in ids}

    def _start(self, job_id: JobId) -> None:
        job = self.folder(job_id)
        order, heard = time.time(), job.last_heartbeat()
        command = [*self._command, str(job.root.resolve()), *self._options]
        child = start_detached(command, IMPORT_ROOT, job.log, self._environment)
        self._children[job_id] = child
        Launch(order, Process.of(child.pid), heard).write(job.root / LAUNCH)

    def _reap(self, job_id: JobId) -> None:
        """A child that ended stays a zombie until its parent asks; only the client that started it is its parent."""
        child = self._children.get(job_id)
        if child is not None and child.poll() is not None:
            del self._children[job_id]

    def _busy(self, job_id: JobId) -> bool:
        status = self.poll(job_id)
        return not status.ended or Workers.of(self.root / job_id).alive is True

    def _judged(self, job: JobFolder, workers: Workers, alive: bool | None) -> Status:
        reported = job.reported()
        if workers.known and not workers.wrote(reported):
            reported = replace(reported, state="queued", message="Starting.", error=None)  # the word of an earlier run
        if not workers.known and not job.stop_requested():
            return reported  # complete, but nobody has started it yet
        return judged(reported, time.time(), alive, job.stop_requested())


def _kill(workers: Workers, patience_s: float = 5.0) -> None:
    for launch in workers.known:
        kill_tree(launch.process, patience_s)
