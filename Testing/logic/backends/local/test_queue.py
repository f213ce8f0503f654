"""One job at a time, in order, and whoever dies makes room."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from SemiSegLogic.backends import LocalBackend
from SemiSegLogic.backends.local import queue
from SemiSegLogic.backends.local.line import OWNER
from SemiSegLogic.backends.local.neighbours import Neighbours
from SemiSegLogic.files import FileError, write_json
from SemiSegLogic.job import JobFolder, Status
from Testing.support.jobs import leader_of, make_job, session_members, wait_until
from Testing.support.running import FOREVER, RUNNER, kill_runner, start, wait_for, wait_for_step

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def three(backend: LocalBackend) -> list[JobFolder]:
    """Job "z" runs, "b" and "a" wait, in this order."""
    jobs = [start(backend, "z", **FOREVER)]
    wait_for_step(backend, "z", 1)
    jobs += [start(backend, "b", **FOREVER), start(backend, "a", **FOREVER)]
    wait_until(lambda: positions(backend) == {"z": 0, "b": 1, "a": 2}, 15)
    return jobs


def positions(backend: LocalBackend) -> dict[str, int]:
    return {job_id: status.queue_position for job_id, status in backend.jobs().items()}


def states(backend: LocalBackend) -> list[str]:
    return [status.state for status in backend.jobs().values()]


def test_jobs_wait_in_the_order_of_their_submission_and_see_their_place(
    backend: LocalBackend, three: list[JobFolder]
) -> None:
    assert list(backend.jobs()) == ["z", "b", "a"]
    assert states(backend) == ["running", "queued", "queued"]
    assert backend.poll("a").message == "Waiting: 2 jobs are ahead."
    backend.stop("z")
    wait_for_step(backend, "b", 1)
    wait_until(lambda: positions(backend) == {"z": 0, "b": 0, "a": 1})
    assert states(backend) == ["stopped", "running", "queued"]


def test_a_job_sees_how_many_wait_behind_it(backend: LocalBackend, three: list[JobFolder]) -> None:
    assert [Neighbours(job).behind() for job in three] == [2, 1, 0]
    kill_runner(three[2])
    wait_for(backend, "a", "lost")
    assert Neighbours(three[0]).behind() == 1


def test_people_take_turns_and_see_their_place(backend: LocalBackend) -> None:
    order = {"a1": "ada", "a2": "ada", "a3": "ada", "b1": "bob", "b2": "bob", "c1": "cy"}
    for name, person in order.items():
        job = make_job(backend.root / name, **FOREVER)
        write_json(job.root / OWNER, {"user": person})
        backend.submit(job)
        if name == "a1":
            wait_for_step(backend, "a1", 1)
    line = ["a1", "b1", "c1", "a2", "b2", "a3"]
    wait_until(lambda: positions(backend) == {name: line.index(name) for name in order}, 30)
    assert backend.poll("a2").message == "Waiting: 3 jobs are ahead. People take turns."
    assert Neighbours(backend.folder("a1")).behind() == 5
    backend.stop("a1")
    backend.resume("a1")
    for next_one in line[1:]:
        wait_for_step(backend, next_one, 1)
        assert states(backend).count("running") == 1
        backend.stop(next_one)
    wait_for_step(backend, "a1", 2)


def test_a_killed_job_makes_room_by_itself(backend: LocalBackend, three: list[JobFolder]) -> None:
    kill_runner(three[0])
    wait_for_step(backend, "b", 1)
    assert states(backend) == ["lost", "running", "queued"]


def test_a_killed_waiter_is_passed_over(backend: LocalBackend, three: list[JobFolder]) -> None:
    kill_runner(three[1])
    wait_for(backend, "b", "lost")
    wait_until(lambda: backend.poll("a").queue_position == 1)
    backend.stop("z")
    wait_for_step(backend, "a", 1)


def test_a_waiting_job_can_be_stopped(backend: LocalBackend, three: list[JobFolder]) -> None:
    status = backend.stop("b")
    assert (status.state, status.queue_position, status.message) == ("stopped", 0, "Stopped while it was waiting.")
    assert session_members(leader_of(three[1])) == []
    assert backend.poll("z").state == "running"
    wait_until(lambda: backend.poll("a").queue_position == 1)


def test_a_resumed_job_goes_to_the_end_of_the_line(backend: LocalBackend, three: list[JobFolder]) -> None:
    stopped = backend.stop("z")
    backend.resume("z")
    waiting = wait_until(lambda: (s := backend.poll("z")).queue_position == 2 and s)
    assert (waiting.state, waiting.step, waiting.results) == ("queued", stopped.step, stopped.results)
    assert list(backend.jobs()) == ["b", "a", "z"]


def test_two_runners_are_never_in_at_once(backend: LocalBackend) -> None:
    for name in ("a", "b", "c", "d"):
        start(backend, name, steps=4, sleep=0.03)
    running: list[int] = []
    while "done" not in (status := backend.poll("d")).state:
        running.append(states(backend).count("running"))
        assert status.state != "lost"
        time.sleep(0.01)
    assert max(running) == 1
    assert states(backend) == ["done"] * 4


def test_a_waiter_of_another_computer_does_not_hold_up_ours(backend: LocalBackend) -> None:
    job = start(backend, "far", steps=1)
    wait_for(backend, "far", "done")
    record = job.root / "process.json"
    record.write_text(record.read_text().replace('"host": "', '"host": "not-'))
    job.write_status(Status("queued", queue_position=1))
    start(backend, "near", steps=1)
    wait_for(backend, "near", "done")
    assert LocalBackend(backend.root, module=RUNNER).poll("far").state == "queued"
    job.write_status(Status("done"))  # from here it could not be stopped


def test_a_full_disk_does_not_push_a_job_out_of_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = iter([2, 1, 0])
    monkeypatch.setattr(Neighbours, "ahead", lambda job: next(ahead))

    def full(number: int) -> None:
        raise FileError("status.json was not written: the disk is full.")

    with queue.turn(make_job(tmp_path / "one"), full, 0.01):
        assert list(ahead) == []


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_job_that_nobody_else_may_look_into_hides_no_other() -> None:
    with tempfile.TemporaryDirectory() as place:  # pytest's own folders are closed to other users
        os.chmod(place, 0o755)
        make_job(Path(place) / "theirs").root.chmod(0o000)
        make_job(Path(place) / "ours").root.chmod(0o755)
        program = ("import os, sys; from pathlib import Path\n"
                   "from SemiSegLogic.backends.local.neighbours import job_roots\n"
                   "if os.geteuid() == 0: os.setuid(65534)\n"
                   "print([path.name for path in job_roots(Path(sys.argv[1]))])")
        done = subprocess.run([sys.executable, "-c", program, place], cwd=ROOT, check=False, capture_output=True,
                              text=True)
        (Path(place) / "theirs").chmod(0o700)
        assert done.stdout.strip() == "['ours']", done.stderr


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_a_disk_without_locks_is_named_with_the_remedy(tmp_path: Path) -> None:
    job = make_job(tmp_path / "jobs" / "one")
    program = ("import errno, fcntl, os, runpy, sys\n"
               "def lockf(*_): raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))\n"
               "fcntl.lockf = lockf\n"
               "runpy.run_module('SemiSegLogic.run', run_name='__main__')")
    done = subprocess.run([sys.executable, "-c", program, str(job.root)], cwd=ROOT, check=False, capture_output=True,
                          text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert (done.returncode, last.startswith(f"{job.root} cannot be locked: No locks available.")) == (1, True), last
    assert "SEMISEG_JOBS" in last
