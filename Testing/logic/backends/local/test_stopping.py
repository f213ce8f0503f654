"""Jobs that stop, crash or are killed: nothing half written, no process left, and on they go."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.backends import LocalBackend
from SemiSegLogic.backends.local.launch import Workers
from SemiSegLogic.job import JobFolder
from SemiSegLogic.job.status import STUCK
from Testing.support.jobs import SHAPE, label, leader_of, make_job, session_members, wait_until
from Testing.support.running import FOREVER, RUNNER, kill_runner, start, wait_for, wait_for_step
from Testing.support.volumes import label_of


def assert_every_file_is_whole(job: JobFolder) -> None:
    """Everything that has its final name parses; drafts carry other names."""
    job = JobFolder(job.root)
    spec = job.spec()
    for case in spec.cases:
        job.image(case.image)
    assert np.array_equal(label_of(job.label(str(spec.cases[0].label)), SHAPE), label())
    job.newest_labels()
    job.reported()
    assert [point["step"] for point in job.curves()]
    for case_id in job.results():
        assert job.result(case_id) is not None
    for name in ("process.json", "launch.json", "model.ckpt"):
        json.loads((job.root / name).read_text())


def test_stop_keeps_what_was_reached_and_resume_goes_on(backend: LocalBackend) -> None:
    job = start(backend, "one", **FOREVER)
    wait_for_step(backend, "one", 5)
    stopped = backend.stop("one")
    assert stopped.state == "stopped"
    assert Workers.of(job.root).alive is False
    assert job.result("c001") is not None
    assert_every_file_is_whole(job)
    backend.resume("one")
    again = wait_for_step(backend, "one", stopped.step + 1)
    assert again.scores["resumed_at"] == stopped.step


def test_children_that_a_stopped_runner_forgot_are_ended_too(backend: LocalBackend) -> None:
    job = start(backend, "one", **FOREVER, grandchild=True)
    wait_for_step(backend, "one", 2)
    assert "before it could save" not in backend.stop("one").message
    assert session_members(leader_of(job)) == []


def test_a_runner_that_will_not_stop_is_killed_with_its_children(backend: LocalBackend) -> None:
    job = start(backend, "one", **FOREVER, ignore_stop=True, grandchild=True)
    wait_for_step(backend, "one", 4)
    leader = leader_of(job)
    assert len(session_members(leader)) == 2
    status = backend.stop("one", patience_s=0.3)
    assert status.state == "stopped"
    assert "before it could save" in status.message
    assert session_members(leader) == []
    assert job.result("c001") is not None
    assert_every_file_is_whole(job)


LAUNCHER = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, *sys.argv[1:]]))"


def test_a_runner_behind_a_launcher_is_stopped_as_a_tree(backend: LocalBackend, tmp_path: Path) -> None:
    (tmp_path / "launcher.py").write_text(LAUNCHER)
    launching = LocalBackend(backend.root, [sys.executable, str(tmp_path / "launcher.py")], module=RUNNER)
    job = start(launching, "one", **FOREVER, ignore_stop=True)
    step = wait_for_step(launching, "one", 2).step
    assert json.loads((job.root / "process.json").read_text())["pid"] != leader_of(job)
    os.kill(leader_of(job), signal.SIGKILL)  # as QProcess.kill does to PythonSlicer
    assert wait_for_step(backend, "one", step + 1).state == "running"
    assert backend.stop("one", patience_s=0.2).state == "stopped"
    assert session_members(leader_of(job)) == []


def test_stop_without_waiting_is_seen_to_by_any_clients_poll(backend: LocalBackend) -> None:
    start(backend, "one", **FOREVER, ignore_stop=True)
    wait_for_step(backend, "one", 2)
    assert backend.stop("one", patience_s=1, wait=False).state == "running"
    wait_for(LocalBackend(backend.root, module=RUNNER), "one", "stopped")


def test_a_killed_job_is_lost_with_a_remedy_and_resumes(backend: LocalBackend) -> None:
    job = start(backend, "one", **FOREVER, grandchild=True)
    step = wait_for_step(backend, "one", 5).step
    leader = leader_of(job)
    kill_runner(job)
    lost = wait_for(backend, "one", "lost")
    assert lost.error is not None
    assert "Resume" in lost.error["remedy"]
    assert len(session_members(leader)) == 1  # the child it left behind
    backend.resume("one")
    assert backend.poll("one").state == "queued"
    assert wait_for_step(backend, "one", step + 1).scores["resumed_at"] >= step
    assert session_members(leader) == []


def test_a_job_that_crashes_shows_its_last_words(backend: LocalBackend) -> None:
    start(backend, "one", steps=12, sleep=0.0, crash_at=10)
    lost = wait_for(backend, "one", "lost")
    assert lost.error is not None
    assert "the fake runner crashes as told" in lost.error["text"]
    backend.resume("one")
    wait_for(backend, "one", "done")


def test_a_job_that_dies_before_its_first_word_says_why(backend: LocalBackend) -> None:
    start(backend, "one", silent_exit=True)
    lost = wait_for(backend, "one", "lost")
    assert lost.error is not None
    assert "No module named 'torch'" in lost.error["text"]
    assert "Repair the computing environment" in lost.error["remedy"], "resuming it would end in the same way"


def test_ten_kills_at_random_moments_leave_no_half_written_file(backend: LocalBackend) -> None:
    job = start(backend, "one", steps=1_000_000, sleep=0.0)
    inputs = {path.name: path.read_bytes() for path in job.inputs.iterdir()}
    moments = random.Random(7)
    steps = []
    for _ in range(10):
        began = max(steps, default=0)
        wait_for_step(backend, "one", began + 1)
        time.sleep(moments.uniform(0, 0.1))
        kill_runner(job)
        steps.append(wait_for(backend, "one", "lost").step)
        assert_every_file_is_whole(job)
        backend.resume("one")
    assert steps == sorted(steps)
    assert {path.name: path.read_bytes() for path in job.inputs.iterdir()} == inputs
    wait_for_step(backend, "one", steps[-1] + 1)
    backend.stop("one")
    assert not list(job.root.rglob("*.tmp.*"))  # drafts of the killed were swept away


def test_the_client_that_started_a_job_leaves_no_zombie(backend: LocalBackend) -> None:
    job = start(backend, "one", steps=1)
    wait_for(backend, "one", "done")
    wait_until(lambda: backend.poll("one") and not Path(f"/proc/{leader_of(job)}").exists())


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="signals of POSIX")
def test_a_runner_that_hangs_is_told_and_can_be_stopped_and_resumed(
    backend: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("SemiSegLogic.job.status.LOST_AFTER_S", 0.5)
    job = start(backend, "one", **FOREVER)
    wait_for_step(backend, "one", 5)
    os.kill(leader_of(job), signal.SIGSTOP)
    hangs = wait_until(lambda: (s := backend.poll("one")).message == STUCK and s)
    assert (hangs.state, hangs.seconds_left) == ("running", None)
    assert "stop it, then resume it" in hangs.message
    reached = hangs.step
    assert backend.stop("one", patience_s=0.2).state == "stopped"
    backend.resume("one")
    assert backend.poll("one").message in ("Starting.", ""), "it has only just begun"
    assert wait_for_step(backend, "one", reached + 1).message == ""


def test_a_job_on_a_full_disk_can_be_stopped_and_a_lost_one_says_that_it_is_full(tiny_disk: Path) -> None:
    backend = LocalBackend(tiny_disk / "jobs", module=RUNNER)
    job = make_job(backend.root / "one", **FOREVER)
    backend.submit(job)
    wait_for_step(backend, "one", 3)
    os.kill(leader_of(job), signal.SIGSTOP)  # it would die of the full disk; the real runner goes on
    try:
        with (tiny_disk / "filling").open("wb", buffering=0) as filling, contextlib.suppress(OSError):
            while filling.write(bytes(512)) == 512:
                pass
        assert backend.stop("one", wait=False).state == "running"
        assert job.stop_requested()
        job.withdraw_stop()
    finally:
        os.kill(leader_of(job), signal.SIGKILL)
    lost = wait_for(backend, "one", "lost")
    assert lost.error is not None
    assert f"The disk of {job.root} is full" in lost.error["text"]
