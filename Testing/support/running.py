"""Fake jobs in real processes: start them, wait for them, kill them."""

from __future__ import annotations

import json
import os
import signal

from SemiSegLogic.backends import LocalBackend
from SemiSegLogic.job import JobFolder, Status

from .jobs import make_job, wait_until

RUNNER = "Testing.support.stand_ins.fake_runner"
FOREVER = {"steps": 1_000_000, "sleep": 0.01}


def start(backend: LocalBackend, name: str, **behaviour: object) -> JobFolder:
    job = make_job(backend.root / name, **behaviour)
    assert backend.submit(job) == name
    return job


def wait_for(backend: LocalBackend, job_id: str, state: str, seconds: float = 60.0) -> Status:
    return wait_until(lambda: (s := backend.poll(job_id)).state == state and s, seconds,
                      f"{job_id} to be {state}: {backend.poll(job_id)}")


def wait_for_step(backend: LocalBackend, job_id: str, step: int) -> Status:
    return wait_until(lambda: (s := backend.poll(job_id)).state == "running" and s.step >= step and s, 60,
                      f"{job_id} to reach step {step}: {backend.poll(job_id)}")


def kill_runner(job: JobFolder) -> None:
    os.kill(json.loads((job.root / "process.json").read_text())["pid"], signal.SIGKILL)
