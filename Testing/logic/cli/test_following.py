"""Ctrl+C at any moment stops and keeps; what a training made comes into the study although its terminal was closed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.cli import run
from SemiSegLogic.cli.following import follow, hand_over
from SemiSegLogic.cli.output import Output
from SemiSegLogic.job import Status
from SemiSegLogic.rounds import Round
from SemiSegLogic.study.lock import Writer
from Testing.support.blobs import BlobStudy, tiny
from Testing.support.rounds import begin, run_here

Said = Callable[..., str]


class Scripted:
    """A backend whose job runs until it is asked to stop, and on for as many looks as ``deaf``."""

    def __init__(self, this: Round, deaf: int = 0) -> None:
        self.this, self.deaf, self.stops = this, deaf, 0

    def poll(self, job_id: str) -> Status:
        self.deaf -= bool(self.stops)
        if self.stops and self.deaf < 0:
            return Status("stopped", message="Stopped; the best model is kept.")
        return Status("running", message="Training.")

    def stop(self, job_id: str, *, wait: bool = True) -> Status:
        self.stops += 1
        return self.poll(job_id)


def press_ctrl_c(times: int) -> Callable[[Status], None]:
    """For as many looks, in the middle of looking."""
    left = [times]

    def seen(_status: Status) -> None:
        if left[0]:
            left[0] -= 1
            os.kill(os.getpid(), signal.SIGINT)

    return seen


@pytest.fixture
def waiting(blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch) -> Round:
    """A round that nobody runs."""
    monkeypatch.setattr("SemiSegLogic.cli.following.LOOK_EVERY_S", 0.01)
    return begin(blobs.study, jobs, tiny(2, 2))


def test_ctrl_c_while_the_job_is_looked_at_stops_it_and_nothing_breaks_off(
    waiting: Round, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGINT)
    backend = Scripted(waiting)
    assert follow(waiting, backend, Output(), press_ctrl_c(1)).state == "stopped"
    assert backend.stops == 1
    assert "Stopping; the best model is kept." in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_leaves_at_once_and_says_how_to_come_back(
    waiting: Round, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        follow(waiting, Scripted(waiting, deaf=1000), Output(), press_ctrl_c(2))
    assert f"semiseg follow {waiting.study.folder}" in " ".join(capsys.readouterr().out.split())


def test_ctrl_c_twice_before_the_first_is_heeded_stops_the_job_all_the_same(
    waiting: Round, capsys: pytest.CaptureFixture[str]
) -> None:
    def twice(_status: Status) -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)

    backend = Scripted(waiting, deaf=1000)
    with pytest.raises(KeyboardInterrupt):
        follow(waiting, backend, Output(), twice)
    assert backend.stops == 1, "else it would train on for hours, after the words that it stops"
    assert "is stopping" in " ".join(capsys.readouterr().out.split())


def test_ctrl_c_while_the_job_is_handed_over_stops_it_once_it_is_there(waiting: Round) -> None:
    backend = Scripted(waiting)
    backend.submit = lambda job: os.kill(os.getpid(), signal.SIGINT)
    assert follow(waiting, backend, Output(), heard=hand_over(waiting, backend)).state == "stopped"
    assert backend.stops == 1


@pytest.mark.parametrize("command", [["study", "status"], ["study", "next"], ["export"], ["follow"]])
def test_what_a_training_made_after_its_terminal_was_closed_comes_in_with_the_next_command(
    blobs: BlobStudy, jobs: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    this = begin(blobs.study, jobs, tiny(2, 2))
    assert run_here(this).state == "done"
    assert not any(case.has_suggestion for case in blobs.cases)
    assert run([*command, str(blobs.study.folder)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    expected = {"follow": "Suggestions for 3 cases are in the study."}
    assert expected.get(command[0], f"{this.id} are now in the study: 3 cases.") in told
    assert all(case.provenance()["run"] == this.id for case in blobs.cases)
    assert run([*command, str(blobs.study.folder)]) == 0, "harmless to repeat"


def test_the_end_says_how_good_the_model_is(blobs: BlobStudy, jobs: Path, semiseg: Callable[..., Any]) -> None:
    this = begin(blobs.study, jobs, tiny(2, 2))
    run_here(this)
    (told,) = [event for event in semiseg("follow", blobs.study.folder) if event["event"] == "quality"]
    assert told["words"] == this.card()["quality"]["words"]


def test_a_case_that_somebody_writes_is_named_and_comes_in_later(blobs: BlobStudy, jobs: Path, says: Said) -> None:
    run_here(begin(blobs.study, jobs, tiny(2, 2)))
    lock = blobs.cases[1].folder / "lock.json"
    lock.write_text(json.dumps(asdict(Writer("eve", "another-computer", 1, "2026-01-01T00:00:00+00:00", "t"))))
    told = says("follow", blobs.study.folder)
    assert "Suggestions for 2 cases are in the study. Those for volume1 could not be taken in" in told
    lock.unlink()
    assert "Suggestions for 3 cases are in the study." in says("follow", blobs.study.folder)


def test_a_study_moved_while_it_was_trained_takes_its_suggestions_where_it_lies_now(
    blobs: BlobStudy, jobs: Path, tmp_path: Path, says: Said
) -> None:
    this = begin(blobs.study, jobs, tiny(2, 2))
    run_here(this)
    blobs.study.folder.rename(tmp_path / "moved")
    with pytest.raises(Exception, match=r"cases\.json is missing.*are kept in .*semiseg follow"):
        follow(this, Ended(this), Output())
    assert "Suggestions for 3 cases are in the study." in says("follow", tmp_path / "moved")


class Ended(Scripted):
    def poll(self, job_id: str) -> Status:
        return self.this.job.status()


def test_following_a_study_that_was_never_trained_says_so(blobs: BlobStudy, says: Said) -> None:
    assert "No training of" in says("follow", blobs.study.folder, code=1)


def test_a_failed_job_says_why_once_and_how_to_resume(blobs: BlobStudy, tmp_path: Path, says: Said) -> None:
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as model:  # as a model looks from afar
        model.writestr("nothing", b"")
    told = says("predict", blobs.study.folder, "--model", tmp_path / "model.pt", "--device", "cpu", code=1)
    assert told.count("SemiSeg did not write it") <= 2, "in the bar and at the end"
    assert "To resume: semiseg jobs resume 20" in told
    assert "Suggestions for 0" not in told


def test_a_job_whose_folder_was_deleted_is_told_once_and_promises_nothing(
    blobs: BlobStudy, jobs: Path, says: Said
) -> None:
    this = begin(blobs.study, jobs, tiny(2, 2))
    shutil.rmtree(this.job.root)
    told = says("follow", blobs.study.folder, code=1)
    assert "if its job was deleted, train again" in told
    assert "are kept in" not in told
    assert "resume" not in told
