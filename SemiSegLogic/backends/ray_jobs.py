"""Jobs on a Ray cluster whose computers share the disk that the job folders lie on.

Ray decides where and when a runner starts; everything else goes through the job folder, as on one computer: what the
runner writes into status.json is the truth, and Ray is asked only about a job that says nothing. An order that may hold
a contest is submitted twice: as the runner, and as a second runner that trains the candidate at the same time, where
the cluster has room for two (see claims.py). Traps of Ray, measured: a submission that waits longer than
RAY_JOB_START_TIMEOUT_SECONDS of the head node (900 s unless set) fails; a stopped one is killed after 3 s unless
RAY_JOB_STOP_WAIT_TIME_S says otherwise, which is set here; its log endpoint may fail, so runners write log.txt.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path

from ..job import JobError, JobFolder, Status, judged
from .base import JobId
from .cluster import Cluster, ClusterError
from .fetching import fetch
from .folders import Folders, gone, is_job_id, with_last_words
from .queue import job_roots
from .ray_rest import RayRest, RayWord, Unreachable
from .submission import Submission, may_compete

STOP_PATIENCE_S = 60.0
KILL_PATIENCE_S = 30.0
POLL_EVERY_S = 0.5
FRESH_S = 10.0  # a status this new needs no word of Ray
ASK_AGAIN_S = 5.0  # after Ray gave no answer: whoever polls should not wait for it each time
UNKNOWN = "Ray does not know the job: it was started anew since, or never heard of it."
IN_TIME = ("Set RAY_JOB_START_TIMEOUT_SECONDS=604800 on the head node (it is 900 unless set), then resume the job.")


class RayBackend:
    """Runs the jobs in the shared folder of ``cluster``. A new RayBackend on the same folder takes over. Raises
    ClusterError on an address to which no token may be sent.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.root = cluster, cluster.folder
        self._ray = RayRest(cluster.ray, cluster.token_file, Path(cluster.authority) if cluster.authority else None)
        self._folders, self._silent_until = Folders(self.root), 0.0
        self._last: dict[JobId, Status] = {}

    def folder(self, job_id: JobId) -> JobFolder:
        """The folder of a job. Raises JobError when the id is no plain name."""
        return self._folders[job_id]

    def submit(self, job: JobFolder) -> JobId:
        """Put a complete job in the cluster's line and return its id. Idempotent, also after a lost connection. Raises
        JobError when it is incomplete or lies elsewhere; ClusterError, Unreachable.
        """
        job_id = self._folders.id_of(job)
        before = Submission.read(job)
        if before is None or (not job.reported().ended and self._ray.word(before.runner) is None):
            self._hand_over(job, before)
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
        self._leave_line(job)
        give_up = time.monotonic() + patience_s + KILL_PATIENCE_S
        while wait and not self.poll(job_id).ended and time.monotonic() < give_up:
            time.sleep(POLL_EVERY_S)
        return self.poll(job_id)

    def resume(self, job_id: JobId) -> JobId:
        """Put a job in the line again that stopped, failed or was lost, from its last saved state. One that goes on is
        left as it is. Raises JobError when it is done; ClusterError, Unreachable.
        """
        job, status, before = self.folder(job_id), self.poll(job_id), Submission.read(self.folder(job_id))
        if status.state == "done":
            raise JobError(f"The job {job_id} is done.", "Start a new one from its model.")
        if status.ended or before is None:
            job.spec()
            self._end(before)
            job.withdraw_stop()
            self._hand_over(job, replace(before, number=before.number + 1) if before else None)
        return job_id

    def fetch(self, job_id: JobId, into: Path) -> None:
        """Copy what came out so far to ``into`` (see fetching.py). Raises JobError, FileError."""
        fetch(self.folder(job_id), into)

    def jobs(self) -> dict[JobId, Status]:
        """Every job in the folder and how it stands, in the order in which they were submitted."""
        made = {path.name: Submission.read(JobFolder(path)) for path in job_roots(self.root) if is_job_id(path.name)}
        in_order = sorted(made.items(), key=lambda item: (item[1].order if item[1] else 0.0, item[0]))
        return {job_id: self.poll(job_id) for job_id, _ in in_order}

    def _hand_over(self, job: JobFolder, again: Submission | None) -> None:
        """The record first: a client that dies after it finds out whether Ray heard of it, and no job runs twice."""
        self._ray.check()
        second = may_compete(job.spec()) and self._has_two_places()
        made = Submission.of(job.root.name, again.number if again else 1, second)
        made.write(job)
        self._put_in_line(job, made.runner, second=False)
        if second:
            try:
                self._put_in_line(job, made.second, second=True)
            except ClusterError as error:  # the contest is held in turn then
                logging.warning("No second runner: %s", error)

    def _put_in_line(self, job: JobFolder, name: str, second: bool) -> None:
        wait = {"RAY_JOB_STOP_WAIT_TIME_S": str(round(STOP_PATIENCE_S))}
        entrypoint = self.cluster.entrypoint(job.root.name, second)
        self._ray.submit(name, entrypoint, self.cluster.gpus, self.cluster.cpus, wait)

    def _has_two_places(self) -> bool:
        try:
            return self.cluster.places(self._ray.computers()) > 1
        except ClusterError as error:
            logging.warning("Whether there is room for two runners is not known: %s", error)
            return False

    def _status(self, job: JobFolder) -> Status:
        if not job.submitted:
            return gone(f"There is no job in {job.root}.", "Choose another job, or start a new one.")
        try:
            reported, made = job.reported(), Submission.read(job)
        except JobError as error:
            return gone(error.text, error.remedy)
        if made is None or (reported.ended and reported.heartbeat >= made.order):
            return reported
        return with_last_words(self._judged(job, made, reported), job)

    def _judged(self, job: JobFolder, made: Submission, reported: Status) -> Status:
        """``reported`` as its reader should take it, with Ray's word where the job itself is silent."""
        now = time.time()
        begun = reported.heartbeat >= made.order
        if not begun:  # the word of an earlier run
            reported = replace(reported, state="queued", heartbeat=0.0, message="Waiting to be placed.", error=None)
        self._end_when_overdue(job, made, now)
        if begun and abs(now - reported.heartbeat) < FRESH_S:
            return reported
        try:
            word = self._word(made.runner)
        except ClusterError as error:
            waiting = reported if begun else replace(reported, message=f"{error.text} {error.remedy}")
            return judged(waiting, now, None, job.stop_requested())
        if word is not None and word.waits_or_runs:
            return reported if begun else replace(reported, message=self._why_waiting(word))
        return self._over(reported, word, begun, now, job.stop_requested())

    def _over(self, reported: Status, word: RayWord | None, begun: bool, now: float, stop: bool) -> Status:
        """What Ray no longer runs, though the job has not said its last word."""
        if word is not None and word.state == "SUCCEEDED":
            return judged(reported, now, None, stop)  # it went home in order; the shared disk may be a little behind
        found = judged(reported, now, False, stop)
        if stop and not begun:
            return replace(found, message="Stopped while it waited.")
        if found.error is None:
            return found
        if word is None:
            return replace(found, error={"text": UNKNOWN, "remedy": "Resume the job."})
        late = not begun and "start" in word.message
        return replace(found, error={"text": f"Ray says {word.state}: {word.message}",
                                     "remedy": IN_TIME if late else found.error["remedy"]})

    def _why_waiting(self, word: RayWord) -> str:
        if word.state == "RUNNING":
            return "Starting."
        wanted = f"{self.cluster.gpus} graphics cards and {self.cluster.cpus} processor cores"
        try:
            if self.cluster.places(self._ray.computers()) == 0:
                return f"Waiting: no computer of the cluster has {wanted} at present."
        except ClusterError:
            pass  # the place in the line is kept
        return "Waiting for a free place in the cluster."

    def _word(self, name: str) -> RayWord | None:
        """Ray's word, but not again right after it gave no answer. Raises ClusterError, Unreachable."""
        if time.monotonic() < self._silent_until:
            raise Unreachable(f"The cluster at {self.cluster.ray} cannot be reached.", "It is asked again soon.")
        try:
            return self._ray.word(name)
        except ClusterError:
            self._silent_until = time.monotonic() + ASK_AGAIN_S
            raise

    def _end_when_overdue(self, job: JobFolder, made: Submission, now: float) -> None:
        deadline = job.stop_deadline()
        if deadline is not None and now > deadline:
            self._end(made)

    def _leave_line(self, job: JobFolder) -> None:
        """Take out of Ray's line what has not begun; what runs reads the stop request."""
        made = Submission.read(job)
        for name in made.names if made else ():
            try:
                word = self._word(name)
                if word is not None and word.state == "PENDING":
                    self._ray.stop(name)
            except ClusterError as error:
                logging.warning("%s stays in the cluster's line for now: %s", name, error)

    def _end(self, made: Submission | None) -> None:
        """Have Ray end all of a submission that still goes on."""
        for name in made.names if made else ():
            try:
                word = self._word(name)
                if word is not None and word.waits_or_runs:
                    self._ray.stop(name)
            except ClusterError as error:
                logging.warning("%s could not be ended: %s", name, error)
