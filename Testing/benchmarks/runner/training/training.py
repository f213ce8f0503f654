"""Training that can be stopped at any step, killed at any moment, and goes on as if nothing had been.

A run is a row of legs: for each member of the ensemble a supervised first mask (when the recipe has one) and the method
itself, then the students of them all (when it has those). What is finished and the trainer's whole state lie in one
file that is replaced at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from SemiSegLogic.engine.data.carrying import Carrying
from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.training import checkpoint
from SemiSegLogic.engine.training.trainer import Budget, Progress, Trainer
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method

from ..data.crops import TurningSampler
from ..data.training_set import TrainingSet, seeded
from ..definitions.checked import digest
from ..definitions.recipe import STUDENT, Recipe, Schedule
from ..definitions.runs import Run
from .students import teach


@dataclass(frozen=True)
class Leg:
    """A stretch of training: ``member`` of the ensemble, ``first``: the supervised first mask, ``carried`` share of it
    that learns from carried slices too. ``student``: learns from the members before it, or from the student before it.
    ``finer``: on finer voxels than the others.
    """

    member: int
    first: bool
    method: str
    schedule: Schedule
    steps: int
    carried: float = 0.0
    student: bool = False
    finer: bool = False


@dataclass
class Done:
    """What a run has behind it: ``weights`` of the finished members (state of the whole method), ``start`` of the
    latest first mask (the network that predicts), ``half`` and ``channels_last`` its arithmetic, ``commits`` the
    versions of the code that worked on it, ``seconds`` and ``steps`` trained, ``undone`` divergences.
    """

    leg: int = 0
    weights: list[dict[str, Any]] = field(default_factory=list)
    start: dict[str, Any] | None = None
    trainer: dict[str, Any] | None = None
    half: bool = False
    channels_last: bool = True
    commits: list[str] = field(default_factory=list)
    seconds: float = 0.0
    steps: int = 0
    undone: int = 0


@dataclass
class Training:
    """The ``legs`` of a ``run`` on the set ``taught``, those of a finer member on the set ``finer``; ``file`` keeps
    what is ``done``, at least every ``save_seconds``; ``go_on()`` says whether time is left.
    """

    taught: TrainingSet
    recipe: Recipe
    legs: list[Leg]
    run: Run
    file: Path
    done: Done
    go_on: Callable[[], bool]
    save_seconds: float
    finer: TrainingSet | None = None
    _saved_at: float = field(default_factory=time.monotonic)

    def finish(self) -> bool:
        """True when every leg is trained; False when ``go_on`` said stop. Then the state is saved."""
        while self.done.leg < len(self.legs):
            leg = self.legs[self.done.leg]
            if not self._taken_over(leg) and not self._leg(leg):
                return False
        return True

    def members(self, finer: bool = False) -> list[Method]:
        """The trained methods that predict together: one a member, or the last student alone; or the finer."""
        found: list[Method] = []
        for leg, weights in zip((leg for leg in self.legs if not leg.first), self.done.weights, strict=False):
            if leg.finer == finer:
                method = self._method(leg)
                method.load_state_dict(weights)
                found = [method] if leg.student else [*found, method]
        return found

    def _set(self, leg: Leg) -> TrainingSet:
        if not leg.finer:
            return self.taught
        assert self.finer is not None, "a recipe with a finer member is given its set"
        return self.finer

    def _leg(self, leg: Leg) -> bool:
        if leg.student:
            self._teach()
        trainer = self._trainer(leg)
        carrying = Carrying(self._set(leg).volumes, leg.carried)
        carrying.at(trainer.share())
        trainer.fit(carrying.then(lambda progress, share: self._after(trainer, progress, leg.steps)))
        if trainer.progress.step < leg.steps:
            self._save(trainer)
            return False
        self._finished(leg, trainer)
        return True

    def _teach(self) -> None:
        """What those before found, as labels; a student that was stopped is taught the same again."""
        begun = self._clock()
        teach(self.taught, self.members(), self.recipe.consensus, self.recipe.largest)
        if self.done.trainer is None:
            self.done.seconds += self._clock() - begun

    def _taken_over(self, leg: Leg) -> bool:
        """Whether another run has trained this very first mask: all methods of a cell and seed share it."""
        file = self._shared(leg)
        if not leg.first or not file.exists():
            return False
        shared = checkpoint.load(file, torch.device("cpu"), "Delete it: the benchmark then trains it again.")
        self.done.start = shared["start"]
        self._count(shared["seconds"], shared["steps"], shared["undone"])
        return True

    def _shared(self, leg: Leg) -> Path:
        own = [leg.member, asdict(leg.schedule), leg.steps, *([leg.carried] if leg.carried else [])]
        plan = asdict(self._set(leg).plan)  # methods that paste have another
        what = [self.run.split, self.run.seed, own, plan, self.taught.device.name, self._turns, self.done.commits[-1]]
        return self.file.with_name(f"first-{digest(what)[:16]}.pt")

    def _after(self, trainer: Trainer, progress: Progress, steps: int) -> bool:
        if progress.step >= steps:
            return True
        if not self.go_on():
            return False
        if time.monotonic() - self._saved_at > self.save_seconds:
            self._save(trainer)
        return True

    def _trainer(self, leg: Leg) -> Trainer:
        device = self.taught.device
        seeded(self.run.seed, leg.member, 0 if leg.first else 1)
        method = self._method(leg)
        if not leg.first and self.done.start is not None:
            checkpoint.warm_start(method, self.done.start)
        trainer = Trainer(method, sampler(self._set(leg), self._turns), device, Budget(0, leg.steps), self._clock)
        if self.done.trainer is not None:
            trainer.restore(self.done.trainer)
        return trainer

    @property
    def _turns(self) -> bool:
        return self.recipe.augmentation == "turns"

    @property
    def _clock(self) -> Callable[[], float]:
        return time.process_time if self.taught.device.torch.type == "cpu" else time.perf_counter

    def _method(self, leg: Leg) -> Method:
        return make(leg.method, leg.schedule.values, self._set(leg).task()).to(self.taught.device.torch)

    def _finished(self, leg: Leg, trainer: Trainer) -> None:
        method, progress = trainer.method, trainer.progress
        if leg.first:
            self.done.start = checkpoint.snapshot(method.predictor())
            cost = {"seconds": progress.elapsed, "steps": progress.step, "undone": progress.undone}
            checkpoint.save(self._shared(leg), {"start": self.done.start, **cost})
        else:
            self.done.weights.append(checkpoint.snapshot(method))
            self.done.start = None
        self._count(progress.elapsed, progress.step, progress.undone)

    def _count(self, seconds: float, steps: int, undone: int) -> None:
        self.done.seconds += seconds
        self.done.steps += steps
        self.done.undone += undone
        self.done.leg += 1
        self._save(None)

    def _save(self, trainer: Trainer | None) -> None:
        self.done.trainer = None if trainer is None else trainer.state()
        checkpoint.save(self.file, dict(vars(self.done)))
        self._saved_at = time.monotonic()


def sampler(taught: TrainingSet, turns: bool) -> Sampler:
    """The product's patches, or with ``turns`` those of the 3D papers."""
    return (TurningSampler if turns else Sampler)(taught.volumes, taught.plan)


