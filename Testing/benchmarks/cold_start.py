"""Seconds from the start of a runner's process to its first training step: ``python -m Testing.benchmarks.cold_start``.

Small volumes, so that what is measured is Python, torch and our own imports; three times, the first one perhaps from a
cold disk.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from SemiSegLogic.settings import Training
from Testing.support.runner_costs import describe, make_job, run_and_measure


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--volumes", type=int, default=8)
    options = parser.parse_args()
    print(describe())
    for number in range(options.repetitions):
        with tempfile.TemporaryDirectory() as folder:
            training = Training(steps=2, first_mask_steps=1, device="cpu")
            job = make_job(Path(folder) / "job", options.volumes, (36, 52, 40), training)
            cost = run_and_measure(job)
        print(f"{number + 1}: first step after {cost.first_step_s:.2f} s, all over after {cost.seconds:.2f} s")


if __name__ == "__main__":
    main()
