"""Rounds of learning on blobs, run in this process or killed in the middle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic import run
from SemiSegLogic.engine.quality import Measured, SliceScore
from SemiSegLogic.engine.training.trainer import Trainer
from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.job import Status
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner.contest.judging import Jury
from SemiSegLogic.runner.course import curve
from SemiSegLogic.settings import METHOD_SETTINGS, Training
from SemiSegLogic.study import Study

from .blobs import tiny


class Killed(BaseException):
    """Stands for signal 9: nothing catches it."""


def begin(
    study: Study, jobs: Path, training: Training | None = None, method: str = "mean_teacher",
    open_case: str | None = None, start_from: Path | None = None, **settings: Any,
) -> Round:
    """A round that waits to be run."""
    chosen = METHOD_SETTINGS[method](**settings)
    return Round.begin(study, training or tiny(), method, chosen, jobs=jobs, open_case=open_case,
                       start_from=start_from)


def run_here(this: Round) -> Status:
    """Run the job in this process to its end; returns its last status."""
    run.work(this.job)
    return this.job.status()


def finished(study: Study, jobs: Path, training: Training | None = None, **options: Any) -> Round:
    """A round that is done and collected."""
    this = begin(study, jobs, training, **options)
    status = run_here(this)
    assert status.state == "done", status
    this.collect()
    return this


def at_step(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[Trainer], None]) -> None:
    """Do ``act`` right before the ``number``-th step (from 1) of all legs together, once."""
    plain, seen = Trainer._step, [0]

    def step(trainer: Trainer, *arguments: Any) -> Any:
        seen[0] += 1
        if seen[0] == number:
            act(trainer)
        return plain(trainer, *arguments)

    monkeypatch.setattr(Trainer, "_step", step)


def kill_at_step(this: Round, number: int) -> None:
    """Run the job until just before a step, then let it die."""
    with pytest.MonkeyPatch.context() as patch:
        at_step(patch, number, _die)
        with pytest.raises(Killed):
            run.work(this.job)


def judge_with(patch: pytest.MonkeyPatch, *scores: float) -> None:
    """Let the legs have these Dice on held-out slices, and nothing be scored within a leg."""
    answers = iter(scores)

    def measure(*_: Any) -> Measured:
        overlap, all_of_it = (round(1000 * next(answers)),) * 2, (1000, 1000)
        return Measured(tuple(SliceScore("c001", SliceIndex(0, n), overlap, all_of_it, all_of_it) for n in range(4)))

    patch.setattr(Jury, "measure", measure)
    patch.setattr(curve, "EVALUATE_EVERY", 2.0)


def _die(trainer: Trainer) -> None:
    raise Killed
