"""What is kept is not cleared away for a time in which nobody could ask for it."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from SemiSegLogic.backends import LocalBackend
from SemiSegLogic.backends.local.line import OWNER
from SemiSegLogic.files import FileError, write_json
from SemiSegLogic.job import Status
from SemiSegLogic.server.serving import Keeping, Serving
from Testing.support.jobs import make_job

DAY = 86400.0
CONTENT = b"content"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Days:
    """A server's clock, which is set; what lies on its disk since ``days`` ago."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.began, self.now = time.time(), 0.0
        monkeypatch.setattr(time, "time", lambda: self.began + self.now * DAY)
        self.folder = folder
        (folder / "jobs").mkdir()
        job = make_job(folder / "jobs" / "one")
        write_json(job.root / OWNER, {"user": "ada"})
        job.write_status(Status("done"))
        self.serving().shelf_of("ada").add(DIGEST, 0, len(CONTENT), CONTENT)
        for path in (job.root / OWNER, self.folder / "files" / "ada" / DIGEST):
            os.utime(path, (self.began, self.began))

    def serving(self) -> Serving:
        return Serving(self.folder, LocalBackend(self.folder / "jobs"), Keeping(days=14))

    def look(self, day: float) -> bool:
        """Whether job and file are there after the look of a server on that day; it may have been started anew."""
        self.now = day
        self.serving().clear()
        there = [(self.folder / "jobs" / "one").exists(), (self.folder / "files" / "ada" / DIGEST).exists()]
        assert len(set(there)) == 1
        return all(there)


@pytest.fixture
def days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Days:
    return Days(tmp_path, monkeypatch)


def test_a_server_that_looks_each_day_clears_away_after_its_days(days: Days) -> None:
    assert all(days.look(day * 0.9) for day in range(16))
    assert not days.look(14.4)


def test_a_server_that_was_down_for_weeks_clears_nothing_away_that_could_not_be_asked_for(days: Days) -> None:
    assert days.look(0.5)
    assert days.look(40.0)
    assert days.look(40.9)
    assert all(days.look(40.0 + day * 0.9) for day in range(1, 15))
    assert days.look(53.4)
    assert not days.look(54.0), "half a day before, and as much of fourteen after"


def test_one_that_is_down_each_weekend_clears_away_all_the_same(days: Days) -> None:
    there = [days.look(week * 7 + day * 0.9) for week in range(6) for day in range(5)]
    assert there[10]
    assert not there[-1]


@pytest.mark.parametrize("jump", [400.0, -20000.0])
def test_a_clock_that_jumps_and_is_set_right_takes_nothing_away(days: Days, jump: float) -> None:
    assert days.look(0.1)
    assert days.look(jump)
    assert days.look(jump + 0.1)
    assert days.look(0.3)
    assert all(days.look(0.3 + day * 0.9) for day in range(1, 14))


def test_a_full_disk_is_made_room_on(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: object) -> None:
        raise FileError(f"{path} was not written: the disk is full.")

    serving = days.serving()
    monkeypatch.setattr("SemiSegLogic.server.absence.write_json", full)
    for day in range(17):
        days.now = day * 0.9
        serving.clear()
    assert list((days.folder / "files" / "ada").iterdir()) == []


def test_where_the_last_look_is_not_known_it_is_the_first(days: Days) -> None:
    days.look(0.1)
    for content in ("", "[]", json.dumps({"at": "x"})):
        (days.folder / "looked.json").write_text(content)
        assert days.look(0.2)
