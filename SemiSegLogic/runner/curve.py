"""The learning curve of a leg: its losses, and what the slices held out say on the way."""

from __future__ import annotations

from typing import Any

from ..engine import quality
from ..engine.quality import Measured
from ..engine.trainer import Trainer
from .judging import Jury
from .reporting import Reporter
from .standing import Standing

EVALUATE_EVERY = 0.2  # of a leg
LOSSES_EVERY = 20  # steps


class Curve:
    """Writes the points of one leg after the other; ``marks`` are in each of them."""

    def __init__(self, reporter: Reporter, jury: Jury, standing: Standing, **marks: Any):
        self.reporter, self.jury, self.standing, self.marks = reporter, jury, standing, marks
        self._evaluated = 0.0

    def begin_leg(self) -> None:
        """The share that is done of a leg is counted anew."""
        self._evaluated = 0.0

    def losses(self, trainer: Trainer) -> None:
        """After a step: its losses, now and then."""
        if trainer.progress.step % LOSSES_EVERY == 1:
            self._add({"losses": trainer.last_losses()}, trainer)

    def evaluate(self, trainer: Trainer, share: float) -> None:
        """After a step: the score, now and then. ``share`` of the leg is done."""
        if share - self._evaluated >= EVALUATE_EVERY:
            self._evaluated = share
            self.score(trainer)

    def score(self, trainer: Trainer) -> Measured:
        """The held-out slices as the method sees them now, and a point of the curve where there are any."""
        found = self.jury.measure(trainer.method.predictor())
        dice = self.jury.dice(found)
        if dice:
            self._add({"held_out_dice": quality.mean_dice(dice), "held_out_per_structure": dice}, trainer)
        return found

    def _add(self, point: dict[str, Any], trainer: Trainer) -> None:
        progress = trainer.progress
        self.reporter.curve({**point, **self.marks}, self.standing.seconds + progress.elapsed, progress.step)
