"""Seconds from the start of a runner's process to its first training step, and what they go into.

    python -m Testing.benchmarks.waiting.cold_start [--repetitions 3] [--volumes 8]

Small volumes, so that what is measured is Python, torch and our own imports; several times, the first one perhaps from
a cold disk and with a measurement of the processor (see engine/hardware/tuning.py) that later ones remember.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from SemiSegLogic.settings import Training
from Testing.support.runner_costs import Cost, describe, make_job, run_and_measure

READING, TRAINING = "Reading the volumes.", "Training: "


def stages(log: str, begun: float, first_step_s: float) -> dict[str, float]:
    """Seconds of each stage, from the runner's ``log`` and the unix time ``begun`` at which its process started."""
    read, train = (stamp(log, words) - begun for words in (READING, TRAINING))
    return {"imports and device": read, "volumes and plan": train - read, "first step": first_step_s - train}


def stamp(log: str, words: str) -> float:
    """Unix time of the first line of ``log`` that says ``words``. Raises ValueError when none does."""
    for line in log.splitlines():
        moment, said = line[:23], line[24:]
        if said.startswith(words):
            return datetime.strptime(moment, "%Y-%m-%d %H:%M:%S,%f").timestamp()
    raise ValueError(f"The log does not say '{words}'.")


def bare(code: str) -> float:
    """Seconds of a Python that only runs ``code``, the best of three."""
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - begun)
    return min(times)


def measure(volumes: int) -> tuple[Cost, dict[str, float]]:
    """One start."""
    with tempfile.TemporaryDirectory() as folder:
        training = Training(steps=2, first_mask_steps=1, device="cpu")
        job = make_job(Path(folder) / "job", volumes, (36, 52, 40), training)
        begun = time.time()
        cost = run_and_measure(job)
        return cost, stages(job.log.read_text(encoding="utf-8"), begun, cost.first_step_s)


def main() -> None:
    """Print the times."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--repetitions", type=int, default=3)
    words.add_argument("--volumes", type=int, default=8)
    options = words.parse_args()
    print(describe())
    print(f"of which Python itself {bare('pass'):.2f} s, with numpy {bare('import numpy'):.2f} s, with torch "
          f"{bare('import torch'):.2f} s\n")
    print("| start | first step after | imports and device | volumes and plan | first step | all over |")
    print("|---|---|---|---|---|---|")
    for number in range(options.repetitions):
        cost, parts = measure(options.volumes)
        shown = " | ".join(f"{seconds:.2f} s" for seconds in (cost.first_step_s, *parts.values(), cost.seconds))
        print(f"| {number + 1} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
