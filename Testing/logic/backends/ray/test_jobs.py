"""Jobs on a cluster: against a Ray that is none but runs real processes."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.backends.claims import Pulse
from SemiSegLogic.backends.description import Unreachable
from SemiSegLogic.backends.ray.backend import RayBackend
from SemiSegLogic.backends.ray.rest import RayRest
from SemiSegLogic.job import FileLock, JobError, JobFolder, Status
from Testing.support.jobs import make_job, specification, wait_until
from Testing.support.stand_ins.fake_ray import TOKEN, FakeRay, cluster_of

FOREVER = {"steps": 1_000_000, "sleep": 0.01}


@pytest.fixture
def backend(ray: FakeRay, token: Path) -> RayBackend:
    return RayBackend(cluster_of(ray, token))


def start(backend: RayBackend, name: str, **behaviour: object) -> JobFolder:
    job = make_job(backend.root / name, **behaviour)
    assert backend.submit(job) == name
    return job


def wait_for(backend: RayBackend, job_id: str, state: str, seconds: float = 60.0) -> Status:
    return wait_until(lambda: (s := backend.poll(job_id)).state == state and s, seconds, f"{job_id} to be {state}")


def wait_for_step(backend: RayBackend, job_id: str, step: int) -> Status:
    return wait_until(lambda: (s := backend.poll(job_id)).state == "running" and s.step >= step and s)


def test_jobs_wait_for_a_free_place_and_then_run(backend: RayBackend, tmp_path: Path) -> None:
    start(backend, "one", steps=30)
    start(backend, "two", steps=3)
    wait_for(backend, "one", "running")
    assert "free place" in backend.poll("two").message
    assert wait_for(backend, "two", "done").step == 3
    assert [status.state for status in backend.jobs().values()] == ["done", "done"]
    backend.fetch("two", tmp_path / "got")
    assert (tmp_path / "got" / "out" / "c001.1.npz").exists()


def test_a_job_is_submitted_once_however_often_it_is_said(ray: FakeRay, backend: RayBackend) -> None:
    job = start(backend, "one", steps=3)
    backend.submit(job)
    RayBackend(backend.cluster).submit(job)
    assert list(ray.submitted) == ["one"]
    wait_for(backend, "one", "done")
    backend.submit(job)
    assert list(ray.submitted) == ["one"]


def test_a_submission_that_was_lost_on_the_way_is_made_again(
    ray: FakeRay, backend: RayBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, put = make_job(backend.root / "one", steps=3), RayRest.submit
    with monkeypatch.context() as patch:
        patch.setattr(RayRest, "submit", lambda rest, *given: (put(rest, *given), _lose())[1])
        with pytest.raises(Unreachable):
            backend.submit(job)
    backend.submit(job)  # it had arrived
    assert list(ray.submitted) == ["one"]
    wait_for(backend, "one", "done")


def _lose() -> None:
    raise Unreachable("torn off", "Try again.")


def test_a_lost_connection_changes_nothing(
    ray: FakeRay, backend: RayBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("SemiSegLogic.backends.ray.line.ASK_AGAIN_S", 0.1)
    start(backend, "one", steps=150, sleep=0.01)
    wait_for_step(backend, "one", 3)
    start(backend, "two", steps=3)
    ray.down()
    assert backend.poll("one").state == "running"
    waiting = backend.poll("two")
    assert (waiting.state, waiting.error) == ("queued", None)
    assert "cannot be reached" in waiting.message
    with pytest.raises(Unreachable, match="goes on"):
        start(backend, "three")
    assert wait_for(backend, "one", "done").step == 150
    assert wait_for(backend, "two", "done").step == 3
    ray.up()
    backend.submit(backend.folder("three"))
    wait_for(backend, "three", "done")


def test_a_job_that_runs_is_stopped_with_its_result(ray: FakeRay, backend: RayBackend) -> None:
    job = start(backend, "one", **FOREVER)
    wait_for_step(backend, "one", 5)
    status = backend.stop("one")
    assert status.state == "stopped"
    assert "before it could save" not in status.message
    assert job.result("c001") is not None
    wait_until(lambda: ray.submitted["one"].status == "SUCCEEDED")


def test_a_job_that_waits_is_taken_out_of_the_line(ray: FakeRay, backend: RayBackend) -> None:
    start(backend, "one", **FOREVER)
    start(backend, "two")
    status = backend.stop("two")
    assert (status.state, status.message) == ("stopped", "Stopped while it was waiting.")
    assert ray.submitted["two"].status == "STOPPED"
    backend.stop("one")


def test_one_that_will_not_stop_is_ended_by_ray(
    ray: FakeRay, backend: RayBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("SemiSegLogic.backends.ray.line.STOP_PATIENCE_S", 0.3)  # Ray's own, here
    start(backend, "one", **FOREVER, ignore_stop=True)
    wait_for_step(backend, "one", 3)
    monkeypatch.setattr("SemiSegLogic.backends.ray.backend.FRESH_S", 0.0)
    status = backend.stop("one", patience_s=0.2)
    assert status.state == "stopped"
    assert "before it could save" in status.message
    assert ray.submitted["one"].status == "STOPPED"


def test_a_killed_runner_is_lost_and_goes_on_under_a_new_name(
    ray: FakeRay, backend: RayBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("SemiSegLogic.backends.ray.backend.FRESH_S", 0.3)
    job = start(backend, "one", **FOREVER)
    wait_for_step(backend, "one", 5)
    os.kill(json.loads((job.root / "process.json").read_text())["pid"], signal.SIGKILL)
    status = wait_for(backend, "one", "lost")
    assert status.error is not None
    assert "Ray says FAILED" in status.error["text"]
    reached = status.step
    backend.resume("one")
    assert list(ray.submitted) == ["one", "one.2"]
    assert wait_for_step(backend, "one", reached + 1).scores["resumed_at"] >= reached - 1
    backend.stop("one")


def test_one_that_waited_longer_than_ray_allows_is_told_with_the_remedy(ray: FakeRay, backend: RayBackend) -> None:
    start(backend, "one", **FOREVER)
    start(backend, "two")
    ray.fail_to_start("two")
    status = backend.poll("two")
    assert status.state == "lost"
    assert status.error is not None
    assert "900.0 seconds" in status.error["text"]
    assert "RAY_JOB_START_TIMEOUT_SECONDS=604800" in status.error["remedy"]
    backend.stop("one")


def test_a_folder_that_the_cluster_does_not_see_is_not_made_there(ray: FakeRay, token: Path) -> None:
    nowhere = token.parent / "nowhere"
    backend = RayBackend(cluster_of(ray, token, jobs_there=str(nowhere)))
    start(backend, "one")
    status = wait_for(backend, "one", "lost")
    assert status.error is not None
    assert "Ray says FAILED" in status.error["text"]
    assert not nowhere.exists()


def test_polling_never_raises_for_what_is_gone(ray: FakeRay, backend: RayBackend) -> None:
    assert backend.poll("never").state == "lost"
    start(backend, "one", **FOREVER)
    start(backend, "two")
    del ray.submitted["two"]  # Ray was started anew
    status = backend.poll("two")
    assert status.state == "lost"
    assert status.error is not None
    assert "never received it" in status.error["text"]
    with pytest.raises(JobError, match="plain name"):
        backend.poll("../one")
    backend.stop("one")


def test_a_shared_disk_that_does_not_answer_changes_nothing(
    backend: RayBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(backend, "one", **FOREVER)
    step = wait_for_step(backend, "one", 3).step

    def stale(_: object) -> bool:
        raise OSError(116, "Stale file handle")

    with monkeypatch.context() as patch:
        patch.setattr(JobFolder, "submitted", property(stale))
        status = backend.poll("one")
    assert (status.state, status.step >= step) == ("running", True)
    assert "Stale file handle" in status.message
    backend.stop("one")


def test_the_token_is_in_no_order_file_or_log(
    ray: FakeRay, backend: RayBackend, caplog: pytest.LogCaptureFixture
) -> None:
    start(backend, "one", steps=3)
    wait_for(backend, "one", "done")
    assert TOKEN not in json.dumps([one.order for one in ray.submitted.values()]) + caplog.text
    for path in backend.root.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()


@pytest.mark.parametrize(("places", "changes", "expected"), [
    (2, {}, ["one", "one-second"]), (1, {}, ["one"]), (2, {"method": "supervised"}, ["one"]),
    (2, {"method_settings": {"candidate": "none"}}, ["one"]),
])
def test_an_order_that_may_hold_a_contest_is_placed_twice_where_there_is_room(
    ray: FakeRay, backend: RayBackend, places: int, changes: dict[str, Any], expected: list[str]
) -> None:
    ray.places = places
    job = JobFolder.create(backend.root / "one")
    wanted = {"method": "recommended", "method_settings": {"candidate": "bcp"}, **changes}
    job.submit(specification(job, **wanted))
    backend.submit(job)
    assert list(ray.submitted) == expected
    assert [one.order["entrypoint_num_cpus"] for one in ray.submitted.values()] == [1] * len(expected)
    assert ("--second" in ray.submitted[expected[-1]].order["entrypoint"]) is (len(expected) == 2)
    backend.stop("one", patience_s=0)
    time.sleep(0.05)


def test_a_job_that_waits_can_be_stopped_while_the_cluster_cannot_be_asked(
    ray: FakeRay, backend: RayBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("SemiSegLogic.backends.ray.line.ASK_AGAIN_S", 0.1)
    start(backend, "one", **FOREVER)
    job = start(backend, "two", **FOREVER)
    ray.down()
    status = backend.stop("two", wait=False)
    assert (status.state, status.message) == ("stopped", "Stopped while it was waiting.")
    with pytest.raises(Unreachable):
        backend.resume("two")
    assert job.stop_requested(), "nothing was resumed, so it is still to stop"
    ray.up()
    backend.stop("one")
    wait_until(lambda: ray.submitted["two"].status in ("STOPPED", "SUCCEEDED"))
    assert job.reported().message == "Stopped while it was waiting."
    assert job.results() == {}, "a mask of a model that has learned nothing helps nobody"


def test_a_job_whose_runner_went_home_without_a_word_does_not_wait_for_ever(backend: RayBackend) -> None:
    backend._pulse = Pulse(silent_s=0.5)
    job = make_job(backend.root / "one", **FOREVER)
    with FileLock(job.root / "process.lock") as elsewhere:
        assert elsewhere.try_acquire()  # a process that hangs: the new one leaves the job to it
        backend.submit(job)
        assert wait_for(backend, "one", "lost").error is not None
