"""The learning curve of a leg: its losses, and what the slices held out say on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...engine import quality
from ...engine.quality import Measured, SliceScore
from ...engine.training.trainer import Trainer
from ..contest.judging import Jury
from ..reporting import Reporter
from .standing import Standing

EVALUATE_EVERY = 0.2  # of a leg
LOSSES_EVERY, DENSE = 20, 10_000
"""Steps from one point of the losses to the next; behind DENSE steps the distance doubles whenever the steps do. While
a run goes on its curve is read, drawn and copied whole every second, and on a graphics card runs have a million steps.
"""
MOST_SHARE = 0.2  # of the time for training that may go into looks on the way, which nobody waits for
FREE_S = 2.0  # so much they may take in any case


class Curve:
    """Writes the points of one leg after the other; ``marks`` are in each of them."""

    def __init__(self, reporter: Reporter, jury: Jury, standing: Standing, **marks: Any):
        self.reporter, self.jury, self.standing, self.marks = reporter, jury, standing, marks
        self._evaluated, self._own = 0.0, dict[str, bool]()
        self._spent, self._latest = 0.0, 0.0  # seconds for all looks on the way, and for the latest

    def begin_leg(self, only_measures: bool = False) -> None:
        """The share that is done of a leg is counted anew; the points of one that ``only_measures`` say so."""
        self._evaluated = 0.0
        self._own = {"apart": True} if only_measures else {}

    def losses(self, trainer: Trainer) -> None:
        """After a step: its losses, now and then."""
        step = trainer.progress.step
        if step % (LOSSES_EVERY << (step // DENSE).bit_length()) == 1:
            self._add({"losses": trainer.last_losses()}, trainer)

    def evaluate(self, trainer: Trainer, share: float) -> None:
        """After a step: the score, now and then. ``share`` of the leg is done; at its end :meth:`score` follows."""
        if share - self._evaluated >= EVALUATE_EVERY and share < 1 and self._is_worth_it(trainer):
            self._evaluated = share
            begun = trainer.clock()
            self._score(self.jury.glance(trainer.method.predictor()), trainer)
            self._latest = trainer.clock() - begun
            self._spent += self._latest

    def score(self, trainer: Trainer) -> Measured:
        """The held-out slices as the method sees them now, and a point of the curve where there are any."""
        found = self.jury.measure(trainer.method.predictor())
        self._score(found.scores, trainer)
        return found

    def _is_worth_it(self, trainer: Trainer) -> bool:
        """Whether another look leaves the person waiting little longer than the time that was given to training. With a
        number of steps it always is: nobody said how long they may take, and they are the same again.
        """
        trained = self.standing.seconds + trainer.progress.elapsed
        return bool(trainer.budget.steps) or self._spent + self._latest <= max(FREE_S, MOST_SHARE * trained)

    def _score(self, scores: Sequence[SliceScore], trainer: Trainer) -> None:
        dice = self.jury.dice(scores)
        if dice:
            self._add({"held_out_dice": quality.mean_dice(dice), "held_out_per_structure": dice}, trainer)

    def _add(self, point: dict[str, Any], trainer: Trainer) -> None:
        progress, marks = trainer.progress, {**self.marks, **self._own}
        self.reporter.curve({**point, **marks}, self.standing.seconds + progress.elapsed, progress.step)
