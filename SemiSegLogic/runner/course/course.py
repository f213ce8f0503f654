"""The course of a training: a first mask fast, then better, and never worse.

Leg 1 trains the supervised baseline for seconds and suggests a mask for every volume. What follows is decided by the
method: one that was asked for goes on from there and takes over unless held-out slices say that it is worse; the
recommended one holds a contest (see settings/recommended.py). Labels that arrive meanwhile are taken in between two
steps.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...engine.hardware.device import is_out_of_memory
from ...engine.hardware.generators import restore_random_state
from ...engine.training.trainer import Diverged, Trainer
from ...errors import SemiSegError
from ..contest.contest import Contest
from ..contest.judging import Jury
from ..data import Data
from ..model import Model
from ..suggest import Suggester
from ..workplace import Workplace
from .bookkeeping import Bookkeeper
from .curve import Curve
from .fitting import Fitting, MemoryExhausted
from .legs import Leg, outlook
from .news import News
from .opening import opening
from .standing import Saved, Standing

LOOK_FOR_LABELS_S = 1.0
UNJUDGED = ("Memory ran out while the model was measured on the slices kept aside. Close other programs, or choose a "
            "computer with more memory, and train again.")


class Course:
    """Runs the legs for one job, resuming where a killed process left off: ``saved`` is its checkpoint, ``start`` a
    model of an earlier round to go on from. ``second`` the environment of a second runner, where this computer has a
    place for one.
    """

    def __init__(
        self, workplace: Workplace, data: Data, saved: Saved | None = None, start: Model | None = None,
        second: Mapping[str, str] | None = None,
    ):
        self.workplace, self.job, self.reporter, self.saved = workplace, workplace.job, workplace.reporter, saved
        spec, device = workplace.job.spec(), workplace.device
        self.opening = saved.opening(data) if saved else opening(spec, data, workplace.training, device, start)
        self.standing = saved.standing if saved else Standing()
        self.start = start if self.opening.goes_on else None
        self.jury = Jury(spec, data, device, self.opening)
        self.curve = Curve(workplace.reporter, self.jury, self.standing)
        self.contest = Contest(workplace.job, workplace.reporter, second)
        self.fitting = Fitting(workplace, data, self._after)
        suggester = Suggester(workplace, data)
        self.news = News(workplace, data, suggester)
        self.books = Bookkeeper(workplace, self.opening, self.standing, suggester, self.news)
        self._looked_at, self._stopped = 0.0, False

    def run(self) -> Model:
        """All legs to the end or to a stop; returns the model to keep."""
        if self.saved is None:
            self._require_methods()
        state = self._resumed(self.saved) if self.saved is not None else None
        self.contest.begin(self.legs[self.standing.leg:])
        try:
            while not self.complete and not self._may_end():
                self._run_leg(self._leg(fresh=state is None), state)
                state = None
        finally:
            self.contest.end()
        self.books.suggest()  # those that a full disk refused; if it still does, that is how the job ends
        assert self.standing.kept is not None
        return self.standing.kept

    def _require_methods(self) -> None:
        """Raises SettingsError where a later leg's method cannot learn from these data: said at once, not when its turn
        comes.
        """
        for leg in {leg.name: leg for leg in self.legs if leg.name != self.legs[0].name}.values():
            self.fitting.method(leg)

    def _resumed(self, saved: Saved) -> dict[str, Any] | None:
        """The state within the leg that a killed process was at, if it was at one; chance goes on from there."""
        restore_random_state(saved.random)
        with self.reporter.tolerating("The suggestions"):
            self.books.suggest()
        return saved.trainer

    def _may_end(self) -> bool:
        """Whether a stop was asked for and there is a model to stop with."""
        self._stopped = self._stopped or self.job.stop_requested()
        return self._stopped and self.standing.kept is not None

    @property
    def complete(self) -> bool:
        """Whether all legs were run to their end, or given up: no stop cut them short."""
        return self.standing.leg >= len(self.legs)

    # --- legs ---------------------------------------------------------------------------------------------------

    @property
    def legs(self) -> list[Leg]:
        """All of this run, as they stand now."""
        return self.opening.legs

    def _leg(self, fresh: bool) -> Leg:
        """The next leg; that over all slices is of whichever method was kept."""
        if fresh:  # whether the contest is held side by side is saved before a second runner hears of it
            self._set_legs(self.contest.arranged(self.legs, self.standing))
            self.contest.announce(self.legs, self.standing)
        leg, kept = self.legs[self.standing.leg], self.standing.kept
        if leg.role == "whole" and kept is not None:
            return replace(leg, name=kept.method, settings=kept.settings)
        return leg

    def _set_legs(self, legs: list[Leg]) -> None:
        if legs != self.legs:
            self.opening.legs = legs
            self.books.save(None)

    def _run_leg(self, leg: Leg, state: dict[str, Any] | None) -> None:
        if leg.beside:
            self._wait_for_second(leg)
            return
        state = state or self.contest.state(leg)
        self.opening.parts.use(leg.part)
        self.curve.begin_leg(leg.role == "fold")
        self.reporter.say(f"Training: {leg.called()}.", state="running", phase=leg.called(), method=leg.name)
        try:
            trainer = self.fitting.fit(leg, self._source(leg), state)
        except (Diverged, MemoryExhausted) as error:
            if self.standing.kept is None:
                raise
            self._give_up(leg, error)
        else:
            self._judge(trainer, leg)

    def _wait_for_second(self, leg: Leg) -> None:
        """Judge what a second runner trained meanwhile. Where it was lost, the leg becomes this runner's own."""
        delivery = self.contest.delivery(leg, self._go_on)
        if delivery is not None:
            outcome = self.contest.noted(delivery, leg, self.standing).outcome
            self._next_leg(self.jury.decide(self.standing, outcome, leg, stopped=False), 0.0)
        elif not self._may_end():
            self._set_legs(self.contest.taken_back(self.legs, self.standing))

    def _go_on(self) -> bool:
        """While waiting: take labels in, and go on unless a stop was asked for."""
        self.news.take(time.monotonic())
        return not self._may_end()

    def _source(self, leg: Leg) -> Model | None:
        """The model that the leg's role goes on from."""
        sources = {"first": self.start, "candidate": self.standing.first, "fold": None}
        return sources.get(leg.role, self.standing.kept)

    # --- within a leg -------------------------------------------------------------------------------------------

    def _after(self, trainer: Trainer, share: float) -> bool:
        """Between two steps: tell, take labels in, save, stop."""
        now = time.monotonic()
        self._tell(trainer, share)
        if now - self._looked_at > LOOK_FOR_LABELS_S:
            self._looked_at = now
            self._look(now)
        self.news.show(now, trainer.method)
        self.curve.evaluate(trainer, share)
        if self._stopped or self.books.is_due(now):
            self.books.save(trainer)
        return not self._stopped

    def _tell(self, trainer: Trainer, share: float) -> None:
        progress = trainer.progress
        numbers = outlook(self.legs, self.standing.leg, share, progress)
        numbers["seconds_left"] += self.books.suggestings()
        self.reporter.update(step=progress.step, **numbers)
        self.curve.losses(trainer)

    def _look(self, now: float) -> None:
        """What the client and the second runner did since."""
        self.news.take(now)
        self.contest.look()
        self._stopped = self.job.stop_requested()

    # --- the end of a leg ---------------------------------------------------------------------------------------

    def _judge(self, trainer: Trainer, leg: Leg) -> None:
        """At the end of a leg, or at a stop within it. A later leg that there is no memory to judge is given up."""
        try:
            plain = self.curve.score(trainer)
            message = self.jury.judge(self.standing, trainer.method, plain, leg, self._stopped)
        except Exception as error:
            if self.standing.kept is None or not is_out_of_memory(error):
                raise
            self._give_up(leg, MemoryExhausted(UNJUDGED))
            return
        if self._stopped:
            self.books.settle(message, trainer)
        else:
            self._next_leg(message, trainer.progress.elapsed)

    def _give_up(self, leg: Leg, error: SemiSegError) -> None:
        """Leave a leg that failed; the model from before it is kept."""
        text = f"{leg.name} was given up, and the earlier model is kept: {error}"
        self.reporter.update(error={"text": text, "remedy": "The suggestions are those of the earlier model."})
        if leg.role != "whole":  # which has no score of its own
            self.standing.scores[self.standing.name_of(leg)] = None
        self.standing.verdicts.append(text)
        self._next_leg(text, 0.0)

    def _next_leg(self, message: str, seconds: float) -> None:
        self.standing.leg += 1
        self.standing.seconds += seconds
        self.books.settle(message, None)
