"""Learning while the person draws: a worker that waits, takes slices in, shows the case on screen, and goes home."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.backends import LocalBackend
from SemiSegLogic.geometry import IGNORE, SliceIndex
from SemiSegLogic.job import Status
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner.model import Model
from SemiSegLogic.settings import Training
from SemiSegLogic.study import StudyError
from Testing.support.blobs import BlobStudy, make_study, spread, tiny
from Testing.support.processes import ended, kill, wait_for
from Testing.support.rounds import begin


@pytest.fixture
def blank(tmp_path: Path) -> BlobStudy:
    """Three volumes, nothing drawn."""
    return make_study(tmp_path, annotated=0)


def live(study: BlobStudy, backend: LocalBackend, open_case: str | None = "volume0", **training: float) -> Round:
    options = Training(device="cpu", checkpoint_seconds=1.0, **training)  # type: ignore[arg-type]
    this = Round.live(study.study, options, jobs=backend.root, open_case=open_case)
    backend.submit(this.job)
    return this


def draw(study: BlobStudy, this: Round, number: int, count: int) -> int:
    """``count`` slices of a case are marked as done; the number of the labels that tell of it."""
    case = study.cases[number]
    case.set_slices(study.truth[case.id], spread(study.truth[case.id], count), "ann")
    return this.add_labels(case)


def seen(n: int, case: str) -> object:
    """Whether the latest result of the case on screen has learned from labels ``n``."""
    return lambda status: status.labels_shown >= n and status.results.get(case, 0) > 0


def test_slices_are_learned_as_they_are_called_done_and_the_open_case_is_shown(
    blank: BlobStudy, backend: LocalBackend
) -> None:
    this = live(blank, backend)
    waiting = wait_for(backend, this.id, lambda status: status.phase == "waiting")
    assert "Waiting for your first slice" in waiting.message
    first = wait_for(backend, this.id, seen(draw(blank, this, 0, 2), "c001"))
    assert first.pid == waiting.pid
    assert "volume0" in this.collect()
    this.show("volume1")
    status = wait_for(backend, this.id, seen(draw(blank, this, 1, 3), "c002"))
    assert status.pid == waiting.pid, "one worker, always warm"
    this.collect()
    case = blank.cases[1]
    drawn = case.sparse_labels()
    known = drawn != IGNORE
    assert np.array_equal(case.suggestion()[known], drawn[known])
    wait_for(backend, this.id, lambda status: len(status.results) == 3)
    assert all(item.reason for item in this.next_slices())
    stopped = backend.stop(this.id)
    assert (stopped.state, stopped.message.split(";")[0]) == ("stopped", "Stopped")
    this.collect()
    assert this.model is not None
    assert Model.load(this.model).values == (1, 2)


def test_a_training_that_waits_is_let_past_and_goes_on_from_the_live_model(
    blank: BlobStudy, backend: LocalBackend
) -> None:
    this = live(blank, backend)
    wait_for(backend, this.id, seen(draw(blank, this, 0, 3), "c001"))
    wait_for(backend, this.id, lambda _: this.job.weights.exists())
    this.collect()
    training = begin(blank.study, backend.root, tiny(4, 2), start_from=this.model)
    backend.submit(training.job)
    assert ended(backend, training).state == "done"
    status = backend.poll(this.id)
    assert (status.state, status.message.split(";")[0]) == ("done", "Stopped for a training that was waiting")


def test_a_killed_worker_goes_on_from_what_it_had_learned(blank: BlobStudy, backend: LocalBackend) -> None:
    this = live(blank, backend)
    n = draw(blank, this, 0, 3)
    wait_for(backend, this.id, seen(n, "c001"))
    wait_for(backend, this.id, lambda _: this.job.weights.exists())
    kill(this.job)
    before = wait_until_lost(backend, this)
    backend.resume(this.id)
    status = wait_for(backend, this.id, lambda status: status.results.get("c001", 0) > before.results["c001"])
    assert status.labels_used == n
    backend.stop(this.id)


def wait_until_lost(backend: LocalBackend, this: Round) -> Status:
    from Testing.support.jobs import wait_until

    return wait_until(lambda: (status := backend.poll(this.id)).state == "lost" and status)


def test_it_goes_home_when_nobody_draws_any_more(blank: BlobStudy, backend: LocalBackend) -> None:
    this = live(blank, backend, live_rest_seconds=1.0)
    status = ended(backend, this)
    assert (status.state, this.job.weights.exists()) == ("done", False)
    assert "Nothing was drawn" in status.message


def test_when_every_mark_is_taken_back_it_waits_again(blank: BlobStudy, backend: LocalBackend) -> None:
    this = live(blank, backend)
    wait_for(backend, this.id, seen(draw(blank, this, 0, 2), "c001"))
    case = blank.cases[0]
    for place in case.places:
        case.unmark([place], "ann")
    this.add_labels(case)
    status = wait_for(backend, this.id, lambda status: status.phase == "waiting")
    assert "Waiting for your first slice" in status.message
    backend.stop(this.id)


def test_a_slice_along_another_view_makes_a_new_plan_without_losing_the_model(
    blank: BlobStudy, backend: LocalBackend
) -> None:
    this = live(blank, backend)
    wait_for(backend, this.id, seen(draw(blank, this, 0, 1), "c001"))
    case = blank.cases[0]
    truth = blank.truth[case.id]
    case.set_slices(truth, [SliceIndex(2, 6), SliceIndex(2, 7), SliceIndex(2, 8)], "ann")
    n = this.add_labels(case)
    wait_for(backend, this.id, seen(n, "c001"))
    backend.stop(this.id)
    assert Model.load(this.job.weights).plan.depth_axis == 2


def test_a_study_without_cases_or_structures_is_refused_in_words(tmp_path: Path, backend: LocalBackend) -> None:
    empty = make_study(tmp_path, count=0, annotated=0)
    with pytest.raises(StudyError, match="no cases"):
        Round.live(empty.study, Training(), jobs=backend.root)


def test_what_comes_in_one_piece_is_learned_while_the_person_draws(blank: BlobStudy, backend: LocalBackend) -> None:
    this = live(blank, backend)
    for number in (0, 1):
        draw(blank, this, number, 4)
    wait_for(backend, this.id, lambda _: this.job.weights.exists() and Model.load(this.job.weights).one_piece == (1, 2))
    backend.stop(this.id)


def test_slices_that_arrive_damaged_end_nothing_and_are_learned_once_they_are_replaced(
    blank: BlobStudy, backend: LocalBackend
) -> None:
    """The run ended with its first slice, or took in nothing that came after a damaged one."""
    this = live(blank, backend)
    wait_for(backend, this.id, lambda status: status.phase == "waiting")
    case = blank.cases[0]
    case.set_slices(blank.truth[case.id], spread(blank.truth[case.id], 3), "ann")
    (this.job.inputs / "labels-1.npz").write_bytes(b"cut off")
    told = wait_for(backend, this.id, lambda status: status.labels_unread == [1])
    assert "labels-1.npz cannot be read" in told.message
    this.catch_up()
    wait_for(backend, this.id, seen(2, "c001"))
    status = wait_for(backend, this.id, lambda status: not status.labels_unread)
    assert status.pid == told.pid
