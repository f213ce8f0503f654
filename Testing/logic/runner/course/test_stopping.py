"""A stop, wherever it comes: there is a mask, and half a leg is not trusted without a proof."""

from __future__ import annotations

from pathlib import Path

import pytest

from SemiSegLogic.runner.course import course
from SemiSegLogic.runner.model import Model
from SemiSegLogic.runner.suggest import Suggester
from Testing.support.blobs import BlobStudy, make_study, tiny
from Testing.support.rounds import at_step, begin, judge_with, run_here


def test_a_stop_while_the_held_out_slices_are_learned_keeps_the_model_that_was_judged(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "LOOK_FOR_LABELS_S", 0.0)
    judge_with(monkeypatch, 0.6, 0.7, 0.7, 0.7)
    this = begin(blobs.study, jobs, tiny(10, 4))
    at_step(monkeypatch, 9, lambda trainer: this.job.request_stop())
    status, model = run_here(this), Model.load(this.job.weights)
    assert (status.state, status.results) == ("stopped", {"c001": 2, "c002": 2, "c003": 2})
    assert model.seen is not None
    assert len(model.seen) == sum(len(case.places) for case in blobs.cases) - 1
    assert "kept aside" in status.scores["reasons"][-1]


def test_a_stop_in_the_second_leg_keeps_the_better_model(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "LOOK_FOR_LABELS_S", 0.0)
    judge_with(monkeypatch, 0.6, 0.5)
    this = begin(blobs.study, jobs, tiny(500, 4))
    at_step(monkeypatch, 12, lambda trainer: this.job.request_stop())
    status = run_here(this)
    assert (status.state, status.step, status.fraction) == ("stopped", 8, 1.0)
    assert status.scores["kept"] == "supervised"
    assert Model.load(this.job.weights).method == "supervised"
    assert len(this.collect()) == 3


def test_a_stop_without_held_out_slices_does_not_trust_half_a_leg(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "LOOK_FOR_LABELS_S", 0.0)
    this = begin(make_study(tmp_path, slices=1).study, jobs, tiny(500, 4))
    at_step(monkeypatch, 6, lambda trainer: this.job.request_stop())
    assert run_here(this).scores["kept"] == "supervised"


def test_a_stop_before_the_first_mask_still_gives_one(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = begin(blobs.study, jobs, tiny(500, 400))
    this.job.request_stop()
    monkeypatch.setattr(course, "LOOK_FOR_LABELS_S", 0.0)
    status = run_here(this)
    assert (status.state, status.step) == ("stopped", 1)
    assert len(this.collect()) == 3


def test_a_stop_between_the_legs_does_not_begin_the_second(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = begin(blobs.study, jobs, tiny(8, 4))
    plain = Suggester.all_cases

    def stopped(*given: object, **named: object) -> bool:
        this.job.request_stop()
        return plain(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Suggester, "all_cases", stopped)
    status = run_here(this)
    assert (status.state, status.phase) == ("stopped", "first suggestion")
    assert list(status.scores["held_out"]) == ["supervised"]


def test_a_stop_whose_patience_ends_leaves_the_rest_for_later(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = begin(blobs.study, jobs, tiny(8, 4))
    plain = Suggester._suggest
    monkeypatch.setattr(Suggester, "_suggest", lambda *given: this.job.request_stop(1.0) or plain(*given))
    status = run_here(this)
    assert (status.state, list(status.results)) == ("stopped", ["c001"])
    assert not status.first_mask
    monkeypatch.undo()
    this.job.withdraw_stop()
    status = run_here(this)
    assert (status.state, len(status.results), status.first_mask) == ("done", 3, True)
