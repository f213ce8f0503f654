"""What a runner process costs: its memory at the highest, and the time until it trains."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from SemiSegLogic.geometry import Grid, SliceIndex, planes_of
from SemiSegLogic.job import JobCase, JobFolder, JobSpec, JobStructure
from SemiSegLogic.settings import Training

from .data.blob_images import blob

ROOT = Path(__file__).resolve().parents[2]
SLICES = 3
# the system counts what a process's parent held when it was begun as its own: a small one begins it
PEAK_OF = """import os, subprocess, sys
_, code, usage = os.wait4(subprocess.Popen(sys.argv[1:], stdout=sys.stderr).pid, 0)
print(usage.ru_maxrss)
"""


@dataclass(frozen=True)
class Cost:
    """``peak_gb`` resident memory at its highest, shared pages of mapped files included; ``first_step_s`` from the
    start of the process to the first point of the curve; ``seconds`` to its end.
    """

    peak_gb: float
    first_step_s: float
    seconds: float


def make_job(
    root: Path, count: int, shape: tuple[int, int, int], training: Training, method: str = "mean_teacher",
    annotated: int = 4,
) -> JobFolder:
    """A job of ``count`` int16 volumes of ``shape`` (k, j, i), with three drawn slices in ``annotated`` of them."""
    job, cases = JobFolder.create(root), []
    structures = (JobStructure(1, "core"), JobStructure(2, "cap"))
    for number in range(count):
        image, label = blob(shape, number)
        places = tuple(SliceIndex(0, shape[0] * (turn + 2) // (SLICES + 3)) for turn in range(SLICES))
        drawn = number < annotated
        digest = job.put_label(planes_of(label, places), shape) if drawn else None
        cases.append(JobCase(f"c{number + 1:03d}", job.put_image(image), Grid(shape), digest, places if drawn else ()))
    job.submit(JobSpec("train", structures, tuple(cases), method, {}, training.to_dict()))
    return job


def run_and_measure(job: JobFolder) -> Cost:
    """Run the job in a process of its own, as the local backend does, and wait for it. POSIX only."""
    begun, begun_at = time.monotonic(), time.time()
    with job.log.open("ab") as log:
        command = [sys.executable, "-c", PEAK_OF, sys.executable, "-m", "SemiSegLogic.run", str(job.root)]
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log)
    first = _wait_for_first_point(job, child)
    peak, _ = child.communicate()
    status = job.status()
    if status.state != "done":
        raise RuntimeError(f"{status.message} See {job.log}.")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(int(peak) * unit / 1e9, first - begun_at, time.monotonic() - begun)


def _wait_for_first_point(job: JobFolder, child: subprocess.Popen[bytes]) -> float:
    """Unix time at which the first training step was over: the file's birth is its first line."""
    path = job.root / "curves.jsonl"
    while not path.exists():
        if child.poll() is not None or job.reported().ended:
            break
        time.sleep(0.01)
    return time.time()


def describe() -> str:
    """The computer, for a report."""
    return f"{os.cpu_count()} processors, numpy {np.__version__}, Python {sys.version.split()[0]}"
