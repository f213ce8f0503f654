"""Labels that arrive while a course runs: trained on, and soon to be seen on screen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.engine.training.trainer import Trainer
from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.runner.course import course, curve, legs, news
from SemiSegLogic.runner.course.news import News
from Testing.support.blobs import BlobStudy, make_study, spread, tiny
from Testing.support.rounds import at_step, begin, judge_with, run_here


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


def test_a_training_outlives_that_its_only_slice_is_taken_back(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mostly to be corrected, and marked as done again."""
    monkeypatch.setattr(course, "LOOK_FOR_LABELS_S", 0.0)
    blobs = make_study(tmp_path, annotated=1, slices=1)
    case, learned = blobs.cases[0], []
    this = begin(blobs.study, jobs, tiny(8, 3), "supervised")

    def take_back(trainer: Trainer) -> None:
        case.unmark(case.places, "ann")
        this.add_labels(case)

    at_step(monkeypatch, 5, take_back)
    plain = News.take
    monkeypatch.setattr(News, "take", lambda news, now: (plain(news, now), learned.append(news.data.learned_from())))
    status = run_here(this)
    assert (status.state, status.labels_used) == ("done", 1)
    assert set(learned) == {(1, 1)}


def test_the_open_case_does_not_keep_the_suggestion_of_a_model_that_was_turned_down(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "LOOK_FOR_LABELS_S", 0.0)
    monkeypatch.setattr(news, "REFRESH_AFTER_S", 0.0)
    judge_with(monkeypatch, 0.6, 0.5, 0.6)
    monkeypatch.setattr(legs, "WHOLE_SHARE", 0.0)
    case = blobs.cases[0]
    as_drawn = {"carry_outlines": False}  # how long outlines are carried depends on the whole time
    this = begin(blobs.study, jobs, tiny(16, 12, **as_drawn), open_case=case.id, learning_rate=1.0)
    at_step(monkeypatch, 15, lambda trainer: this.add_labels(case))
    status = run_here(this)
    assert (status.scores["kept"], status.results) == ("supervised", {"c001": 3, "c002": 1, "c003": 1})
    first = begin(blobs.study, jobs, tiny(12, 12, **as_drawn))
    run_here(first)
    one, two = this.job.result("c001"), first.job.result("c001")
    assert one is not None
    assert two is not None
    assert np.array_equal(one.label, two.label)
    assert np.array_equal(one.uncertainty, two.uncertainty)
