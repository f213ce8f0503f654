"""The course of a training in this process: legs, gate, stop, labels on the way."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.engine.quality import Measured, SliceScore
from SemiSegLogic.engine.trainer import Trainer
from SemiSegLogic.geometry import IGNORE, SliceIndex
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner import course, curve, legs, news
from SemiSegLogic.runner.judging import Jury
from SemiSegLogic.runner.legs import legs_of, outlook
from SemiSegLogic.runner.model import Model
from SemiSegLogic.runner.suggest import Suggester
from SemiSegLogic.settings import Training
from Testing.support.blobs import BlobStudy, make_study, spread, tiny
from Testing.support.rounds import at_step, begin, finished, run_here


def budgets(training: Training, method: str = "mean_teacher") -> list[tuple[str, float, int]]:
    return [(leg.name, leg.budget.seconds, leg.budget.steps) for leg in legs_of(training, method, {})]


def judge_with(monkeypatch: pytest.MonkeyPatch, *scores: float) -> None:
    """Let the legs have these Dice on held-out slices, and nothing be scored within a leg."""
    answers = iter(scores)

    def measure(*_: Any) -> Measured:
        overlap, all_of_it = (round(1000 * next(answers)),) * 2, (1000, 1000)
        return Measured(tuple(SliceScore("c001", SliceIndex(0, n), overlap, all_of_it, all_of_it) for n in range(4)))

    monkeypatch.setattr(Jury, "measure", measure)
    monkeypatch.setattr(curve, "EVALUATE_EVERY", 2.0)


def test_the_budget_is_split_into_a_first_mask_and_the_rest() -> None:
    assert budgets(Training(seconds=100, first_mask_seconds=20)) == [("supervised", 20, 0), ("mean_teacher", 80, 0)]
    assert budgets(Training(seconds=10, first_mask_seconds=25)) == [("supervised", 10, 0)]
    assert budgets(Training(steps=8)) == [("supervised", 0, 2), ("mean_teacher", 0, 6)]
    assert budgets(Training(steps=1)) == [("supervised", 0, 1)]
    assert budgets(Training(seconds=0)) == [("supervised", 0, 0)]


@pytest.mark.parametrize("training", [Training(seconds=0), Training(steps=9), Training(seconds=0.3)], ids=str)
def test_the_outlook_is_a_number_whatever_has_happened(training: Training) -> None:
    from SemiSegLogic.engine.trainer import Progress

    legs = legs_of(training, "mean_teacher", {})
    for step, elapsed, share in ((0, 0.0, 0.0), (0, 3.0, 0.1), (9, 3.0, 1.0)):
        told = outlook(legs, len(legs) - 1, share, Progress(step, elapsed))
        assert 0 <= told["fraction"] <= 1
        assert told["seconds_left"] >= 0


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


def test_with_too_few_slices_nothing_is_held_out_and_the_status_says_so(tmp_path: Path, jobs: Path) -> None:
    study = make_study(tmp_path, slices=1).study
    status = finished(study, jobs, tiny(4, 2)).job.status()
    assert status.scores["held_out"] == {"supervised": None, "mean_teacher": None}
    assert (status.scores["kept"], status.scores["checked"]) == ("mean_teacher", False)
    assert "each teaches more than it tells" in status.scores["quality"]["words"]
    assert "No slices were held out" in status.message
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
    assert (status.state, status.phase, list(status.scores["held_out"])) == ("stopped", "first mask", ["supervised"])


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


def test_labels_that_arrive_are_trained_on_and_refresh_the_open_case(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "LOOK_FOR_LABELS_S", 0.0)
    monkeypatch.setattr(news, "REFRESH_AFTER_S", 0.0)
    monkeypatch.setattr(curve, "EVALUATE_EVERY", 2.0)
    case = blobs.cases[2]
    this = begin(blobs.study, jobs, tiny(8, 4), open_case=case.id)
    trained: list[int] = []

    def draw(trainer: Trainer) -> None:
        case.set_slices(blobs.truth[case.id], spread(blobs.truth[case.id], 4), "ann")
        this.add_labels(case)

    at_step(monkeypatch, 6, draw)
    at_step(monkeypatch, 8, lambda trainer: trained.extend(trainer.sampler.labelled()))
    status = run_here(this)
    assert (status.state, status.labels_used) == ("done", 1)
    assert trained == [0, 1, 2]
    assert status.results["c003"] == status.results["c001"] + 1
    result = this.job.result("c003")
    assert result is not None
    known = case.sparse_labels() != IGNORE
    assert np.array_equal(result.label[known], case.labels()[known])
    assert not result.uncertainty[known].any()


def test_the_open_case_does_not_keep_the_suggestion_of_a_model_that_was_turned_down(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "LOOK_FOR_LABELS_S", 0.0)
    monkeypatch.setattr(news, "REFRESH_AFTER_S", 0.0)
    judge_with(monkeypatch, 0.6, 0.5, 0.6)
    monkeypatch.setattr(legs, "WHOLE_SHARE", 0.0)
    case = blobs.cases[0]
    this = begin(blobs.study, jobs, tiny(16, 12), open_case=case.id, learning_rate=1.0)
    at_step(monkeypatch, 15, lambda trainer: this.add_labels(case))
    status = run_here(this)
    assert (status.scores["kept"], status.results) == ("supervised", {"c001": 3, "c002": 1, "c003": 1})
    first = begin(blobs.study, jobs, tiny(12, 12))
    run_here(first)
    one, two = this.job.result("c001"), first.job.result("c001")
    assert one is not None
    assert two is not None
    assert np.array_equal(one.label, two.label)
    assert np.array_equal(one.uncertainty, two.uncertainty)


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


def test_a_model_is_applied_without_training(blobs: BlobStudy, jobs: Path) -> None:
    one = finished(blobs.study, jobs, tiny(8, 4, precision="auto"))  # as models are applied
    before = blobs.cases[2].suggestion()
    blobs.cases[2].discard_suggestion()
    assert one.model is not None
    two = Round.apply(blobs.study, one.model, jobs=jobs, device="cpu")
    status = run_here(two)
    assert (status.state, status.method, status.step) == ("done", "mean_teacher", 0)
    assert len(two.collect()) == 3
    assert np.array_equal(blobs.cases[2].suggestion(), before)
    assert two.model is None


def test_a_model_is_applied_to_a_study_whose_structures_changed(blobs: BlobStudy, jobs: Path) -> None:
    one = finished(blobs.study, jobs, tiny(50, 50))
    truth = blobs.truth["volume2"]
    for case in blobs.cases[:2]:
        case.unmark(case.places, "ann")
        case.discard_suggestion()
    blobs.cases[2].discard_suggestion()
    blobs.study.remove_structure(1)
    blobs.study.add_structure("third")
    assert one.model is not None
    two = Round.apply(blobs.study, one.model, jobs=jobs, device="cpu")
    assert run_here(two).state == "done"
    two.collect()
    found = blobs.cases[2].suggestion()
    assert set(np.unique(found)) <= {0, 2}  # neither the structure that is gone nor the one the model never saw
    assert (found[truth == 2] == 2).mean() > (found[truth == 0] == 2).mean()
