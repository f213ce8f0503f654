"""The course of a training: a first mask fast, then better, and never worse.

Leg 1 trains the supervised baseline for seconds and suggests a mask for every volume. Leg 2 trains the chosen method
from there, with all volumes. Its model replaces the first only when the slices held out from training say that it
is not worse. Labels that arrive meanwhile are taken in between two steps.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ..engine import checkpoint, quality
from ..engine.device import Device, is_out_of_memory
from ..engine.patches import NothingLabelled, Sampler
from ..engine.predict import Predictor
from ..engine.trainer import Budget, Progress, Trainer
from ..files import SemiSegError
from ..job import JobFolder
from ..methods import make
from ..methods.base import Method
from ..settings import Training
from .data import Data
from .model import Model
from .reporting import Reporter
from .suggest import Suggester

BASELINE = "supervised"
LOOK_FOR_LABELS_S = 1.0
REFRESH_AFTER_S = 2.0  # of training on new labels before the open case is shown again
EVALUATE_EVERY = 0.2  # of a leg


@dataclass(frozen=True)
class Leg:
    """One stretch of the course: a method and its budget."""

    name: str
    settings: dict[str, Any]
    budget: Budget


@dataclass
class Standing:
    """What a restart needs beside the trainer's state: the leg, the training ``seconds`` of those before, the model
    kept so far and whether its suggestions are still to be made, the scores by leg.
    """

    leg: int = 0
    seconds: float = 0.0
    kept: Model | None = None
    to_suggest: bool = False
    scores: dict[str, float | None] = field(default_factory=dict)


def legs_of(training: Training, method: str, settings: dict[str, Any]) -> list[Leg]:
    """The two legs; only the first when it takes the whole budget."""
    if training.steps:
        first_steps = min(training.first_mask_steps or max(training.steps // 4, 1), training.steps)
        first, rest = Budget(0, first_steps), Budget(0, training.steps - first_steps)
    else:
        seconds = min(training.first_mask_seconds, training.seconds)
        first, rest = Budget(seconds), Budget(training.seconds - seconds)
    baseline = settings if method == BASELINE else {}
    legs = [Leg(BASELINE, baseline, first), Leg(method, settings, rest)]
    return legs if rest.steps or rest.seconds > 0 else legs[:1]


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
        self._stopped = False

    def run(self, saved: dict[str, Any] | None, start: Model | None) -> Model:
        """All legs to the end or to a stop; returns the model to keep. ``saved`` is a checkpoint's state, ``start`` a
        model of an earlier round to go on from.
        """
        self._resume(saved)
        self._suggest()
        while self.standing.leg < len(self.legs) and not self._stopped:
            leg = self.legs[self.standing.leg]
            state = saved["trainer"] if saved and saved["leg"] == self.standing.leg else None
            self._run_leg(leg, state, start if self.standing.kept is None else None)
            self._suggest()
        assert self.standing.kept is not None
        return self.standing.kept

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
        trainer = self._fit(trainer, leg)
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
        while True:
            try:
                trainer.fit(partial(self._after, trainer))
                return trainer
            except Exception as error:
                smaller = self.data.plan.smaller() if is_out_of_memory(error) else None
                if smaller is None:
                    raise
                logging.warning("Out of memory at patch %s; going on with %s.", self.data.plan.patch, smaller.patch)
                self.reporter.say(f"Memory ran out: training goes on with patches of {smaller.patch} voxels.")
                self.data.plan = smaller
                weights, progress = trainer.method.state_dict(), trainer.progress
                method = make(leg.name, leg.settings, self.data.task()).to(self.device.torch)
                method.load_state_dict(weights)
                trainer = self._trainer(method, leg)
                trainer.continue_at(progress)

    def _after(self, trainer: Trainer, progress: Progress, share: float) -> bool:
        """Between two steps: tell, take labels in, save, stop."""
        now = time.monotonic()
        self._tell(trainer, progress, share)
        if now - self._looked_at > LOOK_FOR_LABELS_S:
            self._looked_at = now
            self._take_labels(now)
            self._stopped = self.job.stop_requested()
        if self._refresh_at is not None and now > self._refresh_at:
            self._refresh_at = None
            self.suggester.open_case(trainer.method)
        if share - self._evaluated >= EVALUATE_EVERY:
            self._evaluated = share
            self._score(trainer.method, progress)
        if now - self._saved_at > self.training.checkpoint_seconds:
            self._save(trainer)
        if self._stopped:
            self._save(trainer)
        return not self._stopped

    def _tell(self, trainer: Trainer, progress: Progress, share: float) -> None:
        """Numbers for the status: fractions count the legs by their budgets."""
        leg, sizes = self.standing.leg, [item.budget.steps or item.budget.seconds for item in self.legs]
        done = (sum(sizes[:leg]) + share * sizes[leg]) / sum(sizes)
        pace = progress.step / max(progress.elapsed, 1e-6)
        left = (1 - done) * sum(sizes) / (pace if self.legs[0].budget.steps else 1)
        self.reporter.update(step=progress.step, fraction=done * 0.95, seconds_left=left, steps_per_second=pace)
        if progress.step % 20 == 1:
            self._curve({"losses": trainer.last_losses()}, progress)

    def _curve(self, point: dict[str, Any], progress: Progress) -> None:
        """A point at the wall clock and at the clock that counts training only, both in seconds."""
        status = self.reporter.status
        training = self.standing.seconds + progress.elapsed
        place = {
            "seconds": round(status.elapsed, 2), "training_seconds": round(training, 2), "leg": status.phase,
            "step": progress.step,
        }
        try:
            self.job.append_curve(place | point)
        except SemiSegError as error:
            logging.warning("A point of the curve is lost: %s", error)

    def _take_labels(self, now: float) -> None:
        for item in self.job.newest_labels(self.data.labels_used):
            self.data.take_label(item.case, item.label, item.slices, item.n)
            self.reporter.say(f"New labels of case {item.case} are in.", labels_used=self.data.labels_used)
            self._refresh_at = self._refresh_at or now + REFRESH_AFTER_S

    def _score(self, method: Method, progress: Progress) -> float | None:
        """Mean Dice on the held-out slices, also written into the curve; None without such slices."""
        if not any(volume.held_out for volume in self.data.volumes.values()):
            return None
        predictor = Predictor(method.predictor(), self.data.plan, self.device)
        dice = quality.held_out_dice(
            predictor.probabilities, list(self.data.volumes.values()), len(self.data.classes)
        )
        mean = quality.mean_dice(dice)
        self._curve({"held_out_dice": mean, "held_out_per_structure": dice}, progress)
        return mean

    def _judge(self, trainer: Trainer, name: str) -> None:
        """At the end of a leg: keep the model unless held-out slices say that the one before was better."""
        method, before = trainer.method, self.standing.kept
        score = self._score(method, trainer.progress)
        self.standing.seconds += trainer.progress.elapsed
        self.standing.scores[name if name not in self.standing.scores else f"{name}, longer"] = score
        better = before is None or score is None or before.held_out is None or score >= before.held_out
        if better:
            self.standing.kept = Model.of(method, name, self.data.plan, self.data.classes.values[1:], score)
        kept = self.standing.kept
        assert kept is not None
        scores = {"held_out": dict(self.standing.scores), "kept": kept.method, "checked": score is not None}
        self.reporter.say(_verdict(name, score, before, better), scores=scores)
        self.standing.leg += 1
        self.standing.to_suggest = better
        self._save(None)

    def _suggest(self) -> None:
        """Suggestions of the kept model for every case, if the job does not have them yet."""
        if self.standing.kept is None or not self.standing.to_suggest:
            return
        self.suggester.all_cases(self.standing.kept.build(self.device.torch))
        self.standing.to_suggest = False
        self._save(None)

    def _save(self, trainer: Trainer | None) -> None:
        """The checkpoint: the standing, and the state within the leg when it is not over."""
        self._saved_at = time.monotonic()
        kept = self.standing.kept
        state = {
            "leg": self.standing.leg,
            "seconds": self.standing.seconds,
            "to_suggest": self.standing.to_suggest,
            "trainer": trainer.state() if trainer else None,
            "kept": kept.to_state() if kept else None,
            "scores": self.standing.scores,
            "patch": list(self.data.plan.patch),
            "held_out": {
                name: [[place.axis, place.index] for place in volume.held_out]
                for name, volume in self.data.volumes.items() if volume.held_out
            },
        }
        try:
            checkpoint.save(self.job.checkpoint, state)
        except SemiSegError as error:
            self.reporter.say(f"The state could not be saved: {error} Training goes on.")

    def _resume(self, saved: dict[str, Any] | None) -> None:
        if saved is None:
            return
        kept = Model.from_state(saved["kept"], self.job.checkpoint) if saved["kept"] else None
        self.standing = Standing(saved["leg"], saved["seconds"], kept, saved["to_suggest"], saved["scores"])
        d, h, w = saved["patch"]
        self.data.plan = replace(self.data.plan, patch=(d, h, w))


def _verdict(name: str, score: float | None, before: Model | None, better: bool) -> str:
    if score is None:
        return f"{name}: too few annotated slices to hold any out, so its quality is not known."
    if before is None or before.held_out is None:
        return f"First suggestion: Dice {score:.3f} on held-out slices."
    compared = f"Dice {score:.3f} on held-out slices against {before.held_out:.3f} before"
    return f"{name}: {compared}; {'its suggestions replace' if better else 'kept are'} the earlier ones."
