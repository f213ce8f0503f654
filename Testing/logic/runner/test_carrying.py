"""A run on a few slices: carried to their neighbours at first, as drawn after that, and the same after a kill."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from SemiSegLogic.engine.data import carrying
from SemiSegLogic.engine.training.trainer import Trainer
from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner.model import Model
from Testing.support.blobs import make_study, tiny
from Testing.support.rounds import at_step, begin, finished, kill_at_step, run_here

OFTEN = tiny(12, 4, checkpoint_seconds=0.0)
BEGINNING = "Cases with one to three drawn slices along one axis: 2."


def slices_shown(monkeypatch: pytest.MonkeyPatch, this: Round) -> list[int]:
    """How many slices of the first case training may see anything of, before each step of a run."""
    shown: list[int] = []

    def look(trainer: Trainer, *arguments: Any) -> Any:
        label = trainer.sampler.volumes[0].label
        assert label is not None
        shown.append(int((label.all_voxels() != IGNORE).any(2).any(1).sum()))
        return step(trainer, *arguments)

    step = Trainer._step
    monkeypatch.setattr(Trainer, "_step", look)
    run_here(this)
    return shown


def beginnings(legs: list[tuple[int, float]]) -> list[bool]:
    """True before each step in the first part of a leg: (steps, share)."""
    return [step < steps * share for steps, share in legs for step in range(steps)]


def weights(this: Round) -> dict[str, torch.Tensor]:
    assert this.job.status().state == "done", this.job.status()
    return Model.load(this.job.weights).weights


LEGS = {1: [(4, 1 / 2), (8, 1 / 4)], 3: [(4, 1 / 4), (6, 1 / 8), (2, 1 / 12)]}
"""Steps of each leg, and the share that carries: a half from nothing, then a quarter, divided by how many slices of the
first case it learns: of three one is held out, and learned at last.
"""
AGAIN = [(4, 1 / 4), (8, 1 / 4)]


@pytest.mark.parametrize("slices", LEGS)
def test_few_slices_are_carried_in_the_first_part_of_each_leg_and_the_card_says_so(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch, slices: int
) -> None:
    blobs = make_study(tmp_path, slices=slices)
    this = begin(blobs.study, jobs, OFTEN, method="mean_teacher")
    shown = slices_shown(monkeypatch, this)
    assert [number > slices for number in shown] == beginnings(LEGS[slices])
    assert any(words.startswith(BEGINNING) for words in this.job.status().scores["reasons"])
    assert BEGINNING in (this.job.root / "model.md").read_text()


def test_where_more_slices_are_drawn_nothing_is_carried(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried: list[str] = []
    monkeypatch.setattr(carrying, "carried_label", lambda few: carried.append(few.volume.name))
    this = finished(make_study(tmp_path, slices=4).study, jobs, OFTEN)
    assert not any("drawn slices along one axis" in words for words in this.job.status().scores["reasons"])
    assert carried == []


def test_a_person_may_want_slices_learned_as_they_are_drawn(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = begin(make_study(tmp_path, slices=1).study, jobs, replace(OFTEN, carry_outlines=False))
    assert set(slices_shown(monkeypatch, this)) == {1}
    assert not any("drawn slices along one axis" in words for words in this.job.status().scores["reasons"])


def test_a_second_round_from_a_model_carries_too_or_it_would_forget(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_study(tmp_path, slices=1).study
    first = finished(study, jobs, OFTEN)
    this = begin(study, jobs, OFTEN, start_from=first.job.weights)
    assert [number > 1 for number in slices_shown(monkeypatch, this)] == beginnings(AGAIN)
    assert any(words.startswith(BEGINNING) for words in this.job.status().scores["reasons"])


@pytest.mark.parametrize("steps", [[3], [5], [6], [9], [2, 3, 2]], ids=str)
def test_a_killed_run_on_few_slices_ends_with_the_very_same_weights(
    tmp_path: Path, jobs: Path, steps: list[int]
) -> None:
    study = make_study(tmp_path, slices=1).study
    whole = finished(study, jobs, OFTEN, method="mean_teacher")
    this = begin(study, jobs, OFTEN, method="mean_teacher")
    for number in steps:
        kill_at_step(this, number)
    run_here(this)
    mine, theirs = weights(this), weights(whole)
    assert [name for name in mine if not torch.equal(mine[name], theirs[name])] == []


def test_memory_that_runs_out_while_they_are_shown_does_not_make_them_stay(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = begin(make_study(tmp_path, slices=1, shape=(16, 16, 31)).study, jobs, OFTEN, method="mean_teacher")

    def fail(trainer: Trainer) -> None:
        raise torch.OutOfMemoryError("out of memory")

    at_step(monkeypatch, 2, fail)
    shown = slices_shown(monkeypatch, this)
    assert shown[0] > 1
    assert shown[-1] == 1
    assert this.job.status().state == "done"
