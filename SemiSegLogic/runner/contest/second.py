"""The second runner of a job: it trains the candidate of a contest while the first one goes on with the baseline.

``python -m SemiSegLogic.run JOB --second``. Both start from the model of the first mask; what each comes to does not
depend on the other, so that a contest side by side ends as one in turn does. The second runner writes nothing but its
own files in ``beside/`` (see backends/claims.py); who wins is decided by the first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from os import getpid
from typing import Any, TypeVar

from ...backends.claims import Claim, Claims, Pulse
from ...files import write_json
from ...job import JobError, JobFolder, Status
from ...job.outputs import append_curve
from .. import data as volumes_of
from ..course.legs import contested
from ..course.standing import Saved
from ..reporting import Reporter
from ..workplace import Workplace, workplace_of
from .candidate import Candidate

LOOK_EVERY_S = 0.5
LEFT_ALONE_S = 600.0  # without a word of the first runner, after which its second saves and goes home
Found = TypeVar("Found")


class OwnDesk:
    """The files of the holder of ``claim``."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim

    def write_status(self, status: Status) -> None:
        """Replace its status, stamped with this process and the time. Raises FileError."""
        write_json(self.claim.status_path, replace(status, pid=getpid(), heartbeat=time.time()).to_dict())

    def append_curve(self, point: Mapping[str, Any]) -> None:
        """Add a point to its curve. Raises JobError."""
        append_curve(self.claim.curve_path, point)


class SecondRunner:
    """Works on the job as the holder of ``claim``. ``sent_home`` says whether this process has to end."""

    def __init__(self, workplace: Workplace, claim: Claim, sent_home: Callable[[], bool] = lambda: False):
        self.workplace, self.claim, self.sent_home = workplace, claim, sent_home
        self.claims, self.pulse, self.patient = Claims(workplace.job), Pulse(), Pulse(LEFT_ALONE_S)

    def run(self) -> str:
        """To the end; returns what came of it, in words. Raises what a training raises."""
        saved = self._wait_for(self._saved)
        if saved is None or contested(saved.legs) is None:
            return "There is no contest to help with."
        self.workplace = workplace = self.workplace.with_device(saved.on(self.workplace.device))
        data = volumes_of.load(workplace.job, workplace.device, workplace.reporter.reading, saved.plan)
        workplace.reporter.say("Waiting for the first suggestion.", phase="waiting", device=workplace.device.name)
        if self._wait_for(self.claims.offered) is None:
            return "No second runner is needed."
        decided = self._saved()
        leg = contested(decided.legs) if decided else None
        if decided is None or leg is None or not leg.beside:
            return "No second runner is needed."
        delivery = Candidate(workplace, data, decided, replace(leg, beside=False), self.claim, self._leaves).train()
        if delivery is None:
            return "Left before its end; another runner goes on from what was saved."
        delivery.save(self.claim.outcome_path)
        return "The candidate is trained."

    def _saved(self) -> Saved | None:
        return Saved.load(self.workplace.job.checkpoint)

    def _leaves(self) -> bool:
        """Whether to save and go home in the middle of the candidate."""
        return self._unwanted() or not self._first_lives(self.patient)

    def _wait_for(self, look: Callable[[], Found | None]) -> Found | None:
        """What ``look`` finds; None when nobody needs it any more."""
        while not self._unwanted() and self._first_lives(self.pulse):
            found = look()
            if found is not None:
                return found
            time.sleep(LOOK_EVERY_S)
        return None

    def _unwanted(self) -> bool:
        overtaken = not self.claims.holds(self.claim)
        return overtaken or self.sent_home() or self.workplace.job.stop_requested() or self.claims.offered() is False

    def _first_lives(self, pulse: Pulse) -> bool:
        """Whether the job's runner goes on. It may just be starting again: its last word of before is given time."""
        try:
            reported = self.workplace.job.reported()
        except JobError:
            return pulse.alive("runner", None, None)
        return reported.state != "done" and pulse.alive("runner", None, reported.heartbeat)


def begin(
    job: JobFolder, claim: Claim, reporter: Reporter, sent_home: Callable[[], bool], runners: int = 1
) -> None:
    """The whole work of a second runner on the device that its computer has; ``runners`` share that computer. Raises
    what a training raises.
    """
    with workplace_of(job, reporter) as workplace:
        farewell = SecondRunner(workplace.with_device(workplace.device.shared(runners)), claim, sent_home).run()
        reporter.say(farewell, state="done", seconds_left=None)
