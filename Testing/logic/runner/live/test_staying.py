"""How long a live run stays: until it is stopped, others wait for the computer, or nobody draws any more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.job import JobFolder, Status
from SemiSegLogic.runner.live import Stay, staying
from SemiSegLogic.runner.reporting import Reporter
from SemiSegLogic.runner.workplace import Workplace
from SemiSegLogic.settings import Training
from Testing.support.engine import CPU
from Testing.support.jobs import make_job

RESTS_S = 10.0


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    return make_job(tmp_path / "job")


def stay_of(job: JobFolder, others_wait: Callable[[], bool] = lambda: False, seconds_a_look: float = 1.0) -> Stay:
    """A stay whose clock goes on by so much whenever it is looked at."""
    moments = iter(number * seconds_a_look for number in range(1000))
    training = Training(live_rest_seconds=RESTS_S)
    place = Workplace(job, CPU, training, Reporter(job, Status("running")))
    return Stay(place, others_wait, clock=lambda: next(moments))


def test_it_lasts_while_nothing_ends_it(job: JobFolder) -> None:
    stay = stay_of(job)
    assert not stay.is_over()
    assert not stay.is_over(RESTS_S)
    assert stay.farewell == ""


def test_a_stop_counts_before_everything_else(job: JobFolder) -> None:
    stay = stay_of(job, lambda: True)
    job.request_stop()
    assert stay.is_over(RESTS_S + 1)
    assert stay.farewell.startswith("Stopped")


def test_it_makes_room_for_a_training_that_waits(job: JobFolder) -> None:
    stay = stay_of(job, lambda: True)
    assert stay.is_over()
    assert "waiting" in stay.farewell


def test_a_rest_ends_with_something_to_do_or_with_the_stay(job: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staying, "LOOK_EVERY_S", 0.0)
    answers = iter([False, False, True])
    stay = stay_of(job)
    stay.rest(lambda: next(answers))
    assert (list(answers), stay.farewell) == ([], "")
    looked: list[int] = []
    stay.rest(lambda: looked.append(1))
    assert len(looked) == RESTS_S
    assert "Nothing new was drawn" in stay.farewell


def test_a_rest_begins_by_giving_memory_back(job: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Device] = []
    monkeypatch.setattr(Device, "give_back_memory", lambda device: given.append(device))
    stay_of(job).rest(lambda: True)
    assert given == [CPU]
