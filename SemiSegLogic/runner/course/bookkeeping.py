"""Bringing a job up to how its course stands: what is told, saved, published and suggested."""

from __future__ import annotations

import time
from typing import Any

from ...engine.training.trainer import Trainer
from ..cards import publish
from ..model import Model
from ..suggest import Suggester
from ..workplace import Workplace
from . import standing as standings
from .legs import seconds_left
from .news import News
from .opening import Opening
from .standing import Standing


class Bookkeeper:
    """Of the course that began with ``opening`` and stands at ``standing``."""

    def __init__(self, workplace: Workplace, opening: Opening, standing: Standing, suggester: Suggester, news: News):
        self.workplace, self.opening, self.standing = workplace, opening, standing
        self.suggester, self.news = suggester, news
        self._saved_at = 0.0

    def settle(self, message: str, trainer: Trainer | None) -> None:
        """Say how it stands, save it, and bring the suggestions up to it."""
        kept, reporter = self.standing.kept, self.workplace.reporter
        assert kept is not None
        reporter.say(message, scores=self._scores(kept))
        self.save(trainer)
        with reporter.tolerating("The model"):
            publish(self.workplace.job, kept, reporter.status)
        self.news.settle(kept, self.standing.to_suggest)
        if self.standing.to_suggest:
            with reporter.tolerating("The suggestions"):
                self.suggest()
            self.save(trainer)

    def suggest(self) -> None:
        """The kept model's suggestions, where they are still to be made. Raises FileError where the disk refuses."""
        kept = self.standing.kept
        if self.standing.to_suggest and kept is not None:
            self.suggester.follow(kept)
            network = kept.predictor(self.workplace.device.torch)
            self.standing.to_suggest = not self.suggester.all_cases(network, self._take_news, self._later)

    def suggestings(self) -> float:
        """Seconds that suggesting every case behind each leg to come will take, as far as is known: legs that only
        measure have none, and one that is turned down saves its own.
        """
        coming = sum(leg.role != "fold" for leg in self.opening.legs[self.standing.leg:])
        return coming * self.suggester.seconds_of_all()

    def _later(self) -> float:
        """Seconds of the run that come after the present suggesting."""
        if self.workplace.job.stop_requested():
            return 0.0
        pace = self.workplace.reporter.status.steps_per_second
        return seconds_left(self.opening.legs, self.standing.leg, 0.0, pace) + self.suggestings()

    def save(self, trainer: Trainer | None) -> None:
        """The checkpoint: the standing, and the state within the leg when it is not over."""
        self._saved_at = time.monotonic()
        state = trainer.state() if trainer else None
        with self.workplace.reporter.tolerating("The state"):
            standings.save(self.workplace.job.checkpoint, self.standing, self.opening, self.workplace.device, state)

    def is_due(self, now: float) -> bool:
        """Whether the last checkpoint is so old that another should be saved."""
        return now - self._saved_at > self.workplace.training.checkpoint_seconds

    def _scores(self, kept: Model) -> dict[str, Any]:
        """What the status tells of the course and of the model it has kept so far."""
        standing, opening = self.standing, self.opening
        return {"held_out": dict(standing.scores), "kept": kept.method, "checked": kept.held_out is not None,
                "quality": kept.quality, "reasons": [*opening.reasons, *standing.verdicts],
                "goes_on": opening.goes_on}

    def _take_news(self) -> None:
        """Between two volumes of a long suggesting."""
        self.news.take(time.monotonic())
