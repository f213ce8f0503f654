"""Twice as many volumes: the same step? And does a step ask the system for memory?

    python -m Testing.benchmarks.speed.steady [--volumes 40] [--steps 40]

Mean teacher with the first-mask network on phantoms of 200x140x88 voxels; page faults are those of the whole process.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from dataclasses import dataclass

from SemiSegLogic.engine.hardware.device import choose
from SemiSegLogic.engine.hardware.memory import keep_freed_memory
from Testing.benchmarks.speed.step import cases_of, our_trainer, steps_of

SHAPE, PATCH = (88, 140, 200), (40, 56, 48)
WARM = 8  # steps until the process has all the memory that it needs


@dataclass(frozen=True)
class Pace:
    """``milliseconds`` of processor time per step, the median; ``pages`` got from the system per step, the median."""

    milliseconds: float
    pages: float


def pace(volumes: int, steps: int, shape: tuple[int, int, int] = SHAPE, patch: tuple[int, int, int] = PATCH) -> Pace:
    """Train on ``volumes`` phantoms of ``shape``; two different ones, again and again."""
    cases = (cases_of(None, 2, shape) * volumes)[:volumes]
    trainer = our_trainer(cases, patch, choose("cpu"), "fast")
    steps_of(trainer, WARM)
    times, pages = [], []
    for _ in range(steps):
        begun, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        steps_of(trainer, 1)
        times.append(1000 * (time.process_time() - begun))
        pages.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    return Pace(statistics.median(times), statistics.median(pages))


def main() -> None:
    """Print both."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--volumes", type=int, default=40)
    words.add_argument("--steps", type=int, default=40)
    options = words.parse_args()
    keep_freed_memory()
    print("| volumes | processor ms per step | pages from the system per step |\n|---|---|---|")
    for count in (options.volumes, 2 * options.volumes):
        found = pace(count, options.steps)
        print(f"| {count} | {found.milliseconds:.1f} | {found.pages:.0f} |", flush=True)


if __name__ == "__main__":
    main()
