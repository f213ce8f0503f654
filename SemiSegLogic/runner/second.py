"""The second runner of a job: it trains the candidate of a contest while the first one goes on with the baseline.

``python -m SemiSegLogic.run JOB --second``. Both start from the model of the first mask; what each comes to does not
depend on the other, so that a contest side by side ends as one in turn does. The second runner writes nothing but its
own files in ``beside/`` (see backends/claims.py); who wins is decided by the first.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from os import getpid
from typing import Any, TypeVar

from ..backends.claims import Claim, Claims, Pulse
from ..engine import quality
from ..engine.device import Device
from ..engine.trainer import Means, Progress, Trainer
from ..files import FileError, write_json
from ..job import JobError, JobFolder, Status
from ..job.outputs import append_curve
from ..settings import Training
from . import data as volumes_of
from . import standing as standings
from .fitting import Fitting
from .judging import Jury
from .legs import Leg, contested, outlook
from .outcome import Delivery
from .reporting import Reporter
from .standing import Saved

LOOK_EVERY_S = 1.0
EVALUATE_EVERY = 0.2  # of the leg
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
    """Works on ``job`` as the holder of ``claim``. ``sent_home`` says whether this process has to end."""

    def __init__(
        self, job: JobFolder, claim: Claim, device: Device, training: Training, reporter: Reporter,
        sent_home: Callable[[], bool] = lambda: False, pulse: Pulse | None = None,
    ):
        self.job, self.claim, self.claims, self.device, self.training = job, claim, Claims(job), device, training
        self.reporter, self.sent_home, self.pulse = reporter, sent_home, pulse or Pulse()
        self.patient = Pulse(LEFT_ALONE_S)
        self._looked_at = self._saved_at = self._evaluated = 0.0
        self._left = False

    def run(self) -> str:
        """To the end; returns what came of it, in words. Raises what a training raises."""
        saved = self._wait_for(self._saved)
        if saved is None or contested(saved.legs) is None:
            return "There is no contest to help with."
        self.device = saved.on(self.device)
        self.data = volumes_of.load(self.job, self.device, self.reporter.reading, saved.plan)
        self.reporter.say("Waiting for the first mask.", phase="waiting", device=self.device.name)
        if self._wait_for(self.claims.offered) is None:
            return "No second runner is needed."
        decided = self._saved()
        leg = contested(decided.legs) if decided else None
        if decided is None or leg is None or not leg.beside:
            return "No second runner is needed."
        delivery = self._train(decided, replace(leg, beside=False))
        if delivery is None:
            return "Left before its end; another runner goes on from what was saved."
        delivery.save(self.claim.outcome_path)
        return "The candidate is trained."

    def _saved(self) -> Saved | None:
        return Saved.load(self.job.checkpoint, self.device.torch)

    def _train(self, saved: Saved, leg: Leg) -> Delivery | None:
        self.saved, self.leg, self.opening = replace(saved, trainer=None), leg, saved.opening(self.data)
        self.opening.parts.use(leg.part)
        self.jury = Jury(self.job.spec(), self.data, self.device, self.opening)
        means = Means(self.training.compile, self.training.record, told=self.reporter.say)
        fitting = Fitting(self.data, self.device, self.reporter, self._after, means)
        state = left_by_others(self.claims, self.device)
        method = fitting.method(leg) if state else fitting.begun(leg, self.training.seed, saved.standing.first)
        self.reporter.say(f"Training: {leg.called()}.", phase=leg.called(), method=leg.name)
        trainer = fitting.fit(method, leg, state)
        if self._left:
            return None
        outcome = self.jury.outcome(trainer.method, self._score(trainer), leg)
        return Delivery(outcome, self.device.name, trainer.progress.elapsed)

    def _after(self, trainer: Trainer, progress: Progress, share: float) -> bool:
        """Between two steps: tell, take labels in, save, leave when it is time."""
        now = time.monotonic()
        self.reporter.update(step=progress.step, **outlook([self.leg], 0, share, progress))
        if progress.step % 20 == 1:
            self._curve({"losses": trainer.last_losses()}, progress)
        if now - self._looked_at > LOOK_EVERY_S:
            self._looked_at = now
            for item in self.job.newest_labels(self.data.labels_used):
                self.data.take_planes(item.case, item.planes, item.n)
            self.reporter.update(labels_used=self.data.labels_used)
            self._left = self._unwanted() or not self._first_lives(self.patient)
        if share - self._evaluated >= EVALUATE_EVERY:
            self._evaluated = share
            self._score(trainer)
        if self._left or now - self._saved_at > self.training.checkpoint_seconds:
            self._save(trainer)
        return not self._left

    def _score(self, trainer: Trainer) -> quality.Measured:
        found = self.jury.measure(trainer.method.predictor())
        dice = self.jury.dice(found)
        if dice:
            mean = quality.mean_dice(dice)
            self._curve({"held_out_dice": mean, "held_out_per_structure": dice}, trainer.progress)
        return found

    def _curve(self, point: dict[str, Any], progress: Progress) -> None:
        self.reporter.curve({**point, "beside": True}, self.saved.standing.seconds + progress.elapsed, progress.step)

    def _save(self, trainer: Trainer) -> None:
        self._saved_at = time.monotonic()
        try:
            standings.save(self.claim.state_path, self.saved.standing, self.opening, self.device, trainer.state())
        except FileError as error:
            logging.warning("The state of the candidate could not be saved: %s", error)

    def _wait_for(self, look: Callable[[], Found | None]) -> Found | None:
        """What ``look`` finds; None when nobody needs it any more."""
        while not self._unwanted() and self._first_lives(self.pulse):
            found = look()
            if found is not None:
                return found
            time.sleep(LOOK_EVERY_S / 2)
        return None

    def _unwanted(self) -> bool:
        overtaken = not self.claims.holds(self.claim)
        return overtaken or self.sent_home() or self.job.stop_requested() or self.claims.offered() is False

    def _first_lives(self, pulse: Pulse) -> bool:
        """Whether the job's runner goes on. It may just be starting again: its last word of before is given time."""
        try:
            reported = self.job.reported()
        except JobError:
            return pulse.alive("runner", None, None)
        return reported.state != "done" and pulse.alive("runner", None, reported.heartbeat)


def left_by_others(claims: Claims, device: Device) -> dict[str, Any] | None:
    """The state within the candidate's leg that an earlier runner saved; None when there is none. Raises
    CheckpointError naming a damaged file.
    """
    path = claims.state()
    saved = Saved.load(path, device.torch) if path else None
    return saved.trainer if saved else None


def begin(job: JobFolder, claim: Claim, reporter: Reporter, sent_home: Callable[[], bool]) -> None:
    """The whole work of a second runner on the device that its computer has. Raises what a training raises."""
    import torch

    from ..engine.device import choose
    from ..engine.memory import keep_freed_memory

    keep_freed_memory()
    training = Training.from_dict(job.spec().training)
    torch.manual_seed(training.seed)
    device = choose(training.device, training.precision)
    with device.at_work():
        farewell = SecondRunner(job, claim, device, training, reporter, sent_home).run()
        reporter.say(farewell, state="done", seconds_left=None)
