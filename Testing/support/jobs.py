"""Small jobs for the tests, and patience with processes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from SemiSegLogic.geometry import Grid, Planes, SliceIndex, planes_of, sparse_label
from SemiSegLogic.job import JobCase, JobFolder, JobSpec, JobStructure

SHAPE = (4, 6, 5)
SLICES = (SliceIndex(0, 1), SliceIndex(2, 3))
GRID = Grid(SHAPE, (2.0, 0.5, 0.5), (10.0, -20.0, 30.0))
STRUCTURES = (JobStructure(1, "anterior"), JobStructure(7, "posterior"))


def image(seed: int = 0) -> np.ndarray:
    """A noise image (k, j, i) int16."""
    return np.random.default_rng(seed).integers(-100, 1000, SHAPE, np.int16)


def label(slices: tuple[SliceIndex, ...] = SLICES, seed: int = 0) -> np.ndarray:
    """A label uint8 (k, j, i) in {0, 1, 7} on ``slices``, IGNORE elsewhere."""
    full = np.random.default_rng(seed).choice(np.array([0, 1, 7], np.uint8), SHAPE)
    return sparse_label(full, slices)


def drawn(slices: tuple[SliceIndex, ...] = SLICES, seed: int = 0) -> Planes:
    """The judged slices of :func:`label`."""
    return planes_of(label(slices, seed), slices)


def specification(job: JobFolder, **changes: Any) -> JobSpec:
    """An order of two cases, the first one labelled, whose arrays are put into ``job``. ``changes`` replace fields."""
    first = JobCase("c001", job.put_image(image(1)), GRID, job.put_label(drawn(), SHAPE), SLICES)
    second = JobCase("c002", job.put_image(image(2)), GRID)
    values = {"kind": "train", "structures": STRUCTURES, "cases": (first, second), "method": "supervised"}
    return JobSpec(**{**values, **changes})  # type: ignore[arg-type]


def make_job(root: Path, **behaviour: Any) -> JobFolder:
    """A complete job in ``root``; ``behaviour`` is what the fake runner reads (see fake_runner)."""
    job = JobFolder.create(root)
    job.submit(specification(job, method_settings=behaviour))
    return job


def wait_until(condition: Callable[[], Any], seconds: float = 60.0, what: str = "") -> Any:
    """The first true value of ``condition``; AssertionError when it stays false."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {what or condition}"
        time.sleep(0.02)
    return value


def session_members(leader: int) -> list[int]:
    """The living processes (no zombies) whose session is ``leader``; Linux only."""
    members = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] not in "ZX":
            members.append(int(name))
    return members


def leader_of(job: JobFolder) -> int:
    """The process that was started for ``job``: the leader of its session."""
    return int(json.loads((job.root / "launch.json").read_text())["pid"])
