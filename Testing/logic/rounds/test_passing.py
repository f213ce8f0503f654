"""Models of learning while somebody drew: the newest stay, and whatever anybody wanted; no other model goes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.files import FileError, digest_file
from SemiSegLogic.job import JobFolder, Status
from SemiSegLogic.kept_models import export_model, kept_model, kept_models
from SemiSegLogic.rounds import Round
from SemiSegLogic.rounds.passing import KEPT_PASSING, tidy_passing
from SemiSegLogic.rounds.run_folder import RunFolder
from Testing.support.blobs import BlobStudy, tiny
from Testing.support.rounds import begin


def _left(this: Round, state: str = "stopped") -> str:
    """``this`` leaves a model and ends; its name."""
    this.job.weights.write_bytes(this.id.encode())
    this.job.write_status(Status(state))
    this.collect()
    return this.id


def _live(blobs: BlobStudy, jobs: Path, start_from: Path | None = None) -> Round:
    return Round.live(blobs.study, tiny(), jobs=jobs, start_from=start_from)


def _kept(blobs: BlobStudy) -> list[str]:
    return [model.run for model in kept_models(blobs.study)]


@pytest.fixture(autouse=True)
def any_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The models here are a few bytes."""
    monkeypatch.setattr("SemiSegLogic.rounds.round.require_usable", lambda *_: None)


def test_of_many_stretches_of_drawing_the_newest_three_models_stay(blobs: BlobStudy, jobs: Path) -> None:
    """Each left 5 MB for good."""
    lives = [_left(_live(blobs, jobs)) for _ in range(6)]
    begin(blobs.study, jobs)
    assert _kept(blobs) == lives[-KEPT_PASSING:]
    assert not (jobs / lives[0] / "model.pt").exists()
    Round(blobs.study, blobs.study.folder / "models" / lives[0], jobs).collect()
    assert _kept(blobs) == lives[-KEPT_PASSING:], "they do not come back"


def test_what_was_trained_or_exported_or_used_stays(blobs: BlobStudy, jobs: Path, tmp_path: Path) -> None:
    wanted = [_left(_live(blobs, jobs)) for _ in range(3)]
    export_model(kept_model(blobs.study, wanted[0]), tmp_path / "out")
    Round.apply(blobs.study, kept_model(blobs.study, wanted[1]).weights, jobs=jobs).job.write_status(Status("done"))
    trained = _left(begin(blobs.study, jobs, start_from=kept_model(blobs.study, wanted[2]).weights), "done")
    lives = [_left(_live(blobs, jobs)) for _ in range(5)]
    begin(blobs.study, jobs)
    assert _kept(blobs) == sorted([*wanted, trained, *lives[-KEPT_PASSING:]])


def test_a_model_whose_suggestion_is_on_screen_stays(blobs: BlobStudy, jobs: Path) -> None:
    first, case = _left(_live(blobs, jobs)), blobs.cases[2]
    shape = case.grid.shape
    case.put_suggestion(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), {"run": first})
    lives = [_left(_live(blobs, jobs)) for _ in range(5)]
    begin(blobs.study, jobs)
    assert _kept(blobs) == [first, *lives[-KEPT_PASSING:]]


def test_a_model_that_a_run_on_its_way_makes_or_needs_stays(blobs: BlobStudy, jobs: Path) -> None:
    makes = _live(blobs, jobs)
    _left(makes, "running")
    first = _left(_live(blobs, jobs))
    needs = _live(blobs, jobs, kept_model(blobs.study, first).weights)
    assert needs.job.spec().start_from == digest_file(kept_model(blobs.study, first).weights)
    _left(needs, "running")
    lives = [_left(_live(blobs, jobs)) for _ in range(5)]
    begin(blobs.study, jobs)
    assert _kept(blobs) == [makes.id, first, needs.id, *lives[-KEPT_PASSING:]]
    for job in (makes.job, needs.job):
        job.write_status(Status("stopped"))
    begin(blobs.study, jobs)
    assert _kept(blobs) == lives[-KEPT_PASSING:]


def test_models_of_before_this_rule_stay_for_nobody_knows_who_exported_them(blobs: BlobStudy, jobs: Path) -> None:
    of_before = _left(_live(blobs, jobs))
    (blobs.study.folder / "models" / of_before / "passing.json").unlink()
    lives = [_left(_live(blobs, jobs)) for _ in range(5)]
    begin(blobs.study, jobs)
    assert _kept(blobs) == [of_before, *lives[-KEPT_PASSING:]]


def test_of_an_export_and_the_tidying_at_the_same_moment_one_is_first(blobs: BlobStudy, jobs: Path) -> None:
    run = RunFolder(blobs.study.folder / "models" / _left(_live(blobs, jobs)))
    run.keep()
    assert not run.give_up()
    run.note_passing()
    assert run.give_up()


def test_where_nothing_can_be_looked_at_nothing_goes_and_the_run_is_begun(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = [_left(_live(blobs, jobs)) for _ in range(5)]

    def sick(_job: JobFolder) -> Status:
        raise FileError("The disk is not well.")

    with monkeypatch.context() as disk:
        disk.setattr(JobFolder, "status", sick)
        assert tidy_passing(blobs.study, jobs) == []
    assert set(lives[-KEPT_PASSING:]) <= set(_kept(blobs))
    assert begin(blobs.study, jobs).job.submitted
