"""Training that can be stopped at any step, killed at any moment, and goes on as if nothing had been.

A run is a row of legs: for each member of the ensemble a supervised first mask (when the recipe has one) and the method
itself. What is finished and the trainer's whole state lie in one file that is replaced at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from SemiSegLogic.engine.data.carrying import Carrying
from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.training import checkpoint
from SemiSegLogic.engine.training.trainer import Budget, Progress, Trainer
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method

from .checked import digest
from .recipe import Schedule
from .runs import Run
from .study import Study, seeded
from .turning import TurningSampler


@dataclass(frozen=True)
class Leg:
    """A stretch of training: ``member`` of the ensemble, ``first``: the supervised first mask, ``carried`` share of it
    that learns from carried slices too.
    """

    member: int
    first: bool
    method: str
    schedule: Schedule
    steps: int
    carried: float = 0.0


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


class Training:
    """The legs of one run on ``study``; ``file`` keeps the state; ``go_on()`` says whether time is left."""

    def __init__(
        self, study: Study, legs: list[Leg], run: Run, file: Path, done: Done, go_on: Callable[[], bool],
        save_seconds: float, turns: bool = False,
    ):
        self.study, self.legs, self.run, self.file, self.done, self.go_on = study, legs, run, file, done, go_on
        self.save_seconds, self.turns = save_seconds, turns
        self._saved_at = time.monotonic()

    def finish(self) -> bool:
        """True when every leg is trained; False when ``go_on`` said stop. Then the state is saved."""
        while self.done.leg < len(self.legs):
            leg = self.legs[self.done.leg]
            if not self._taken_over(leg) and not self._leg(leg):
                return False
        return True

    def members(self) -> list[Method]:
        """The trained methods, one per member."""
        found = []
        for leg, weights in zip((leg for leg in self.legs if not leg.first), self.done.weights, strict=True):
            method = self._method(leg)
            method.load_state_dict(weights)
            found.append(method)
        return found

    def _leg(self, leg: Leg) -> bool:
        trainer = self._trainer(leg)
        carrying = Carrying(self.study.volumes, leg.carried)
        carrying.at(trainer.share())

        trainer.fit(carrying.then(lambda progress, share: self._after(trainer, progress, leg.steps)))
        if trainer.progress.step < leg.steps:
            self._save(trainer)
            return False
        self._finished(leg, trainer)
        return True

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
        what = [self.run.split, self.run.seed, own, self.study.device.name, self.turns, self.done.commits[-1]]
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
        device = self.study.device
        clock = time.process_time if device.torch.type == "cpu" else time.perf_counter
        seeded(self.run.seed, leg.member, 0 if leg.first else 1)
        method = self._method(leg)
        if not leg.first and self.done.start is not None:
            checkpoint.warm_start(method, self.done.start)
        trainer = Trainer(method, sampler(self.study, self.turns), device, Budget(0, leg.steps), clock)
        if self.done.trainer is not None:
            trainer.restore(self.done.trainer)
        return trainer

    def _method(self, leg: Leg) -> Method:
        return make(leg.method, leg.schedule.values, self.study.task()).to(self.study.device.torch)

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


def sampler(study: Study, turns: bool) -> Sampler:
    """The product's patches, or with ``turns`` those of the 3D papers."""
    return (TurningSampler if turns else Sampler)(study.volumes, study.plan)


def load(file: Path, device: torch.device) -> Done | None:
    """What a run left behind, or None. Raises CheckpointError on a damaged file."""
    if not file.exists():
        return None
    state = checkpoint.load(file, device, "Delete it: the benchmark then starts this run again.")
    return Done(**state)


def legs_of(
    method: str, schedule: Schedule, first: Schedule | None, first_steps: int, members: int, carried: float = 0.0
) -> list[Leg]:
    """The legs in order; ``carried`` share of the steps of each member."""
    until, found = carried * ((first_steps if first else 0) + schedule.steps), []
    for member in range(members):
        before = 0
        if first is not None:
            found.append(Leg(member, True, "supervised", first, first_steps, min(until / first_steps, 1.0)))
            before = first_steps
        share = min(max(until - before, 0.0) / max(schedule.steps, 1), 1.0)
        found.append(Leg(member, False, method, schedule, schedule.steps, share))
    return found
