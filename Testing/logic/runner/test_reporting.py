"""The status of a run: fresh while anything goes on, written at once when something is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from SemiSegLogic.files import FileError
from SemiSegLogic.job import JobFolder, Status
from SemiSegLogic.runner import reporting
from SemiSegLogic.runner.reporting import Reporter
from Testing.support.jobs import wait_until


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    return JobFolder.create(tmp_path / "job")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "PERIOD_S", 0.02)


def test_the_heart_beats_while_the_main_thread_is_busy(job: JobFolder) -> None:
    with Reporter(job, Status("running")):
        first = wait_until(lambda: job.reported().heartbeat)
        wait_until(lambda: job.reported().heartbeat > first)
    assert not list(job.root.rglob("*.tmp.*"))


def test_what_is_said_is_written_at_once_and_logged(job: JobFolder, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with Reporter(job, Status("running")) as reporter:
        reporter.say("Half.", fraction=0.5, results={"c001": 1})
        status = job.reported()
        assert (status.message, status.fraction, status.results) == ("Half.", 0.5, {"c001": 1})
    assert "Half." in caplog.text


def test_the_seconds_that_are_left_count_down_while_nothing_new_is_told(job: JobFolder) -> None:
    with Reporter(job, Status("running")) as reporter:
        reporter.say("On its way.", seconds_left=30.0)
        wait_until(lambda: (job.reported().seconds_left or 30.0) < 29.9)
        reporter.say("Longer than thought.", seconds_left=60.0)
        assert (job.reported().seconds_left or 0.0) > 59.0
        reporter.say("Nearly.", seconds_left=0.01)
        wait_until(lambda: job.reported().seconds_left == 0.0)
        reporter.say("Nobody knows.", seconds_left=None)
        assert job.reported().seconds_left is None


def test_the_last_word_is_written_when_it_is_left(job: JobFolder) -> None:
    with Reporter(job, Status("running", elapsed=100.0)) as reporter:
        reporter.update(step=7)
    assert (job.reported().step, job.reported().elapsed >= 100) == (7, True)


def test_a_long_message_is_cut(job: JobFolder) -> None:
    with Reporter(job, Status("running")) as reporter:
        reporter.say("x" * 10_000)
    assert len(job.reported().message) == reporting.LONGEST


def test_a_disk_that_refuses_for_a_while_costs_nothing(
    job: JobFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(job: JobFolder, status: Status) -> None:
        raise FileError("status.json was not written: the disk is full.")

    with Reporter(job, Status("running")) as reporter:
        with monkeypatch.context() as patch:
            patch.setattr(JobFolder, "write_status", refuse)
            reporter.say("Lost.")
        reporter.say("Back.")
        assert job.reported().message == "Back."
    assert "could not be written" in caplog.text


def test_a_point_of_the_curve_has_both_clocks(job: JobFolder) -> None:
    with Reporter(job, Status("running", phase="first suggestion")) as reporter:
        reporter.curve({"losses": {"dice": float("nan")}}, 1.234, 21)
    (point,) = job.curves()
    assert {key: point[key] for key in ("training_seconds", "leg", "step", "losses")} == {
        "training_seconds": 1.23, "leg": "first suggestion", "step": 21, "losses": {"dice": None}
    }
    json.dumps(point, allow_nan=False)
