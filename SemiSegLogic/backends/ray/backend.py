"""Jobs on a Ray cluster whose computers share the disk that the job folders lie on.

Ray decides where and when a runner starts; everything else goes through the job folder, as on one computer: what the
runner writes into status.json is the truth, and Ray is asked only about a job that says nothing.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from ...job import JobError, JobFolder, Status, judged, stuck
from ..base import JobId
from ..claims import Pulse
from ..description import PlaceError
from ..fetching import fetch
from ..folders import Folders, gone, is_job_id, with_last_words
from ..local.neighbours import job_roots
from .cluster import Cluster
from .line import STOP_PATIENCE_S, RayLine
from .rest import RayWord
from .submission import Submission

KILL_PATIENCE_S = 30.0
POLL_EVERY_S = 0.5
FRESH_S = 10.0  # a status this new needs no word of Ray
UNKNOWN = "Ray does not know the job: Ray was restarted since, or never received it."
IN_TIME = ("Set RAY_JOB_START_TIMEOUT_SECONDS=604800 on the head node (it is 900 unless set), then resume the job.")


class RayBackend:
    """Runs the jobs in the shared folder of ``cluster``. A new RayBackend on the same folder takes over. Raises
    PlaceError on an address to which no token may be sent.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.root = cluster, cluster.folder
        self._line, self._folders = RayLine(cluster), Folders(self.root)
        self._last: dict[JobId, Status] = {}
        self._pulse = Pulse()  # by this computer's clock, for those of the cluster may differ

    @property
    def address(self) -> str:
        """Of the cluster."""
        return self.cluster.ray

    @property
    def sends_images(self) -> bool:
        """Whether images leave this computer and its disks."""
        return False

    @property
    def offers_cards(self) -> bool:
        """Whether a job gets a graphics card."""
        return self.cluster.gpus > 0

    def folder(self, job_id: JobId) -> JobFolder:
        """The folder of a job. Raises JobError when the id is no plain name."""
        return self._folders[job_id]

    def check(self) -> None:
        """Raises PlaceError, Unreachable when jobs cannot be written to the shared folder or Ray would not take one:
        for whoever does not want to prepare a job in vain.
        """
        self.cluster.require_folder()
        self._line.check()

    def submit(self, job: JobFolder) -> JobId:
        """Put a complete job in the cluster's line and return its id. Idempotent, also after a lost connection. Raises
        JobError when it is incomplete or lies elsewhere; PlaceError, Unreachable.
        """
        job_id = self._folders.id_of(job)
        before = Submission.read(job)
        if before is None:
            self._line.join(job, number=1)
        elif not job.reported().ended and not self._line.heard_of(before.runner):
            self._line.join(job, before.number)
        return job_id

    def poll(self, job_id: JobId) -> Status:
        """How the job stands; a lost connection changes nothing in it. The only error is JobError on an id that is no
        plain name. Ends a job by force that was asked to stop and did not in time.
        """
        job = self.folder(job_id)
        try:
            status = self._status(job)
        except OSError as error:  # the shared disk does not answer
            last = self._last.get(job_id, Status("queued"))
            return replace(last, message=f"{self.root} cannot be read just now: {error.strerror}.")
        self._last[job_id] = status
        return status

    def stop(self, job_id: JobId, patience_s: float = STOP_PATIENCE_S, wait: bool = True) -> Status:
        """Ask the job to save and stop; have Ray end it once ``patience_s`` seconds are over. Without ``wait`` it
        returns at once. Raises FileError when the request cannot be written.
        """
        job, status = self.folder(job_id), self.poll(job_id)
        if not status.ended:
            job.request_stop(patience_s)
        self._line.leave(Submission.read(job))
        give_up = time.monotonic() + patience_s + KILL_PATIENCE_S
        while wait and not self.poll(job_id).ended and time.monotonic() < give_up:
            time.sleep(POLL_EVERY_S)
        return self.poll(job_id)

    def resume(self, job_id: JobId) -> JobId:
        """Put a job in the line again that stopped, failed or was lost, from its last saved state. One that goes on is
        left as it is. Raises JobError when it is done; PlaceError, Unreachable.
        """
        job = self.folder(job_id)
        if self.poll(job_id).state == "done":
            raise JobError(f"The job {job_id} is done.", "Start a new training from its model.")
        self._line.check()  # else the wish to stop would be taken back in vain, and what goes on be taken for lost
        before = Submission.read(job)
        if self.poll(job_id).ended or before is None:
            job.spec()
            self._line.end(before)
            job.withdraw_stop()
            self._line.join(job, before.number + 1 if before else 1)
        return job_id

    def fetch(self, job_id: JobId, into: Path) -> None:
        """Copy what came out so far to ``into`` (see fetching.py). Raises JobError, FileError."""
        fetch(self.folder(job_id), into)

    def jobs(self) -> dict[JobId, Status]:
        """Every job in the folder and how it stands, in the order in which they were submitted."""
        made = {path.name: Submission.read(JobFolder(path)) for path in job_roots(self.root) if is_job_id(path.name)}
        in_order = sorted(made.items(), key=lambda item: (item[1].order if item[1] else 0.0, item[0]))
        return {job_id: self.poll(job_id) for job_id, _ in in_order}

    def _status(self, job: JobFolder) -> Status:
        if not job.submitted:
            return gone(f"There is no job in {job.root}.", "Choose another job, or start a new one.")
        try:
            reported, made = job.reported(), Submission.read(job)
        except JobError as error:
            return gone(error.text, error.remedy)
        if made is None or (reported.ended and made.wrote(reported)):
            return reported
        self._end_when_overdue(job, made)
        return with_last_words(self._judged(job, made, reported), job)

    def _end_when_overdue(self, job: JobFolder, made: Submission) -> None:
        if job.stop_overdue():
            self._line.end(made)

    def _judged(self, job: JobFolder, made: Submission, reported: Status) -> Status:
        """``reported`` as its reader should take it, with Ray's word where the job itself is silent."""
        now, begun = time.time(), made.wrote(reported)
        lives = self._pulse.alive(made.runner, None, reported.heartbeat)  # as far as its heartbeat tells
        if not begun:  # the word of an earlier run
            reported = replace(reported, state="queued", heartbeat=0.0, message="Waiting for a computer.", error=None)
        if begun and abs(now - reported.heartbeat) < FRESH_S:
            return reported
        try:
            word = self._line.word(made.runner)
        except PlaceError as error:
            if begun:
                return reported if lives else judged(reported, now, None, job.stop_requested())
            return self._unasked(reported, error, job.stop_requested())
        if word is not None and word.waits_or_runs:
            if begun:
                return reported if lives else stuck(reported)
            return replace(reported, message=self._line.why_waiting(word))
        if lives and word is not None and word.state == "SUCCEEDED":
            return reported  # it went home in order; the shared disk may be a little behind
        return self._over(reported, word, begun, now, job.stop_requested())

    def _unasked(self, waiting: Status, error: PlaceError, stop: bool) -> Status:
        """A job in the line of a cluster that cannot be asked. One that was stopped need not be waited for: should it
        ever begin, it finds the request.
        """
        if stop:
            return replace(waiting, state="stopped", message="Stopped while it was waiting.")
        return replace(waiting, message=f"{error.text} {error.remedy}")

    def _over(self, reported: Status, word: RayWord | None, begun: bool, now: float, stop: bool) -> Status:
        """What Ray no longer runs, though the job has not said its last word."""
        found = judged(reported, now, False, stop)
        if stop and not begun:
            return replace(found, message="Stopped while it was waiting.")
        if found.error is None:
            return found
        if word is None:
            return replace(found, error={"text": UNKNOWN, "remedy": "Resume the job."})
        late = not begun and "start" in word.message
        return replace(found, error={"text": f"Ray says {word.state}: {word.message}",
                                     "remedy": IN_TIME if late else found.error["remedy"]})
