"""The model card says what was so: what was learned from, what was compared, what is not known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.engine.quality import flags
from SemiSegLogic.engine.training.trainer import Diverged, Trainer
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner.cards import semi_supervision
from SemiSegLogic.runner.course import course
from SemiSegLogic.runner.live import endless
from SemiSegLogic.runner.live import session as session_module
from SemiSegLogic.settings import Recommended, Training
from Testing.support.blobs import BlobStudy, make_study, spread, tiny
from Testing.support.rounds import at_step, begin, finished, run_here


def text(this: Round) -> str:
    """The card for people."""
    return (this.folder / "model.md").read_text(encoding="utf-8")


def draw(study: BlobStudy, this: Round, number: int, slices: int) -> None:
    """Slices of one volume are marked as done while the job runs."""
    case = study.cases[number]
    case.set_slices(study.truth[case.id], spread(study.truth[case.id], slices), "ann")
    this.add_labels(case)


def diverge(trainer: Trainer) -> None:
    raise Diverged("The loss became undefined 4 times.")


def test_slices_that_came_while_it_trained_are_counted_and_it_is_told_why_nothing_was_measured(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "LOOK_FOR_LABELS_S", 0.0)
    study = make_study(tmp_path, annotated=1, slices=3)
    this = begin(study.study, jobs)
    at_step(monkeypatch, 3, lambda trainer: draw(study, this, 2, 5))
    run_here(this)
    this.collect()
    assert (this.card()["annotated_slices"], this.card()["annotated_cases"]) == (8, 2)
    assert "Learned from | 8 slices of 2 cases, 3 cases in all" in text(this)
    assert "none of the slices that are done now was kept aside" in this.card()["quality"]["words"]


def test_what_was_kept_aside_and_then_taken_back_measures_nothing(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "LOOK_FOR_LABELS_S", 0.0)
    study = blobs.study
    for case in blobs.cases:
        case.set_slices(blobs.truth[case.id], spread(blobs.truth[case.id], 5), "ann")
    this = begin(study, jobs, tiny(10, 4))

    def take_back(trainer: Trainer) -> None:
        (held,) = (volume.name for volume in trainer.sampler.volumes if volume.held_out)
        case = study.case(this.cases[held])
        case.unmark(case.places, "ann")
        this.add_labels(case)

    at_step(monkeypatch, 6, take_back)
    run_here(this)
    this.collect()
    assert this.card()["annotated_slices"] == 10
    assert "none of the slices that are done now was kept aside" in this.card()["quality"]["words"]


def test_what_was_kept_aside_and_never_learned_from_is_not_counted(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "LOOK_FOR_LABELS_S", 0.0)
    this = begin(blobs.study, jobs, tiny(10, 4))
    at_step(monkeypatch, 9, lambda trainer: this.job.request_stop())
    run_here(this)
    this.collect()
    told, drawn = this.card(), sum(len(case.places) for case in blobs.cases)
    assert told["annotated_slices"] == drawn - told["quality"]["slices"] < drawn


def test_how_the_training_ended_is_said(blobs: BlobStudy, jobs: Path) -> None:
    assert "| End of the training | as ordered, after 10 steps |" in text(finished(blobs.study, jobs, tiny(10, 4)))


def test_that_the_training_was_stopped_is_said(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "LOOK_FOR_LABELS_S", 0.0)
    this = begin(blobs.study, jobs, tiny(40, 4))
    at_step(monkeypatch, 20, lambda trainer: this.job.request_stop())
    run_here(this)
    this.collect()
    assert "| End of the training | was stopped before its end; this is the best model until then |" in text(this)


def test_a_training_that_failed_behind_its_first_mask_says_so(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = begin(blobs.study, jobs, tiny(40, 4))
    seen: list[str] = []

    def fail(trainer: Trainer) -> None:
        seen.append((this.job.root / "model.md").read_text(encoding="utf-8"))
        raise RuntimeError("something unforeseen")

    at_step(monkeypatch, 20, fail)
    assert run_here(this).state == "failed"
    assert "| End of the training | had not ended when this was written;" in seen[0]
    assert "| End of the training | failed before its end;" in (this.job.root / "model.md").read_text(encoding="utf-8")


def test_to_learn_from_all_in_the_end_is_counted(blobs: BlobStudy, jobs: Path) -> None:
    assert finished(blobs.study, jobs, tiny(10, 4)).card()["annotated_slices"] == 6


def test_what_was_drawn_in_a_live_run_is_counted(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins with nothing drawn: its card said that it had learned from 0 slices."""
    monkeypatch.setattr(endless, "SETTLES_S", 0.1)
    monkeypatch.setattr(session_module, "LOOK_EVERY_S", 0.0)
    study = make_study(tmp_path, annotated=0)
    this = Round.live(study.study, Training(device="cpu", precision="float32"), jobs=jobs)
    draw(study, this, 0, 3)
    at_step_of_live = iter([lambda: draw(study, this, 1, 2), this.job.request_stop])
    step = endless.Endless._step

    def act(trainer: endless.Endless, *arguments: object) -> object:
        if trainer.settled == 1:
            next(at_step_of_live, lambda: None)()
        return step(trainer, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(endless.Endless, "_step", act)
    run_here(this)
    this.collect()
    assert "Learned from | 5 slices of 2 cases, 3 cases in all" in text(this)
    assert "| End of the training | Stopped; what was learned is kept. |" in text(this)


def test_a_method_that_was_given_up_is_told_of(blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    this = begin(blobs.study, jobs, tiny(10, 4))
    at_step(monkeypatch, 6, diverge)
    assert run_here(this).state == "done"
    this.collect()
    assert "No semi-supervised method was tried" not in text(this)
    assert "mean_teacher was tried, but its result could not be compared" in text(this)
    assert "- mean_teacher was given up, and the earlier model is kept" in text(this)


def test_learning_from_all_that_was_given_up_takes_no_score_away(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = begin(blobs.study, jobs, tiny(10, 4))
    at_step(monkeypatch, 9, diverge)
    scores = run_here(this).scores
    assert set(scores["held_out"]) == {"supervised", "mean_teacher"}
    assert None not in scores["held_out"].values()
    assert any("was given up" in reason for reason in scores["reasons"])


def test_half_a_leg_that_nothing_could_judge_is_not_said_to_have_been_worse(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "LOOK_FOR_LABELS_S", 0.0)
    this = begin(make_study(tmp_path, slices=1).study, jobs, tiny(500, 4))
    at_step(monkeypatch, 6, lambda trainer: this.job.request_stop())
    run_here(this)
    this.collect()
    assert "kept aside from both" not in text(this)
    assert "its result could not be compared" in text(this)
    assert "mean_teacher: no slice was kept aside, so its quality is not known. It was stopped" in text(this)


def test_a_structure_that_no_slice_kept_aside_shows_is_named_and_no_case_is_called_good(
    tmp_path: Path, jobs: Path
) -> None:
    """One slice shows the cap, and that one always teaches."""
    study = make_study(tmp_path, count=4, annotated=3, slices=4)
    for number, case in enumerate(study.cases[:3]):
        places, truth = case.places, study.truth[case.id]
        keep = places[1].index if number == 0 else -1
        drawn = np.where((truth == 2) & (np.arange(len(truth)) != keep)[:, None, None], np.uint8(0), truth)
        case.set_slices(drawn, places, "ann")
    this = finished(study.study, jobs, tiny(40, 30))
    told = this.card()["quality"]
    assert "This says nothing about cap: no slice that was kept aside" in told["words"]
    assert "core" not in told["words"]
    flags = this.job.status().flags.values()
    assert "good" not in {flag["state"] for flag in flags}


@pytest.mark.parametrize(("annotated", "slices", "said"), [(1, 6, True), (4, 3, False)])
def test_that_training_saw_the_case_it_was_measured_in_is_said(
    tmp_path: Path, jobs: Path, annotated: int, slices: int, said: bool
) -> None:
    """Of one drawn case the card spoke of a case that training had not seen."""
    told = finished(make_study(tmp_path, 5, annotated, slices).study, jobs, tiny(30, 20)).card()["quality"]["words"]
    assert "Measured on slices that training had not seen: " in told
    assert ("Training used other slices of the cases it was measured on" in told) is said


def test_the_card_names_the_views_that_there_are(tmp_path: Path, jobs: Path) -> None:
    """Where left and right have names of their own, it spoke of mirror images that nobody looked at."""
    blobs = make_study(tmp_path)
    blobs.study.change_structure(1, name="left core")
    this = Round.begin(blobs.study, tiny(4, 2), "recommended", Recommended(), jobs=jobs)
    run_here(this)
    this.collect()
    assert "| Predicts from | three sizes, averaged |" in text(this)
    assert "- Predictions are averaged over three sizes of each volume, unless" in text(this)
    assert "mirror" not in text(this)


def test_a_structure_that_nobody_drew_is_named_and_the_others_have_their_flags(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flags, "WIDEST", 1.0)  # a few steps measure too vaguely for any flag
    blobs = make_study(tmp_path, count=4, annotated=3, slices=4)
    blobs.study.add_structure("rim")
    this = finished(blobs.study, jobs, tiny(60, 40))
    told = this.card()["quality"]["words"]
    assert told.endswith("This says nothing about rim: no drawn slice shows them.")
    assert "core" not in told
    found = this.job.status().flags.values()
    assert {flag["state"] for flag in found} <= {"good", "look"}
    assert all(flag["words"].endswith("nothing about rim, not drawn when the model was trained.") for flag in found)


@pytest.mark.parametrize(
    ("held_out", "kept", "words"),
    [
        ({"supervised": 0.7}, "supervised", "No semi-supervised method was tried"),
        ({"supervised": 0.7, "mean_teacher": 0.6}, "supervised", "did not help here: mean_teacher was not better"),
        ({"supervised": 0.7, "mean_teacher": None}, "supervised", "mean_teacher was tried, but its result"),
        ({"supervised": None, "mean_teacher": None}, "mean_teacher", "its benefit was not measured"),
        ({"supervised": 0.7, "mean_teacher": 0.8}, "mean_teacher", "helped, or did no harm"),
    ],
)
def test_what_learning_from_unlabelled_volumes_gave(held_out: dict[str, float | None], kept: str, words: str) -> None:
    assert words in semi_supervision({"held_out": held_out}, kept)
