"""A computer on which thousands of jobs were done: those that are over cost whoever works or waits next to nothing."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

import pytest

from SemiSegLogic.backends.local import neighbours
from SemiSegLogic.backends.local.launch import CLAIM, LAUNCH, Launch, Workers
from SemiSegLogic.backends.local.neighbours import Neighbours
from SemiSegLogic.backends.processes import Process
from SemiSegLogic.job import JobFolder
from Testing.support.jobs import make_job

GONE, HERE = Process(2**22 + 1, "long ago", platform.node()), Process.of(os.getpid())
OVER = 20


def job_of(root: Path, name: str, process: Process, order: float) -> JobFolder:
    """A job that ``process`` was started on, and took."""
    job = make_job(root / name)
    for record in (LAUNCH, CLAIM):
        Launch(order, process).write(job.root / record)
    return job


@pytest.fixture
def mine(tmp_path: Path) -> JobFolder:
    """The job of this process, beside many that are over."""
    for number in range(OVER):
        job_of(tmp_path, f"old-{number}", GONE, number)
    return job_of(tmp_path, "mine", HERE, time.time())


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs whose records were read, in order."""
    names: list[str] = []

    class Told(Workers):
        @classmethod
        def of(cls, job: Path) -> Workers:
            names.append(job.name)
            return Workers.of(job)

    monkeypatch.setattr(neighbours, "Workers", Told)
    return names


def test_those_that_are_over_are_read_once(mine: JobFolder, read: list[str]) -> None:
    beside = Neighbours(mine)
    assert (beside.ahead(), beside.behind()) == (0, 0)
    assert sum(name != "mine" for name in read) == OVER
    read.clear()
    for _ in range(10):
        assert (beside.ahead(), beside.behind()) == (0, 0)
    assert set(read) == {"mine"}


def test_one_that_is_started_again_is_seen(mine: JobFolder, read: list[str]) -> None:
    beside = Neighbours(mine)
    assert beside.behind() == 0
    Launch(time.time(), HERE).write(mine.root.parent / "old-7" / LAUNCH)
    assert beside.behind() == 1
    assert [one.name for one in beside.line()] == ["mine", "old-7"]


def test_one_whose_record_cannot_be_read_just_now_is_not_over(mine: JobFolder) -> None:
    record = mine.root.parent / "old-7" / LAUNCH
    Launch(time.time(), HERE).write(record)
    whole = record.read_bytes()
    record.write_bytes(b"x" * len(whole))
    told = record.stat()
    beside = Neighbours(mine)
    assert beside.behind() == 0
    record.write_bytes(whole)
    os.utime(record, ns=(told.st_atime_ns, told.st_mtime_ns))  # some disks tell it to two seconds only
    assert beside.behind() == 1
