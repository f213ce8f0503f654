"""The course of a training in this process: legs, gate, what is held out, what it goes on from."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.engine.training.trainer import Trainer
from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.runner.course import legs
from SemiSegLogic.runner.model import Model
from SemiSegLogic.runner.reporting import Reporter
from SemiSegLogic.runner.suggest import Suggester
from SemiSegLogic.settings import Training
from Testing.support.blobs import BlobStudy, make_study, tiny
from Testing.support.rounds import at_step, finished, judge_with


def test_no_time_at_all_still_gives_a_mask(blobs: BlobStudy, jobs: Path) -> None:
    finished(blobs.study, jobs, Training(seconds=0, device="cpu", precision="float32"))
    assert all(case.has_suggestion for case in blobs.cases)


def test_a_worse_second_leg_does_not_replace_the_first(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(legs, "WHOLE_SHARE", 0.0)
    this = finished(blobs.study, jobs, tiny(56, 50), learning_rate=1.0)
    scores = this.job.status().scores
    assert scores["held_out"]["mean_teacher"] < scores["held_out"]["supervised"] - 0.05
    assert (scores["kept"], scores["checked"]) == ("supervised", True)
    assert Model.load(this.job.weights).method == this.card()["method"] == "supervised"
    assert this.job.status().results == {"c001": 1, "c002": 1, "c003": 1}  # not suggested again
    assert blobs.cases[2].provenance()["method"] == "supervised"


def test_a_second_leg_that_is_not_worse_replaces_the_first(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_with(monkeypatch, 0.5, 0.5)
    this = finished(blobs.study, jobs, tiny(4, 2))
    scores = this.job.status().scores
    assert scores["held_out"] == {"supervised": 0.5, "mean_teacher": 0.5}
    assert (scores["kept"], scores["checked"]) == ("mean_teacher", True)
    assert this.job.status().results == {"c001": 2, "c002": 2, "c003": 2}
    assert Model.load(this.job.weights).method == "mean_teacher"


def test_the_time_left_counts_the_suggesting_behind_every_leg_to_come(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if suggesting every case took 1000 s; the steps of this course take next to nothing."""
    told: dict[str, set[int]] = {}
    plain = Reporter.update

    def heard(reporter: Reporter, **changes: Any) -> None:
        if changes.get("seconds_left") and "step" in changes:
            told.setdefault(reporter.status.phase, set()).add(round(changes["seconds_left"] / 1000))
        plain(reporter, **changes)

    monkeypatch.setattr(Reporter, "update", heard)
    monkeypatch.setattr(Suggester, "seconds_of_all", lambda self: 1000.0)
    judge_with(monkeypatch, 0.5, 0.5, 0.5)
    finished(blobs.study, jobs, tiny(10, 4))
    assert told == {"first suggestion": {3}, "mean_teacher": {2}, "all slices": {1}}


def test_with_too_few_slices_nothing_is_held_out_and_the_status_says_so(tmp_path: Path, jobs: Path) -> None:
    study = make_study(tmp_path, slices=1).study
    status = finished(study, jobs, tiny(24, 8)).job.status()  # so many that something is found everywhere
    assert status.scores["held_out"] == {"supervised": None, "mean_teacher": None}
    assert (status.scores["kept"], status.scores["checked"]) == ("mean_teacher", False)
    assert "all of them are used for learning and none for measuring" in status.scores["quality"]["words"]
    assert "No slices were kept aside" in status.message
    assert {flag["state"] for flag in status.flags.values()} == {"unknown"}


def test_held_out_slices_are_not_trained_on(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    at_step(monkeypatch, 1, lambda trainer: seen.extend(trainer.sampler.volumes))
    finished(blobs.study, jobs, tiny(2, 1))
    (held,) = [(volume, place) for volume in seen for place in volume.held_out]
    volume, place = held
    assert bool((volume.label.all_voxels().select(place.axis, place.index) == IGNORE).all())
    assert bool((volume.plane(place) != IGNORE).all())
    assert place not in volume.training_slices


def test_in_the_end_the_kept_model_learns_from_the_slices_that_were_held_out(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_with(monkeypatch, 0.6, 0.5, 0.9)
    held: dict[int, int] = {}
    for step in (1, 8, 9):
        at_step(monkeypatch, step, partial(_count_held_out, held, step))
    this = finished(blobs.study, jobs, tiny(10, 4))
    status, model = this.job.status(), Model.load(this.job.weights)
    assert held == {1: 1, 8: 1, 9: 0}
    assert (model.method, model.held_out, status.scores["kept"]) == ("supervised", 0.6, "supervised")
    assert model.seen is not None
    assert len(model.seen) == sum(len(case.places) for case in blobs.cases)
    assert model.quality["measured"] == 0.6
    assert "measured before that" in status.scores["reasons"][-1]
    assert status.results == {"c001": 2, "c002": 2, "c003": 2}


def _count_held_out(held: dict[int, int], step: int, trainer: Trainer) -> None:
    held[step] = sum(len(volume.held_out) for volume in trainer.sampler.volumes)


def test_a_second_round_goes_on_from_the_model_of_the_first(blobs: BlobStudy, jobs: Path) -> None:
    one = finished(blobs.study, jobs, tiny(30, 30))
    two = finished(blobs.study, jobs, tiny(2, 1), start_from=one.model)
    cold = finished(blobs.study, jobs, tiny(2, 1))
    warm_start, cold_start = (run.job.status().scores["held_out"]["supervised"] for run in (two, cold))
    assert warm_start > cold_start


def test_a_structure_can_be_added_between_rounds(blobs: BlobStudy, jobs: Path) -> None:
    one = finished(blobs.study, jobs, tiny(4, 2))
    new, case = blobs.study.add_structure("third"), blobs.cases[0]
    label = case.labels()
    label[case.places[0].index, :3, :3] = new.value
    case.set_slices(label, case.places[:1], "ann")
    two = finished(blobs.study, jobs, tiny(4, 2), start_from=one.model)
    assert Model.load(two.job.weights).values == (1, 2, new.value)
    assert [item["name"] for item in two.card()["structures"]] == ["core", "cap", "third"]


def test_a_structure_that_nobody_drew_does_no_harm(tmp_path: Path, jobs: Path) -> None:
    blobs = make_study(tmp_path)
    blobs.study.add_structure("never drawn")
    assert finished(blobs.study, jobs, tiny(4, 2)).job.status().state == "done"
