"""Killed, stopped and started again: the same numbers, the same plan, nothing done twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.training.trainer import Trainer
from SemiSegLogic.job import Status
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner.course import course
from SemiSegLogic.runner.course.standing import Saved
from SemiSegLogic.runner.model import Model
from SemiSegLogic.runner.suggest import Suggester
from Testing.support.blobs import BlobStudy, make_study, spread, tiny
from Testing.support.pretended_gpu import pretended_gpu
from Testing.support.rounds import Killed, at_step, begin, kill_at_step, run_here

OFTEN = tiny(12, 6, checkpoint_seconds=0.0)


def final_weights(this: Round) -> dict[str, torch.Tensor]:
    assert this.job.status().state == "done", this.job.status()
    return Model.load(this.job.weights).weights


def differing(one: Round, two: Round) -> list[str]:
    mine, theirs = final_weights(one), final_weights(two)
    return [name for name in mine if not torch.equal(mine[name], theirs[name])]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Round:
    """The same order for the same study, run without interruption."""
    folder = tmp_path_factory.mktemp("whole")
    this = begin(make_study(folder).study, folder / "jobs", OFTEN)
    run_here(this)
    return this


@pytest.mark.parametrize("steps", [[3], [7], [9, 2], [4, 1, 3]], ids=str)
def test_a_killed_run_ends_with_the_very_same_weights(
    blobs: BlobStudy, jobs: Path, whole: Round, steps: list[int]
) -> None:
    this = begin(blobs.study, jobs, OFTEN)
    for number in steps:  # counted anew by every process
        kill_at_step(this, number)
    run_here(this)
    assert differing(this, whole) == []
    for case in this.cases:
        one, two = this.job.result(case), whole.job.result(case)
        assert one is not None
        assert two is not None
        assert np.array_equal(one.label, two.label)


def test_a_run_killed_while_it_learns_from_all_slices_keeps_what_was_judged(
    blobs: BlobStudy, jobs: Path, whole: Round
) -> None:
    this = begin(blobs.study, jobs, OFTEN)
    kill_at_step(this, 12)
    saved = Saved.load(this.job.checkpoint)
    assert saved is not None
    assert saved.legs[saved.standing.leg].role == "whole"
    run_here(this)
    assert differing(this, whole) == []
    mine, theirs = Model.load(this.job.weights).judged, Model.load(whole.job.weights).judged
    assert mine is not None
    assert theirs is not None
    assert mine.seen == theirs.seen
    assert all(torch.equal(value, theirs.network[name]) for name, value in mine.network.items())


def test_the_same_between_two_checkpoints(blobs: BlobStudy, jobs: Path, whole: Round) -> None:
    this = begin(blobs.study, jobs, tiny(12, 6, checkpoint_seconds=3600.0))
    kill_at_step(this, 10)
    saved = Saved.load(this.job.checkpoint)
    assert saved is not None
    assert saved.standing.leg == 1
    run_here(this)
    assert differing(this, whole) == []


@pytest.mark.parametrize("leg", [0, 1])
def test_a_run_killed_while_it_suggests_does_not_train_the_leg_again(
    blobs: BlobStudy, jobs: Path, whole: Round, monkeypatch: pytest.MonkeyPatch, leg: int
) -> None:
    this, plain, seen = begin(blobs.study, jobs, OFTEN), Suggester._suggest, [0]

    def die(*given: Any) -> Any:
        seen[0] += 1
        if seen[0] == 2 + 3 * leg:
            raise Killed
        return plain(*given)

    with monkeypatch.context() as patch:
        patch.setattr(Suggester, "_suggest", die)
        with pytest.raises(Killed):
            run_here(this)
    steps: list[int] = []
    step = Trainer._step
    monkeypatch.setattr(Trainer, "_step", lambda *given: (steps.append(1), step(*given))[1])
    status = run_here(this)
    assert len(steps) == (6, 2)[leg]
    assert list(status.scores["held_out"]) == ["supervised", "mean_teacher"]
    assert differing(this, whole) == []


def test_a_stopped_run_goes_on_where_it_was_stopped(
    blobs: BlobStudy, jobs: Path, whole: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "LOOK_FOR_LABELS_S", 0.0)
    this = begin(blobs.study, jobs, OFTEN)
    with pytest.MonkeyPatch.context() as patch:
        at_step(patch, 9, lambda trainer: this.job.request_stop())
        assert run_here(this).state == "stopped"
    this.job.withdraw_stop()
    status = run_here(this)
    assert (status.state, status.phase) == ("done", "all slices")
    saved = Saved.load(this.job.checkpoint)
    assert saved is not None
    assert saved.standing.leg == 3


def test_a_resumed_run_shows_what_was_reached_from_its_first_word_on(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = begin(blobs.study, jobs, OFTEN)
    kill_at_step(this, 10)
    before, said = this.job.reported(), list[Status]()
    write = type(this.job).write_status
    monkeypatch.setattr(type(this.job), "write_status", lambda job, status: (said.append(status), write(job, status)))
    run_here(this)
    assert before.results == {"c001": 1, "c002": 1, "c003": 1}
    assert all(status.results.keys() == before.results.keys() and status.first_mask for status in said)
    assert all(status.scores for status in said)
    assert all(status.elapsed >= before.elapsed for status in said)


def test_labels_that_came_while_it_was_dead_do_not_change_the_plan(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this, case = begin(blobs.study, jobs, OFTEN), blobs.cases[2]
    kill_at_step(this, 3)
    saved = Saved.load(this.job.checkpoint)
    assert saved is not None
    case.set_slices(blobs.truth[case.id], [*spread(blobs.truth[case.id], 9, 2)], "ann")  # seen from another side
    this.add_labels(case)
    used: list[Any] = []
    at_step(monkeypatch, 1, lambda trainer: used.append((trainer.sampler.plan, trainer.sampler.labelled())))
    status = run_here(this)
    assert (status.state, status.labels_used) == ("done", 1)
    assert used == [(saved.plan, [0, 1, 2])]


def test_arithmetic_and_layout_are_those_the_run_began_with(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from SemiSegLogic.engine.hardware import device

    def figures(half: float) -> dict[str, dict[str, float]]:
        return {
            "float32": {"contiguous": 4.0, "channels_last": 3.0},
            "bfloat16": {"contiguous": half, "channels_last": 2 * half},
        }

    this = begin(blobs.study, jobs, tiny(4, 2, checkpoint_seconds=0.0, precision="auto"))
    monkeypatch.setattr(device, "tuned", lambda _: figures(half=1.0))
    kill_at_step(this, 4)
    monkeypatch.setattr(device, "tuned", lambda _: figures(half=9.0))
    used: list[Device] = []
    at_step(monkeypatch, 1, lambda trainer: used.append(trainer.device))
    run_here(this)
    assert [(one.half, one.channels_last) for one in used] == [(True, False)]
    assert "bfloat16" in this.job.status().device


def test_a_run_goes_on_in_float32_on_a_card_without_bfloat16(blobs: BlobStudy, jobs: Path) -> None:
    """A cluster has cards of several ages."""
    this = begin(blobs.study, jobs, tiny(4, 2, checkpoint_seconds=0.0))
    kill_at_step(this, 4)
    saved = Saved.load(this.job.checkpoint)
    assert saved is not None
    begun = replace(saved, half={"cuda": True})
    card = Device(torch.device("cuda"), half=False, memory=0)
    with pretended_gpu(), pytest.MonkeyPatch.context() as patch:
        for capability, half in (((9, 0), True), ((7, 0), False)):
            patch.setattr(torch.cuda, "get_device_capability", lambda *_, found=capability: found)
            assert begun.on(card).half is half


def test_held_out_slices_stay_held_out(blobs: BlobStudy, jobs: Path) -> None:
    this = begin(blobs.study, jobs, OFTEN)
    kill_at_step(this, 3)
    before = Saved.load(this.job.checkpoint)
    kill_at_step(this, 2)
    after = Saved.load(this.job.checkpoint)
    assert before is not None
    assert after is not None
    assert before.parts == after.parts != []
