"""A contest side by side: the same verdict as in turn, whoever dies on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from SemiSegLogic.backends.claims import RUNNER, Claim, Claims
from SemiSegLogic.job import JobFolder, Status
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner.contest import candidate, second
from SemiSegLogic.runner.contest.second import OwnDesk
from SemiSegLogic.runner.course import course
from SemiSegLogic.runner.course.standing import Saved
from Testing.support.blobs import BlobStudy, make_study, spread, tiny
from Testing.support.rounds import at_step, kill_at_step, run_here
from Testing.support.stand_ins.seconds import contest, dies_at, same, trains, with_second

SELDOM = tiny(24, 8)  # first mask 8, then 6 + 6 in turn, all slices 4
OFTEN = tiny(24, 8, checkpoint_seconds=0.0)  # saves after every step
FIRST, LONGER, WHOLE = 8, 12, 4  # steps, side by side
Work = Callable[[JobFolder, Claim], str]


@pytest.fixture(scope="module")
def in_turn(tmp_path_factory: pytest.TempPathFactory) -> Round:
    """The contest with these budgets, one leg after the other in one runner."""
    folder = tmp_path_factory.mktemp("in_turn")
    this = contest(make_study(folder).study, folder / "jobs", SELDOM)
    with pytest.MonkeyPatch.context() as patch:
        assert with_second(patch, dies_at(1)) == []
        status = run_here(this)
    assert (status.state, Claims(this.job).newest().role) == ("done", RUNNER)  # type: ignore[union-attr]
    assert any("was lost" in words for words in status.scores["reasons"])
    return this


# --- the same verdict ---------------------------------------------------------------------------------------------


def test_side_by_side_ends_as_in_turn_bit_for_bit_and_card_and_curve_tell_of_it(
    blobs: BlobStudy, jobs: Path, in_turn: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, this = with_second(monkeypatch, trains), contest(blobs.study, jobs, SELDOM)
    status = run_here(this)
    assert (status.state, said) == ("done", ["The candidate is trained."])
    assert same(this, in_turn)
    saved = Saved.load(this.job.checkpoint)
    assert saved is not None
    assert {leg.role: leg.budget.steps for leg in saved.legs} == {
        "first": FIRST, "longer": LONGER, "candidate": LONGER, "whole": WHOLE
    }
    reasons = status.scores["reasons"]
    assert any("trained side by side" in words for words in reasons)
    assert any(words.startswith("mean_teacher trained for") and "CPU" in words for words in reasons)
    this.collect()
    assert "trained side by side" in (this.folder / "model.md").read_text()
    beside = [point for point in this.job.curves() if point.get("beside")]
    assert {point["leg"] for point in beside} == {"mean_teacher, the candidate"}
    assert [point for point in beside if "held_out_dice" in point]


@pytest.mark.parametrize("work", [(dies_at(5), trains), (dies_at(5), dies_at(4))], ids=["second", "first"])
def test_what_killed_second_runners_did_is_gone_on_from(
    blobs: BlobStudy, jobs: Path, in_turn: Round, monkeypatch: pytest.MonkeyPatch, work: tuple[Work, ...]
) -> None:
    this = contest(blobs.study, jobs, OFTEN)
    with pytest.MonkeyPatch.context() as patch:  # the first runner dies while it waits for the one that was killed
        with_second(patch, work[0])
        patch.setattr("SemiSegLogic.runner.contest.beside._delivered", _die)
        with pytest.raises(KeyboardInterrupt):
            run_here(this)
    with_second(monkeypatch, work[1])
    steps: list[int] = []
    at_step(monkeypatch, 1, lambda trainer: steps.append(trainer.progress.step))
    assert run_here(this).state == "done"
    assert same(this, in_turn)
    assert steps == [4]


def _die(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("step", [FIRST + 4, FIRST + 2 * LONGER + 2])
def test_a_first_runner_that_was_killed_finds_the_contest_decided(
    blobs: BlobStudy, jobs: Path, in_turn: Round, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    this = contest(blobs.study, jobs, OFTEN)
    with pytest.MonkeyPatch.context() as patch:
        with_second(patch, lambda job, claim: trains(job, claim))
        kill_at_step(this, step)
    with_second(monkeypatch, *([] if Claims(this.job).newest() else [trains]))
    assert run_here(this).state == "done"
    assert same(this, in_turn)


def test_one_that_was_overtaken_is_not_listened_to(
    blobs: BlobStudy, jobs: Path, in_turn: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(job: JobFolder, claim: Claim) -> str:
        assert Claims(job).make(RUNNER, claim) is not None  # it was silent for too long
        claim.outcome_path.write_bytes(b"whatever it may come to")
        return trains(job, claim)

    said, this = with_second(monkeypatch, too_late), contest(blobs.study, jobs, SELDOM)
    assert run_here(this).state == "done"
    assert said == ["There is no contest to help with."]
    assert same(this, in_turn)


def test_what_a_failed_one_left_damaged_is_trained_again(
    blobs: BlobStudy, jobs: Path, in_turn: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(job: JobFolder, claim: Claim) -> str:
        trains(job, claim)
        claim.outcome_path.write_bytes(b"torn")
        claim.state_path.write_bytes(b"torn")
        OwnDesk(claim).write_status(Status("failed", error={"text": "Memory ran out.", "remedy": "Buy some."}))
        return "damaged"

    with_second(monkeypatch, damaged)
    this = contest(blobs.study, jobs, OFTEN)
    assert run_here(this).state == "done"
    assert same(this, in_turn)


# --- nobody there, stop, labels -----------------------------------------------------------------------------------


def test_with_nobody_there_the_time_is_shared_as_ever_and_a_late_one_goes_home(blobs: BlobStudy, jobs: Path) -> None:
    from SemiSegLogic.backends.claims import called_upon

    this = contest(blobs.study, jobs, SELDOM)
    status = run_here(this)
    saved = Saved.load(this.job.checkpoint)
    assert saved is not None
    assert {leg.role: leg.budget.steps for leg in saved.legs}["candidate"] == 6
    assert not any("side by side" in words for words in status.scores["reasons"])
    assert Claims(this.job).offered() is False
    assert called_upon(this.job) is None


def test_a_stop_reaches_both_and_both_go_on_later(
    blobs: BlobStudy, jobs: Path, in_turn: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidate, "LOOK_EVERY_S", 0.0)

    def stopped(job: JobFolder, claim: Claim) -> str:
        with pytest.MonkeyPatch.context() as patch:
            at_step(patch, 5, lambda trainer: job.request_stop())
            return trains(job, claim)

    said, this = with_second(monkeypatch, stopped, trains), contest(blobs.study, jobs, OFTEN)
    status = run_here(this)
    assert (status.state, len(status.results)) == ("stopped", 3)
    this.job.withdraw_stop()
    assert run_here(this).state == "done"
    assert said == ["Left before its end; another runner goes on from what was saved.", "The candidate is trained."]
    assert same(this, in_turn)


def test_a_second_runner_that_is_left_alone_saves_and_goes_home(
    blobs: BlobStudy, jobs: Path, in_turn: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidate, "LOOK_EVERY_S", 0.0)

    def left_alone(job: JobFolder, claim: Claim) -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(second, "LEFT_ALONE_S", 0.0)
            return trains(job, claim)

    said, this = with_second(monkeypatch, left_alone), contest(blobs.study, jobs, SELDOM)
    assert run_here(this).state == "done"
    assert said == ["Left before its end; another runner goes on from what was saved."]
    assert Claims(this.job).state() is not None
    assert same(this, in_turn)


def test_labels_that_arrive_reach_both(blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidate, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(course, "LOOK_FOR_LABELS_S", 0.0)
    case, trained = blobs.cases[2], list[list[int]]()

    def work(job: JobFolder, claim: Claim) -> str:
        with pytest.MonkeyPatch.context() as patch:
            at_step(patch, 3, lambda trainer: draw())
            at_step(patch, 6, lambda trainer: trained.append(trainer.sampler.labelled()))
            return trains(job, claim)

    def draw() -> None:
        case.set_slices(blobs.truth[case.id], spread(blobs.truth[case.id], 4), "ann")
        this.add_labels(case)

    with_second(monkeypatch, work)
    this = contest(blobs.study, jobs, SELDOM)
    status = run_here(this)
    assert (status.state, status.labels_used, trained) == ("done", 1, [[0, 1, 2]])
