"""The course of a training: a first mask fast, then better, and never worse.

Leg 1 trains the supervised baseline for seconds and suggests a mask for every volume. What follows is decided by the
method: one that was asked for goes on from there and takes over unless held-out slices say that it is worse; the
recommended one is a tournament (see settings/recommended.py). Labels that arrive meanwhile are taken in between two
steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ..engine import checkpoint, quality
from ..engine.device import Device
from ..engine.quality import Measured
from ..engine.trainer import Diverged, Means, Progress, Trainer
from ..errors import SemiSegError
from ..files import FileError
from ..job import JobFolder
from ..methods.base import Method
from ..settings import Training
from . import standing as standings
from .contest import Contest
from .data import Data
from .fitting import Fitting, MemoryExhausted
from .judging import Jury
from .legs import Leg, outlook
from .model import Model, publish
from .opening import opening
from .reporting import Reporter
from .standing import Saved, Standing
from .suggest import Suggester

LOOK_FOR_LABELS_S = 1.0
REFRESH_AFTER_S = 2.0  # of training on new labels before the open case is shown again
EVALUATE_EVERY = 0.2  # of a leg


class Course:
    """Runs the legs for one job, resuming where a killed process left off: ``saved`` is its checkpoint, ``start`` a
    model of an earlier round to go on from. ``second`` the environment of a second runner, where this computer has a
    place for one.
    """

    def __init__(
        self, job: JobFolder, data: Data, device: Device, training: Training, reporter: Reporter,
        saved: Saved | None = None, start: Model | None = None, second: Mapping[str, str] | None = None,
    ):
        self.job, self.data, self.device, self.training, self.reporter = job, data, device, training, reporter
        self.saved = saved
        self.opening = saved.opening(data) if saved else opening(job.spec(), data, training, device, start)
        self.start = start if self.opening.goes_on else None
        self.contest = Contest(job, reporter, second)
        self.standing = saved.standing if saved else Standing()
        self.jury = Jury(job.spec(), data, device, self.opening)
        means = Means(training.compile, training.record, told=reporter.say)
        self.fitting = Fitting(data, device, reporter, self._after, means)
        self.suggester = Suggester(job, data, device, reporter)
        self._saved_at = self._looked_at = self._evaluated = 0.0
        self._refresh_at: float | None = None
        self._refreshed = self._stopped = False

    def run(self) -> Model:
        """All legs to the end or to a stop; returns the model to keep."""
        state = None
        if self.saved is not None:
            state = self.saved.trainer
            checkpoint.restore_random_state(self.saved.random)
            self._tolerate("The suggestions", self._suggest)
        self.contest.begin(self.legs[self.standing.leg:])
        try:
            while self.standing.leg < len(self.legs) and not self._may_end():
                self._run_leg(self._leg(fresh=state is None), state)
                state = None
        finally:
            self.contest.companion.close()
        self._suggest()  # those that a full disk refused; if it still does, that is how the job ends
        assert self.standing.kept is not None
        return self.standing.kept

    def _may_end(self) -> bool:
        """Whether a stop was asked for and there is a model to stop with."""
        self._stopped = self._stopped or self.job.stop_requested()
        return self._stopped and self.standing.kept is not None

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
            self.opening = replace(self.opening, legs=legs)
            self._save(None)

    def _run_leg(self, leg: Leg, state: dict[str, Any] | None) -> None:
        if leg.beside:
            self._wait_for_second(leg)
            return
        state = state or self.contest.state(leg, self.device)
        self.opening.parts.use(leg.part)
        self._evaluated = 0.0
        method = self._begun(leg, fresh=state is None)
        self.reporter.say(f"Training: {leg.called()}.", state="running", phase=leg.called(), method=leg.name)
        try:
            trainer = self.fitting.fit(method, leg, state)
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
        self._look_for_labels()
        return not self._may_end()

    def _begun(self, leg: Leg, fresh: bool) -> Method:
        """The method of a leg; a ``fresh`` one starts from the model that the leg's role goes on from."""
        if not fresh:
            return self.fitting.method(leg)
        sources = {"first": self.start, "candidate": self.standing.first, "fold": None}
        return self.fitting.begun(leg, self.training.seed, sources.get(leg.role, self.standing.kept))

    def _after(self, trainer: Trainer, progress: Progress, share: float) -> bool:
        """Between two steps: tell, take labels in, save, stop."""
        now = time.monotonic()
        self.reporter.update(step=progress.step, **outlook(self.legs, self.standing.leg, share, progress))
        if progress.step % 20 == 1:
            self._curve({"losses": trainer.last_losses()}, progress)
        if now - self._looked_at > LOOK_FOR_LABELS_S:
            self._looked_at = now
            self._take_labels(now)
            self.contest.companion.look()
            self._stopped = self.job.stop_requested()
        if self._refresh_at is not None and now > self._refresh_at:
            self._refresh_at, self._refreshed = None, True
            self._tolerate("The open case's suggestion", partial(self._suggest_open, trainer.method.predictor()))
        if share - self._evaluated >= EVALUATE_EVERY:
            self._evaluated = share
            self._score(trainer.method, progress)
        if self._stopped or now - self._saved_at > self.training.checkpoint_seconds:
            self._save(trainer)
        return not self._stopped

    def _look_for_labels(self) -> None:
        """Between two volumes of a long suggesting."""
        self._take_labels(time.monotonic())

    def _take_labels(self, now: float) -> None:
        for item in self.job.newest_labels(self.data.labels_used):
            self.data.take_planes(item.case, item.planes, item.n)
            self.reporter.say(f"New labels of case {item.case} are in.", labels_used=self.data.labels_used)
            self._refresh_at = self._refresh_at or now + REFRESH_AFTER_S

    def _score(self, method: Method, progress: Progress) -> Measured:
        """The held-out slices as ``method`` sees them now, and a point of the curve where there are any."""
        found = self.jury.measure(method.predictor())
        dice = self.jury.dice(found)
        if dice:
            mean = quality.mean_dice(dice)
            self._curve({"held_out_dice": mean, "held_out_per_structure": dice}, progress)
        return found

    def _curve(self, point: dict[str, Any], progress: Progress) -> None:
        self.reporter.curve(point, self.standing.seconds + progress.elapsed, progress.step)

    def _judge(self, trainer: Trainer, leg: Leg) -> None:
        """At the end of a leg, or at a stop within it."""
        plain = self._score(trainer.method, trainer.progress)
        message = self.jury.judge(self.standing, trainer.method, plain, leg, self._stopped)
        if self._stopped:
            self._settle(message, trainer)
        else:
            self._next_leg(message, trainer.progress.elapsed)

    def _give_up(self, leg: Leg, error: SemiSegError) -> None:
        """Leave a leg that failed; the model from before it is kept."""
        text = f"{leg.name} was given up, and the model from before it is kept: {error}"
        self.reporter.update(error={"text": text, "remedy": "The suggestions are those of the earlier model."})
        self._next_leg(text, 0.0)

    def _next_leg(self, message: str, seconds: float) -> None:
        self.standing.leg += 1
        self.standing.seconds += seconds
        self._settle(message, None)

    def _settle(self, message: str, trainer: Trainer | None) -> None:
        """Say how it stands, save it, and bring the suggestions up to it."""
        kept, scores = self.standing.kept, self.standing.scores
        assert kept is not None
        told = {"held_out": dict(scores), "kept": kept.method, "checked": kept.held_out is not None,
                "quality": kept.quality, "reasons": [*self.opening.reasons, *self.standing.verdicts],
                "goes_on": self.opening.goes_on}
        self.reporter.say(message, scores=told)
        self._save(trainer)
        self._tolerate("The model", partial(publish, self.job, kept, self.reporter.status))
        if self._refreshed and not self.standing.to_suggest:  # the open case shows a model that was turned down
            shown = kept.predictor(self.device.torch)
            self._tolerate("The open case's suggestion", partial(self._suggest_open, shown))
        self._refreshed = False
        if self.standing.to_suggest:
            self._tolerate("The suggestions", self._suggest)
            self._save(trainer)

    def _suggest(self) -> None:
        """The kept model's suggestions, where they are still to be made. Raises FileError where the disk refuses."""
        kept = self.standing.kept
        if self.standing.to_suggest and kept is not None:
            self.suggester.judge = kept.judge
            network = kept.predictor(self.device.torch)
            self.standing.to_suggest = not self.suggester.all_cases(network, between=self._look_for_labels)

    def _suggest_open(self, network: Any) -> None:
        self.suggester.open_case(network)

    def _save(self, trainer: Trainer | None) -> None:
        """The checkpoint: the standing, and the state within the leg when it is not over."""
        self._saved_at = time.monotonic()
        state = trainer.state() if trainer else None
        write = partial(standings.save, self.job.checkpoint, self.standing, self.opening, self.device, state)
        self._tolerate("The state", write)

    def _tolerate(self, what: str, write: Callable[[], None]) -> None:
        """A disk that refuses must not end a training."""
        try:
            write()
        except FileError as error:
            self.reporter.say(f"{what} could not be saved: {error} Training goes on.")