def load(file: Path, device: torch.device) -> Done | None:
    """What a run left behind, or None. Raises CheckpointError on a damaged file."""
    if not file.exists():
        return None
    state = checkpoint.load(file, device, "Delete it: the benchmark then starts this run again.")
    return Done(**state)


def legs_of(recipe: Recipe, method: str, dims: int) -> list[Leg]:
    """The legs in order: of each member of ``method``, of its partner, of a finer one, of their students."""
    names = [method] * recipe.members + [recipe.partner] * bool(recipe.partner)
    found = [leg for member, name in enumerate(names) for leg in _legs_of_member(recipe, member, name, dims)]
    if recipe.finer:
        found += [replace(leg, finer=True) for leg in _legs_of_member(recipe, len(names), method, dims)]
        names.append(method)
    plain = recipe.schedule(STUDENT, dims) if recipe.students else None
    for number in range(recipe.students):
        assert plain is not None
        found.append(Leg(len(names) + number, False, STUDENT, plain, recipe.student_steps, student=True))
    return found


def _legs_of_member(recipe: Recipe, member: int, method: str, dims: int) -> list[Leg]:
    """``recipe.carried`` is a share of the steps of both."""
    schedule, before, found = recipe.schedule(method, dims), recipe.first_steps, []
    until = recipe.carried * (before + schedule.steps)
    if before:
        first = recipe.schedule("supervised", dims)
        found.append(Leg(member, True, "supervised", first, before, min(until / before, 1.0)))
    share = min(max(until - before, 0.0) / max(schedule.steps, 1), 1.0)
    return [*found, Leg(member, False, method, schedule, schedule.steps, share)]
