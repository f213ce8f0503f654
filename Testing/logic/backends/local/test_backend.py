"""Jobs in real processes: started once, found again, their results fetched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from SemiSegLogic.backends import LocalBackend
from SemiSegLogic.job import JobError, JobFolder
from Testing.support.jobs import SLICES, drawn, make_job, wait_until
from Testing.support.running import FOREVER, RUNNER, start, wait_for, wait_for_step


def test_a_job_runs_to_its_end_and_gives_its_results(backend: LocalBackend) -> None:
    job = start(backend, "one", steps=5)
    status = wait_for(backend, "one", "done")
    assert (status.step, status.fraction) == (5, 1.0)
    assert status.results == {case: n for case, (n, _) in job.results().items()} == {"c001": 2}
    assert [point["step"] for point in job.curves()] == [1, 2, 3, 4, 5]
    assert job.ranking()[0]["case"] == "c002"


def test_a_job_that_was_submitted_before_is_left_as_it_is(backend: LocalBackend) -> None:
    job = start(backend, "one", **FOREVER)
    pid = wait_for_step(backend, "one", 2).pid
    assert backend.submit(job) == "one"
    assert LocalBackend(backend.root, module=RUNNER).submit(JobFolder(job.root)) == "one"
    assert backend.resume("one") == "one"
    time.sleep(0.3)
    assert backend.poll("one").pid == pid
    backend.stop("one")
    backend.submit(job)
    assert backend.poll("one").state == "stopped"


def test_two_clients_that_start_a_job_at_once_get_one_runner(backend: LocalBackend) -> None:
    job = make_job(backend.root / "one", **FOREVER)
    for client in (backend, LocalBackend(backend.root, module=RUNNER)):
        client._start("one")  # what submit does when neither client sees the other
    wait_for_step(backend, "one", 2)
    wait_until(lambda: "Another process works on" in job.log.read_text())
    assert backend.poll("one").state == "running"


CLIENT = """
import sys, time
from pathlib import Path
from SemiSegLogic.backends import LocalBackend
from Testing.support.jobs import make_job
backend = LocalBackend(Path(sys.argv[1]), module="Testing.support.stand_ins.fake_runner")
backend.submit(make_job(backend.root / "one", steps=1_000_000, sleep=0.01))
time.sleep(60)
"""


def test_a_job_outlives_its_client_and_is_found_again(backend: LocalBackend) -> None:
    client = subprocess.Popen([sys.executable, "-c", CLIENT, str(backend.root)], start_new_session=True)
    seen = wait_until(lambda: (s := backend.poll("one")).state == "running" and s.step > 2 and s)
    os.killpg(client.pid, signal.SIGKILL)
    client.wait()
    found = LocalBackend(backend.root, module=RUNNER)
    later = wait_until(lambda: (s := found.poll("one")).step > seen.step and s)
    assert (later.state, later.pid) == ("running", seen.pid)
    assert list(found.jobs()) == ["one"]
    stopped = found.stop("one")
    assert (stopped.state, stopped.pid) == ("stopped", seen.pid)


def test_a_job_whose_client_died_before_it_started_can_still_be_started(backend: LocalBackend) -> None:
    job = make_job(backend.root / "one", steps=2)
    assert backend.poll("one").state == "queued"
    backend.submit(job)
    wait_for(backend, "one", "done")


def test_a_job_that_nobody_started_can_be_stopped_and_resumed(backend: LocalBackend) -> None:
    make_job(backend.root / "one", steps=2)
    assert backend.stop("one").state == "stopped"
    backend.resume("one")
    wait_for(backend, "one", "done")


def test_a_done_job_is_not_run_again(backend: LocalBackend) -> None:
    start(backend, "one", steps=1)
    wait_for(backend, "one", "done")
    with pytest.raises(JobError, match="is done"):
        backend.resume("one")
    assert backend.stop("one").state == "done"


def test_labels_are_taken_in_while_the_job_runs(backend: LocalBackend) -> None:
    job = start(backend, "one", **FOREVER)
    wait_for_step(backend, "one", 2)
    n = job.add_labels("c001", drawn(SLICES, 3))
    wait_until(lambda: backend.poll("one").labels_used == n)


def test_polling_never_raises_for_a_job_that_is_gone_or_damaged(backend: LocalBackend) -> None:
    assert backend.poll("nothing").state == "lost"
    job = make_job(backend.root / "one")
    (job.root / "status.json").write_text("{")
    status = backend.poll("one")
    assert status.state == "lost"
    assert status.error is not None
    assert "status.json" in status.error["text"]


@pytest.mark.parametrize("job_id", ["..", "a/b", "", "../jobs", "a\0b", ".hidden", "x" * 200])
def test_an_id_that_is_a_path_is_refused(backend: LocalBackend, job_id: str) -> None:
    with pytest.raises(JobError, match="plain name"):
        backend.poll(job_id)


def test_a_job_elsewhere_or_incomplete_is_refused(backend: LocalBackend, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="is not in"):
        backend.submit(make_job(tmp_path / "elsewhere"))
    with pytest.raises(JobError, match=r"job\.json"):
        backend.submit(JobFolder.create(backend.root / "empty"))


def test_a_python_that_is_not_there_leaves_the_job_startable(backend: LocalBackend) -> None:
    job = make_job(backend.root / "one", steps=1)
    with pytest.raises(JobError, match="no-such-python"):
        LocalBackend(backend.root, ["/no-such-python"], module=RUNNER).submit(job)
    backend.submit(job)
    wait_for(backend, "one", "done")


def test_the_clients_own_environment_is_not_changed(backend: LocalBackend) -> None:
    before = dict(os.environ)
    start(backend, "one", steps=1)
    wait_for(backend, "one", "done")
    assert dict(os.environ) == before


def test_fetch_copies_the_newest_of_everything(backend: LocalBackend, tmp_path: Path) -> None:
    job = start(backend, "one", **FOREVER)
    wait_for_step(backend, "one", 2)
    for _ in range(5):
        backend.fetch("one", tmp_path / "copy")
        time.sleep(0.03)
    backend.stop("one")
    backend.fetch("one", tmp_path / "copy")
    fetched = sorted(path.name for path in (tmp_path / "copy" / "out").iterdir())
    assert fetched == [path.name for _, path in job.results().values()]
    assert (tmp_path / "copy" / "status.json").read_bytes() == (job.root / "status.json").read_bytes()
    backend.fetch("one", job.root)
    assert job.result("c001") is not None
