"""The course of a training: a first mask fast, then better, and never worse.

Leg 1 trains the supervised baseline for seconds and suggests a mask for every volume. Leg 2 trains the chosen method
from there, with all volumes. Its model replaces the first only when the slices held out from training say that it
is not worse. Labels that arrive meanwhile are taken in between two steps.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from ..engine import checkpoint, quality
from ..engine.device import Device, is_out_of_memory
from ..engine.patches import NothingLabelled, Sampler
from ..engine.trainer import Diverged, Progress, Trainer
from ..errors import SemiSegError
from ..files import FileError
from ..job import JobFolder
from ..methods import make
from ..methods.base import Method
from ..settings import Training
from . import standing as standings
from .data import Data
from .gate import held_out_dice, is_better, verdict
from .legs import Leg, legs_of, outlook
from .model import Model, publish
from .reporting import Reporter
from .standing import Saved, Standing
from .suggest import Suggester

LOOK_FOR_LABELS_S = 1.0
REFRESH_AFTER_S = 2.0  # of training on new labels before the open case is shown again
EVALUATE_EVERY = 0.2  # of a leg


class MemoryExhausted(SemiSegError):
    """Not even the smallest patches fit into memory."""


class Course:
    """Runs the legs for one job, resuming where a killed process left off."""

    def __init__(self, job: JobFolder, data: Data, device: Device, training: Training, reporter: Reporter):
        self.job, self.data, self.device, self.training, self.reporter = job, data, device, training, reporter
        spec = job.spec()
        self.legs = legs_of(training, spec.method, spec.method_settings)
        self.standing = Standing()
        self.suggester = Suggester(job, data, device, reporter)
        self._saved_at = self._looked_at = self._evaluated = 0.0
        self._refresh_at: float | None = None
        self._refreshed = self._stopped = False

    def run(self, saved: Saved | None, start: Model | None) -> Model:
        """All legs to the end or to a stop; returns the model to keep. ``saved`` is the checkpoint to resume, ``start``
        a model of an earlier round to go on from.
        """
        state = None
        if saved is not None:
            self.standing, state = saved.standing, saved.trainer
            checkpoint.restore_random_state(saved.random)
            self._tolerate("The suggestions", self._suggest)
        while self.standing.leg < len(self.legs) and not self._may_end():
            self._run_leg(self.legs[self.standing.leg], state, start if self.standing.kept is None else None)
            state = None
        self._suggest()  # those that a full disk refused; if it still does, that is how the job ends
        assert self.standing.kept is not None
        return self.standing.kept

    def _may_end(self) -> bool:
        """Whether a stop was asked for and there is a model to stop with."""
        self._stopped = self._stopped or self.job.stop_requested()
        return self._stopped and self.standing.kept is not None

    def _run_leg(self, leg: Leg, state: dict[str, Any] | None, start: Model | None) -> None:
        method = make(leg.name, leg.settings, self.data.task()).to(self.device.torch)
        source = self.standing.kept or start
        if state is None and source is not None:
            checkpoint.warm_start(method, source.build(self.device.torch).predictor().state_dict())
        trainer = self._trainer(method, leg)
        if state is not None:
            trainer.restore(state)
        phase = "first mask" if self.standing.leg == 0 else leg.name
        self.reporter.say(f"Training: {phase}.", state="running", phase=phase, method=leg.name)
        try:
            trainer = self._fit(trainer, leg)
        except (Diverged, MemoryExhausted) as error:
            if self.standing.kept is None:
                raise
            self._give_up(leg, error)
        else:
            self._judge(trainer, leg.name)

    def _trainer(self, method: Method, leg: Leg) -> Trainer:
        sampler = Sampler(list(self.data.volumes.values()), self.data.plan)
        trainer = Trainer(method, sampler, self.device, leg.budget)
        share = sampler.labelled_share(method.need(trainer.where()))
        if share == 0:
            raise NothingLabelled(
                "Not one voxel of the patches to train on is judged. Mark the drawn slices as done, then train again."
            )
        self.reporter.update(labelled_share=share)
        self._evaluated = 0.0
        return trainer

    def _fit(self, trainer: Trainer, leg: Leg) -> Trainer:
        """Train to the end of the leg; when memory runs out, go on with smaller patches."""
        while not self._fits(trainer):
            # out here nothing holds the activations of the failed step any more
            trainer = self._with_smaller_patches(trainer, leg)
        return trainer

    def _fits(self, trainer: Trainer) -> bool:
        """Train; False when memory ran out."""
        try:
            trainer.fit(partial(self._after, trainer))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            logging.warning("Out of memory at patch %s: %s", self.data.plan.patch, error)
            return False
        return True

    def _with_smaller_patches(self, trainer: Trainer, leg: Leg) -> Trainer:
        smaller = self.data.plan.smaller()
        if smaller is None:
            raise MemoryExhausted(
                f"Memory ran out with patches of only {self.data.plan.patch} voxels. Close other programs, or choose "
                "a computer with more memory, and start again."
            )
        self.reporter.say(f"Memory ran out: training goes on with patches of {smaller.patch} voxels.")
        if self.device.torch.type == "cuda":
            torch.cuda.empty_cache()
        self.data.plan = smaller
        method = make(leg.name, leg.settings, self.data.task()).to(self.device.torch)
        method.load_state_dict(trainer.method.state_dict())
        again = self._trainer(method, leg)
        again.continue_at(trainer.progress)
        return again

    def _after(self, trainer: Trainer, progress: Progress, share: float) -> bool:
        """Between two steps: tell, take labels in, save, stop."""
        now = time.monotonic()
        self.reporter.update(step=progress.step, **outlook(self.legs, self.standing.leg, share, progress))
        if progress.step % 20 == 1:
            self._curve({"losses": trainer.last_losses()}, progress)
        if now - self._looked_at > LOOK_FOR_LABELS_S:
            self._looked_at = now
            self._take_labels(now)
            self._stopped = self.job.stop_requested()
        if self._refresh_at is not None and now > self._refresh_at:
            self._refresh_at, self._refreshed = None, True
            self._tolerate("The open case's suggestion", partial(self._suggest_open, trainer.method))
        if share - self._evaluated >= EVALUATE_EVERY:
            self._evaluated = share
            self._score(trainer.method, progress)
        if self._stopped or now - self._saved_at > self.training.checkpoint_seconds:
            self._save(trainer)
        return not self._stopped

    def _take_labels(self, now: float) -> None:
        for item in self.job.newest_labels(self.data.labels_used):
            self.data.take_label(item.case, item.label, item.slices, item.n)
            self.reporter.say(f"New labels of case {item.case} are in.", labels_used=self.data.labels_used)
            self._refresh_at = self._refresh_at or now + REFRESH_AFTER_S

    def _score(self, method: Method, progress: Progress) -> float | None:
        """Mean Dice on the held-out slices, also written into the curve; None without such slices."""
        dice = held_out_dice(method, self.data, self.device)
        mean = quality.mean_dice(dice)
        if dice:
            self._curve({"held_out_dice": mean, "held_out_per_structure": dice}, progress)
        return mean

    def _curve(self, point: dict[str, Any], progress: Progress) -> None:
        self.reporter.curve(point, self.standing.seconds + progress.elapsed, progress.step)

    def _judge(self, trainer: Trainer, name: str) -> None:
        """At the end of a leg, or at a stop within it: keep the model unless the one before is to be preferred."""
        before, score = self.standing.kept, self._score(trainer.method, trainer.progress)
        self.standing.scores[self.standing.name_of(name)] = score
        better = is_better(score, before, finished=not self._stopped)
        if better:
            values = self.data.classes.values[1:]
            self.standing.kept = Model.of(trainer.method, name, self.data.plan, values, score)
            self.standing.to_suggest = True
        message = verdict(name, score, before, better)
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
        checked = kept.held_out is not None
        self.reporter.say(message, scores={"held_out": dict(scores), "kept": kept.method, "checked": checked})
        self._save(trainer)
        self._tolerate("The model", partial(publish, self.job, kept, self.reporter.status))
        if self._refreshed and not self.standing.to_suggest:  # the open case shows a model that was turned down
            self._tolerate("The open case's suggestion", partial(self._suggest_open, kept.build(self.device.torch)))
        self._refreshed = False
        if self.standing.to_suggest:
            self._tolerate("The suggestions", self._suggest)
            self._save(trainer)

    def _suggest(self) -> None:
        """The kept model's suggestions, where they are still to be made. Raises FileError where the disk refuses."""
        if self.standing.to_suggest and self.standing.kept is not None:
            method = self.standing.kept.build(self.device.torch)
            self.standing.to_suggest = not self.suggester.all_cases(method.predictor())

    def _suggest_open(self, method: Method) -> None:
        self.suggester.open_case(method.predictor())

    def _save(self, trainer: Trainer | None) -> None:
        """The checkpoint: the standing, and the state within the leg when it is not over."""
        self._saved_at = time.monotonic()
        state = trainer.state() if trainer else None
        write = partial(standings.save, self.job.checkpoint, self.standing, self.data, self.device, state)
        self._tolerate("The state", write)

    def _tolerate(self, what: str, write: Callable[[], None]) -> None:
        """A disk that refuses must not end a training."""
        try:
            write()
        except FileError as error:
            self.reporter.say(f"{what} could not be saved: {error} Training goes on.")
