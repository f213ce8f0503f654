"""Where orders are taken in and looked after: each becomes a job folder, which a backend of this computer works on."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from pathlib import Path
from typing import Any, Protocol

from ..backends import JobId
from ..backends.local.line import OWNER, owner
from ..errors import SemiSegError
from ..files import disk_errors, write_json
from ..job import JobFolder, JobSpec, Status
from ..job.travel import Mark, is_returned, returned
from ..patience import remove_folder
from .absence import Absence
from .orders import order_in
from .refusal import AWAY, BUSY, CONFLICT, NOT_FOUND, WRONG, Refused
from .shelf import Shelf, require_disk, size_of

MOST_UNFINISHED = 20
"""Jobs that one user may have waiting and running."""
LONGEST_PATIENCE_S = 600.0
RESUMED_S = 86400.0
"""A job that was lost longer ago had another reason than that this computer went down."""
_NAME = re.compile(r"[0-9a-f]{32}", re.ASCII)
"""As couriers choose it: no other could tell anything of a patient, or be that of a file beside the jobs."""


class Works(Protocol):
    """What the desk needs of a backend: this computer's, or a cluster's that shares a disk with it."""

    root: Path

    def folder(self, job_id: JobId) -> JobFolder: ...
    def submit(self, job: JobFolder) -> JobId: ...
    def poll(self, job_id: JobId) -> Status: ...
    def stop(self, job_id: JobId, patience_s: float = ..., wait: bool = ...) -> Status: ...
    def resume(self, job_id: JobId) -> JobId: ...


class Desk:
    """Of each user one request is served at a time, and nobody waits for another's: a cluster that gives no answer is
    waited for. Each sees jobs of their own only. Whatever is refused raises Refused or another SemiSegError, in words.
    """

    def __init__(self, backend: Works) -> None:
        self._backend = backend
        self._serving: dict[str | None, threading.RLock] = {}
        self._coming: dict[JobId, str] = {}
        """Whose they are, of orders that are being taken in: nobody else touches their folders."""
        self._claiming = threading.Lock()
        self._labels: dict[str, int] = {}
        """User -> what :meth:`labels_of` counted; looking through two hundred jobs takes a tenth of a second."""

    @property
    def root(self) -> Path:
        """Where the jobs lie."""
        return self._backend.root

    def take(self, user: str, job_id: str, order: Any, shelf: Shelf) -> None:
        """Make a job of ``order``, whose files are on the user's ``shelf``, and have it run. Harmless to repeat. Others
        are served while its files are copied, which takes long where the jobs lie on another disk.
        """
        job = self._folder(job_id)
        spec, files = order_in(order)
        if self._begin(user, job, spec):
            try:
                _fill(job, user, spec, {name: (shelf, digest) for name, digest in files.items()})
            finally:
                with self._claiming:
                    del self._coming[job_id]
        with self._for(user):
            self._backend.submit(job)

    def look(self, user: str, job_id: str) -> tuple[Status, dict[str, Mark], int]:
        """How a job stands, what it has given back (name -> size and time), and the number of its newest labels."""
        with self._for(user):
            job = self._of(user, job_id)
            status = self._backend.poll(job_id)  # before the files: a status never tells of what is not listed
            return status, returned(job), max(job.added_labels(), default=0)

    def file(self, user: str, job_id: str, name: str) -> Path:
        """Where a file lies that the job has given back."""
        if not is_returned(name):
            raise Refused(NOT_FOUND, f"A job gives back no '{name:.80}'.", "Ask for what is listed.")
        return self._of(user, job_id).root / name

    def stop(self, user: str, job_id: str, patience_s: float) -> None:
        """Ask the job to save and stop; it is ended by force after ``patience_s`` seconds."""
        with self._for(user):
            self._of(user, job_id)
            self._backend.stop(job_id, min(max(patience_s, 0.0), LONGEST_PATIENCE_S), wait=False)

    def resume(self, user: str, job_id: str) -> None:
        """Go on with a job that stopped, failed or was lost, or that was never begun."""
        with self._for(user):
            self._of(user, job_id)
            if self._backend.poll(job_id).ended:
                self._require_turn(user)
            self._backend.resume(job_id)

    def show(self, user: str, job_id: str, case: str | None) -> None:
        """Say which case is on the person's screen."""
        with self._for(user):
            self._of(user, job_id).set_open(case)

    def add_labels(self, user: str, job_id: str, number: int, content: bytes, shelf: Shelf) -> None:
        """Take in the labels of that number, for which the user's ``shelf`` must have room; those that are there
        already, and whole, are left as they are.
        """
        with self._for(user):
            require_disk(self._backend.root, len(content))
            job = self._of(user, job_id)
            newest = max(job.added_labels(), default=0)
            if number > newest + 1:
                raise Refused(CONFLICT, f"Labels {newest + 1} come before labels {number}.", "Send them in order.")
            if number == newest + 1:
                shelf.require_room(len(content))
                before = self.labels_of(user)
                job.receive_labels(content)
                self._labels[user] = before + len(content)
            elif number >= 1 and job.is_damaged(number):
                job.receive_again(number, content)

    def labels_of(self, user: str) -> int:
        """The bytes of all labels that came for jobs of a user while those ran."""
        known = self._labels.get(user)
        if known is not None:
            return known
        with self._for(user):
            mine = [job for job in self._jobs() if owner(job.root) == user]
            found = sum(size_of(path) for job in mine for path in job.inputs.glob("labels-*.npz"))
            self._labels[user] = found
        return found

    def see_to_stops(self) -> None:
        """End by force what was asked to stop and did not in time, also when its client is gone."""
        for job in self._jobs():
            with self._for(owner(job.root)):
                if job.stop_requested():
                    self._backend.poll(job.root.name)

    def go_on(self) -> list[JobId]:
        """Resume what was on its way when this computer went down, and begin what was taken in but not begun; returns
        those that were resumed.
        """
        begun = []
        for job in self._jobs():
            with self._for(owner(job.root)), contextlib.suppress(SemiSegError):  # damaged: its owner is told
                if self._was_at_work(job):
                    begun.append(self._backend.resume(job.root.name))
                elif job.submitted and not self._backend.poll(job.root.name).ended:
                    self._backend.submit(job)
        return begun

    def excuse(self, absence: Absence) -> None:
        """Let no job grow older in it."""
        for job in self._jobs():
            with self._for(owner(job.root)), contextlib.suppress(OSError):  # it has just gone
                absence.excuse(job.root / OWNER, _touched(job))

    def clear(self, before: float) -> list[JobId]:
        """Remove jobs that ended and were last heard of before the unix time ``before``; returns those."""
        gone = []
        for job in self._jobs():
            user = owner(job.root)
            with self._for(user), contextlib.suppress(SemiSegError, OSError):  # another time
                if job.root.name not in self._coming and self._is_over(job, before):
                    self._labels.pop(str(user), None)
                    remove_folder(job.root)
                    gone.append(job.root.name)
        return gone

    def _for(self, user: str | None) -> threading.RLock:
        """Held while one request of ``user`` is served; None: of nobody, which is one more."""
        return self._serving.setdefault(user, threading.RLock())

    def _was_at_work(self, job: JobFolder) -> bool:
        lately = job.submitted and time.time() - job.last_heartbeat() < RESUMED_S
        return lately and self._backend.poll(job.root.name).state == "lost"

    def _is_over(self, job: JobFolder, before: float) -> bool:
        if _touched(job) >= before:
            return False
        return not job.submitted or self._backend.poll(job.root.name).ended

    def _begin(self, user: str, job: JobFolder, spec: JobSpec) -> bool:
        """Whether the order is new; it is among those that are coming then. Raises Refused when it cannot be taken."""
        with self._for(user):
            require_disk(self._backend.root)
            with self._claiming:
                new = self._is_new(user, job, spec)
            if new:
                self._require_turn(user)  # which may ask a cluster
            with self._claiming:
                if new := self._is_new(user, job, spec):  # nobody else came with it meanwhile
                    self._coming[job.root.name] = user
            return new

    def _is_new(self, user: str, job: JobFolder, spec: JobSpec) -> bool:
        if self._known(user, job, spec):
            return False
        if job.root.name in self._coming:
            raise Refused(AWAY, "The order is being taken in: its files are copied.", "SemiSeg asks again soon.")
        return True

    def _known(self, user: str, job: JobFolder, spec: JobSpec) -> bool:
        """Whether ``job`` is this very order of this user already. Raises Refused when it is another."""
        if not job.submitted:
            return False
        if owner(job.root) != user or job.spec() != spec:
            raise Refused(CONFLICT, f"There is another job {job.root.name}.", "Train again: that makes a new one.")
        return True

    def _require_turn(self, user: str) -> None:
        mine = [job for job in self._jobs() if job.submitted and owner(job.root) == user]
        unfinished = sum(not self._backend.poll(job.root.name).ended for job in mine)
        unfinished += list(self._coming.values()).count(user)
        if unfinished >= MOST_UNFINISHED:
            raise Refused(BUSY, f"You have {unfinished} jobs on the server that are not done.",
                          "Wait for one to end, or stop one.")

    def _folder(self, job_id: str) -> JobFolder:
        if not _NAME.fullmatch(job_id):
            raise Refused(WRONG, f"'{job_id:.60}' is no name of a job.", "Send the order again with SemiSeg.")
        return self._backend.folder(job_id)

    def _of(self, user: str, job_id: str) -> JobFolder:
        job = self._folder(job_id)
        if not job.submitted or owner(job.root) != user:  # another user's is as good as none
            raise Refused(NOT_FOUND, f"The server has no job {job_id:.60} of yours.", "Start a new one.")
        return job

    def _jobs(self) -> list[JobFolder]:
        return [self._backend.folder(said.parent.name) for said in self._backend.root.glob(f"*/{OWNER}")]


def _touched(job: JobFolder) -> float:
    return max(job.last_heartbeat(), (job.root / OWNER).stat().st_mtime)


def _fill(job: JobFolder, user: str, spec: JobSpec, files: dict[str, tuple[Shelf, str]]) -> None:
    """Write the order and all that it needs into its folder; what went wrong leaves none behind. A server that was
    killed over it may have left some: that is begun anew.
    """
    if (job.root / OWNER).exists():
        with disk_errors(job.root):
            remove_folder(job.root)
    JobFolder.create(job.root)
    try:
        write_json(job.root / OWNER, {"user": user})
        for name, (shelf, digest) in files.items():
            shelf.give(digest, job.inputs / name)
        job.submit(spec)
    except BaseException:
        with contextlib.suppress(OSError):
            remove_folder(job.root)
        raise
