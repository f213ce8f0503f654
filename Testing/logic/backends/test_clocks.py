"""Clocks of other computers are wrong, and one's own may be set back: a run's word is not known by its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from SemiSegLogic.backends import LocalBackend
from SemiSegLogic.backends.ray.backend import RayBackend
from SemiSegLogic.job import Status
from Testing.support.jobs import make_job, wait_until
from Testing.support.running import FOREVER
from Testing.support.stand_ins.fake_ray import FakeRay, cluster_of

HOUR = 3600.0
SetClock = Callable[[float], None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """``clock(s)``: this process's clock is ``s`` seconds ahead of that of the runners, which are processes of their
    own.
    """
    right = time.time
    return lambda ahead: monkeypatch.setattr(time, "time", lambda: right() + ahead)


@pytest.fixture
def cluster(ray: FakeRay, token: Path) -> RayBackend:
    return RayBackend(cluster_of(ray, token))


def wait_for(backend: RayBackend | LocalBackend, job_id: str, right: Callable[[Status], bool]) -> Status:
    return wait_until(lambda: right(s := backend.poll(job_id)) and s, what=job_id)


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_a_job_on_a_cluster_whose_clock_differs_runs_and_is_done(
    cluster: RayBackend, clock: SetClock, ahead: float
) -> None:
    clock(ahead)
    cluster.submit(make_job(cluster.root / "one", steps=100, sleep=0.02))
    wait_for(cluster, "one", lambda status: status.state == "running" and status.step > 3)
    assert wait_for(cluster, "one", lambda status: status.ended).state == "done"


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_a_resumed_job_is_not_taken_for_ended_because_of_its_last_word_before(
    cluster: RayBackend, clock: SetClock, ahead: float
) -> None:
    clock(ahead)
    cluster.submit(make_job(cluster.root / "one", **FOREVER))
    wait_for(cluster, "one", lambda status: status.step > 3)
    assert cluster.stop("one").state == "stopped"
    cluster.submit(make_job(cluster.root / "two", **FOREVER))  # takes the only place
    wait_for(cluster, "two", lambda status: status.state == "running")
    cluster.resume("one")
    assert cluster.poll("one").state == "queued"
    cluster.stop("two")
    wait_for(cluster, "one", lambda status: status.state == "running")
    cluster.stop("one")


def test_a_job_elsewhere_is_not_lost_because_its_clock_differs_while_the_cluster_cannot_be_asked(
    ray: FakeRay, cluster: RayBackend, clock: SetClock
) -> None:
    clock(HOUR)
    cluster.submit(make_job(cluster.root / "one", steps=100, sleep=0.02))
    wait_for(cluster, "one", lambda status: status.step > 3)
    ray.down()
    assert cluster.poll("one").state == "running"
    assert wait_for(cluster, "one", lambda status: status.ended).state == "done"


def test_a_clock_that_was_set_back_does_not_make_a_job_here_a_lost_one(backend: LocalBackend, clock: SetClock) -> None:
    clock(HOUR)
    backend.submit(make_job(backend.root / "one", steps=100, sleep=0.02))
    clock(0.0)
    wait_for(backend, "one", lambda status: status.state == "running" and status.step > 3)
    assert wait_for(backend, "one", lambda status: status.ended).state == "done"


def test_a_clock_that_was_set_ahead_leaves_a_stopping_job_its_time_to_save(
    backend: LocalBackend, clock: SetClock
) -> None:
    """It was ended by force, with what it had not saved."""
    backend.submit(make_job(backend.root / "one", **FOREVER, ignore_stop=True))
    wait_for(backend, "one", lambda status: status.step > 3)
    backend.stop("one", patience_s=60.0, wait=False)
    clock(HOUR)
    step = backend.poll("one").step
    assert wait_for(backend, "one", lambda status: status.ended or status.step > step + 5).state == "running"
    backend.stop("one", patience_s=0.2)


def test_a_clock_that_was_set_back_does_not_end_a_resumed_job(backend: LocalBackend, clock: SetClock) -> None:
    backend.submit(make_job(backend.root / "one", **FOREVER))
    wait_for(backend, "one", lambda status: status.step > 3)
    assert backend.stop("one").state == "stopped"
    clock(-HOUR)
    backend.resume("one")
    assert backend.poll("one").state in ("queued", "running")
    wait_for(backend, "one", lambda status: status.state == "running")
    backend.stop("one")
