"""The candidate of a contest, trained by a second runner."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from ...backends.claims import Claim, Claims
from ...engine.training.trainer import Trainer
from ...files import FileError
from ..course import standing as standings
from ..course.curve import Curve
from ..course.fitting import Fitting
from ..course.legs import Leg, outlook
from ..course.standing import Saved
from ..data import Data
from ..workplace import Workplace
from .judging import Jury
from .outcome import Delivery

LOOK_EVERY_S = 1.0


class Candidate:
    """Trains ``leg`` of the course that the first runner ``saved``, as the holder of ``claim``. ``leave()`` says
    whether this process has to leave before the end.
    """

    def __init__(
        self, workplace: Workplace, data: Data, saved: Saved, leg: Leg, claim: Claim, leave: Callable[[], bool]
    ):
        self.workplace, self.data, self.leg, self.claim, self.leave = workplace, data, leg, claim, leave
        self.standing, self.opening = saved.standing, saved.opening(data)
        self.jury = Jury(workplace.job.spec(), data, workplace.device, self.opening)
        self.curve = Curve(workplace.reporter, self.jury, self.standing, beside=True)
        self._looked_at = self._saved_at = 0.0
        self._left = False

    def train(self) -> Delivery | None:
        """To the end of the leg; None when this process left before. Raises what a training raises."""
        workplace, leg = self.workplace, self.leg
        self.opening.parts.use(leg.part)
        fitting = Fitting(workplace, self.data, self._after)
        state = left_by_others(Claims(workplace.job))
        workplace.reporter.say(f"Training: {leg.called()}.", phase=leg.called(), method=leg.name)
        trainer = fitting.fit(leg, self.standing.first, state)
        if self._left:
            return None
        outcome = self.jury.outcome(trainer.method, self.curve.score(trainer), leg)
        return Delivery(outcome, workplace.device.name, trainer.progress.elapsed)

    def _after(self, trainer: Trainer, share: float) -> bool:
        """Between two steps: tell, take labels in, save, leave when it is time."""
        now, progress = time.monotonic(), trainer.progress
        self.workplace.reporter.update(step=progress.step, **outlook([self.leg], 0, share, progress))
        self.curve.losses(trainer)
        if now - self._looked_at > LOOK_EVERY_S:
            self._looked_at = now
            self._look()
        self.curve.evaluate(trainer, share)
        if self._left or now - self._saved_at > self.workplace.training.checkpoint_seconds:
            self._saved_at = now
            self._save(trainer)
        return not self._left

    def _look(self) -> None:
        self.data.take_new(self.workplace.job)
        self.workplace.reporter.update(labels_used=self.data.labels_used)
        self.workplace.reporter.unread(self.data.unread)
        self._left = self.leave()

    def _save(self, trainer: Trainer) -> None:
        try:
            standings.save(self.claim.state_path, self.standing, self.opening, self.workplace.device, trainer.state())
        except FileError as error:
            logging.warning("The state of the candidate could not be saved: %s", error)


def left_by_others(claims: Claims) -> dict[str, Any] | None:
    """The state within the candidate's leg that an earlier runner saved; None when there is none. Raises
    CheckpointError naming a damaged file.
    """
    path = claims.state()
    saved = Saved.load(path) if path else None
    return saved.trainer if saved else None
