"""The line of a Ray cluster: who waits in it, who has a place, who is taken out.

An order that may hold a contest is submitted twice: as the runner, and as a second runner that trains the candidate at
the same time, where the cluster has room for two (see claims.py).

Traps of Ray, measured: a submission that waits longer than RAY_JOB_START_TIMEOUT_SECONDS of the head node (900 s unless
set) fails; a stopped one is killed after 3 s unless RAY_JOB_STOP_WAIT_TIME_S says otherwise, which is set here; its log
endpoint may fail, so runners write log.txt.
"""

from __future__ import annotations

import logging
import time

from ...job import JobFolder
from ..description import PlaceError, Unreachable
from .cluster import Cluster
from .rest import RayRest, RayWord
from .submission import Submission, may_compete

STOP_PATIENCE_S = 60.0
ASK_AGAIN_S = 5.0  # after Ray gave no answer: whoever polls should not wait for it each time


class RayLine:
    """The line of ``cluster``. Raises PlaceError on an address to which no token may be sent."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._ray = RayRest(cluster.ray, cluster.token_file, cluster.authority_file)
        self._silent_until = 0.0

    def check(self) -> None:
        """Raises PlaceError, Unreachable when this cluster would not take a job of ours."""
        self._ray.check()
        self._silent_until = 0.0

    def join(self, job: JobFolder, number: int) -> None:
        """Put ``job`` in the line, the ``number``-th time. The record first: a client that dies after it finds out
        whether Ray heard of it, and no job runs twice. Raises PlaceError, Unreachable.
        """
        self._ray.check()
        second = may_compete(job.spec()) and self._has_two_places()
        made = Submission.of(job, number, second)
        made.write(job)
        self._submit(job, made.runner, second=False)
        if second:
            try:
                self._submit(job, made.second, second=True)
            except PlaceError as error:  # the contest is held in turn then
                logging.warning("No second runner: %s", error)

    def heard_of(self, name: str) -> bool:
        """Whether Ray knows a submission of that name. Raises PlaceError, Unreachable."""
        return self._ray.word(name) is not None

    def word(self, name: str) -> RayWord | None:
        """Ray's word, but not again right after it gave no answer. Raises PlaceError, Unreachable."""
        if time.monotonic() < self._silent_until:
            raise Unreachable(f"The cluster at {self.cluster.ray} cannot be reached.", "SemiSeg asks again soon.")
        try:
            return self._ray.word(name)
        except PlaceError:
            self._silent_until = time.monotonic() + ASK_AGAIN_S
            raise

    def why_waiting(self, word: RayWord) -> str:
        """Why a submission that Ray has heard of has not begun."""
        if word.state == "RUNNING":
            return "Starting."
        wanted = f"{self.cluster.gpus} graphics cards and {self.cluster.cpus} processor cores"
        try:
            if self.cluster.places(self._ray.computers()) == 0:
                return f"Waiting: no computer of the cluster has {wanted} at present."
        except PlaceError:
            pass  # the place in the line is kept
        return "Waiting for a free place in the cluster."

    def leave(self, made: Submission | None) -> None:
        """Take out of the line what has not begun; what runs reads the stop request."""
        for name in made.names if made else ():
            try:
                word = self.word(name)
                if word is not None and word.state == "PENDING":
                    self._ray.stop(name)
            except PlaceError as error:
                logging.warning("%s stays in the cluster's line for now: %s", name, error)

    def end(self, made: Submission | None) -> None:
        """Have Ray end all of a submission that still goes on."""
        for name in made.names if made else ():
            try:
                word = self.word(name)
                if word is not None and word.waits_or_runs:
                    self._ray.stop(name)
            except PlaceError as error:
                logging.warning("%s could not be ended: %s", name, error)

    def _submit(self, job: JobFolder, name: str, second: bool) -> None:
        wait = {"RAY_JOB_STOP_WAIT_TIME_S": str(round(STOP_PATIENCE_S))}
        entrypoint = self.cluster.entrypoint(job.root.name, second)
        self._ray.submit(name, entrypoint, self.cluster.gpus, self.cluster.cpus, wait)

    def _has_two_places(self) -> bool:
        try:
            return self.cluster.places(self._ray.computers()) > 1
        except PlaceError as error:
            logging.warning("Whether there is room for two runners is not known: %s", error)
            return False
