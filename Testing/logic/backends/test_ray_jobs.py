"""Jobs on a cluster: against a Ray that is none but runs real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.backends.cluster import Cluster, ClusterError
from SemiSegLogic.backends.ray_jobs import RayBackend
from SemiSegLogic.backends.ray_rest import RayRest, Unreachable
from SemiSegLogic.job import JobError, JobFolder, Status
from Testing.support.fake_ray import TOKEN, FakeRay
from Testing.support.jobs import make_job, specification, wait_until

ROOT = Path(__file__).resolve().parents[3]
FOREVER = {"steps": 1_000_000, "sleep": 0.01}


@pytest.fixture
def ray() -> Iterator[FakeRay]:
    ray = FakeRay()
    yield ray
    ray.close()


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    path.chmod(0o600)
    return path


def cluster(ray: FakeRay, token: Path, **changes: Any) -> Cluster:
    jobs = token.parent / "jobs"
    jobs.mkdir(exist_ok=True)
    values = {"ray": ray.address, "token": str(token), "jobs": str(jobs), "package": str(ROOT), "gpus": 0,
              "python": f"{sys.executable} -m Testing.support.fake_placed", **changes}
    return Cluster(**values)  # type: ignore[arg-type]


@pytest.fixture
def backend(ray: FakeRay, token: Path) -> RayBackend:
    return RayBackend(cluster(ray, token))


def start(backend: RayBackend, name: str, **behaviour: object) -> JobFolder:
    job = make_job(backend.root / name, **behaviour)
    assert backend.submit(job) == name
    return job


def wait_for(backend: RayBackend, job_id: str, state: str, seconds: float = 20.0) -> Status:
    return wait_until(lambda: (s := backend.poll(job_id)).state == state and s, seconds, f"{job_id} to be {state}")


def wait_for_step(backend: RayBackend, job_id: str, step: int) -> Status:
    return wait_until(lambda: (s := backend.poll(job_id)).state == "running" and s.step >= step and s, 20)


# --- who may be spoken to -----------------------------------------------------------------------------------------


def test_a_ray_that_takes_jobs_without_a_token_is_refused(ray: FakeRay, backend: RayBackend) -> None:
    ray.open = True
    with pytest.raises(ClusterError, match=r"takes jobs from anybody.*RAY_AUTH_MODE=token"):
        start(backend, "one")
    assert ray.submitted == {}
    assert [said for _, _, said in ray.asked if said] == []  # it never saw the token


def test_a_token_that_ray_does_not_take_is_named_by_its_file(backend: RayBackend, token: Path) -> None:
    token.write_text("another")
    with pytest.raises(ClusterError, match=f"does not take the token in {token} .403.") as caught:
        start(backend, "one")
    assert "another" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_token_that_others_can_read_is_not_used(backend: RayBackend, token: Path) -> None:
    token.chmod(0o640)
    with pytest.raises(ClusterError, match=f"chmod 600 {token}"):
        start(backend, "one")


@pytest.mark.parametrize(("content", "words"), [("", "holds no token"), ("two words", "holds no token"),
                                                (None, "cannot be read")])
def test_a_token_file_without_a_token_is_named(
    backend: RayBackend, token: Path, content: str | None, words: str
) -> None:
    token.unlink() if content is None else token.write_text(content)
    with pytest.raises(ClusterError, match=words):
        start(backend, "one")


@pytest.mark.parametrize("address", ["http://10.0.0.7:8265", "http://cluster.example:8265", "http://127.0.0.1.example"])
def test_plain_http_to_another_computer_is_refused(token: Path, address: str) -> None:
    with pytest.raises(ClusterError, match=r"anybody on the way.*SSH tunnel"):
        RayRest(address, token)


@pytest.mark.parametrize("address", ["", "127.0.0.1:8265", "ftp://a", "https://user:word@host", "https://host/path"])
def test_an_address_that_is_none_is_refused(token: Path, address: str) -> None:
    with pytest.raises(ClusterError, match="no address of a Ray"):
        RayRest(address, token)


@pytest.mark.parametrize("address", ["https://cluster.example:8265", "http://[::1]:8265", "http://localhost:8265/"])
def test_a_tunnel_and_a_certificate_are_good(token: Path, address: str) -> None:
    assert RayRest(address, token).address == address.rstrip("/")


def test_the_token_follows_no_redirect_and_no_proxy(
    ray: FakeRay, token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = FakeRay()
    try:
        ray.redirect = other.address
        monkeypatch.setenv("http_proxy", other.address)
        with pytest.raises(ClusterError, match="307"):
            RayRest(ray.address, token).computers()
        assert other.asked == []
    finally:
        other.close()


def test_only_a_certificate_that_is_trusted_is_spoken_to(token: Path, tmp_path: Path) -> None:
    certificate = _certificate(tmp_path)
    ray = FakeRay(certificate=certificate)
    try:
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            RayRest(ray.address, token).check()
        RayRest(ray.address, token, certificate).check()
    finally:
        ray.close()


def _certificate(folder: Path) -> Path:
    """Key and self-signed certificate of 127.0.0.1 in one file."""
    path = folder / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
               "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key.pem"), "-out", str(path)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("openssl is not here to make a certificate")
    path.write_text((folder / "key.pem").read_text() + path.read_text())
    return path


# --- a cluster's file ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("content", "words"), [
    ("{", "damaged"), ("[]", "describes no cluster"), ('{"ray": "http://127.0.0.1:1"}', "does not say token, jobs"),
    ('{"ray": "a", "token": "b", "jobs": "c", "gpu": 1}', "no setting 'gpu'"),
    ('{"ray": "a", "token": "b", "jobs": "c", "gpus": -1}', "gpus is -1"),
])
def test_a_file_that_describes_no_cluster_is_named_with_the_value(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "cluster.json"
    path.write_text(content)
    with pytest.raises(ClusterError, match=words) as caught:
        Cluster.read(path)
    assert str(path) in caught.value.text


def test_a_job_is_placed_where_the_disk_is_there() -> None:
    there = Cluster(ray="a", token="b", jobs="/here", jobs_there="/disk of all/jobs", python="python3.11", cpus=4)
    words = there.entrypoint("2026-01", second=False)
    assert words == ("ls -d '/disk of all/jobs/2026-01' && mkdir -p '/disk of all/jobs/2026-01' && exec env "
                     "OMP_NUM_THREADS=4 PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1 PYTHONUTF8=1 python3.11 -m "
                     "SemiSegLogic.run '/disk of all/jobs/2026-01' --placed >> '/disk of all/jobs/2026-01/log.txt' "
                     "2>&1")
    assert there.entrypoint("2026-01", second=True).endswith("--second >> '/disk of all/jobs/2026-01/beside/log.txt' "
                                                              "2>&1")


@pytest.mark.parametrize(("gpus", "cpus", "expected"), [(1, 1, 3), (2, 1, 1), (0, 4, 4), (1, 8, 2), (0, 32, 0)])
def test_places_are_counted_computer_by_computer(gpus: int, cpus: int, expected: int) -> None:
    has = [{"CPU": 8.0, "GPU": 2.0, "memory": 1e9}, {"CPU": 8.0, "GPU": 1.0}, {"CPU": 2.0}]
    assert Cluster(gpus=gpus, cpus=cpus).places(has) == expected


# --- jobs ---------------------------------------------------------------------------------------------------------


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


def test_the_name_of_another_job_is_not_taken_for_ours(ray: FakeRay, token: Path) -> None:
    there = RayRest(ray.address, token)
    there.submit("one", "true", 0, 1, {})
    there.submit("one", "true", 0, 1, {})
    with pytest.raises(ClusterError, match="knows another job by the name one"):
        there.submit("one", "false", 0, 1, {})


def test_a_lost_connection_changes_nothing(
    ray: FakeRay, backend: RayBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("SemiSegLogic.backends.ray_line.ASK_AGAIN_S", 0.1)
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
    assert (status.state, status.message) == ("stopped", "Stopped while it waited.")
    assert ray.submitted["two"].status == "STOPPED"
    backend.stop("one")


def test_one_that_will_not_stop_is_ended_by_ray(
    ray: FakeRay, backend: RayBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("SemiSegLogic.backends.ray_line.STOP_PATIENCE_S", 0.3)  # Ray's own, here
    start(backend, "one", **FOREVER, ignore_stop=True)
    wait_for_step(backend, "one", 3)
    monkeypatch.setattr("SemiSegLogic.backends.ray_jobs.FRESH_S", 0.0)
    status = backend.stop("one", patience_s=0.2)
    assert status.state == "stopped"
    assert "before it could save" in status.message
    assert ray.submitted["one"].status == "STOPPED"


def test_a_killed_runner_is_lost_and_goes_on_under_a_new_name(
    ray: FakeRay, backend: RayBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("SemiSegLogic.backends.ray_jobs.FRESH_S", 0.3)
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
    backend = RayBackend(cluster(ray, token, jobs_there=str(nowhere)))
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
    assert "never heard of it" in status.error["text"]
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
