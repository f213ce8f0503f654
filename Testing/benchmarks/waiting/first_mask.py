"""Seconds of training against Dice: how soon is the first mask worth looking at?

    python -m Testing.benchmarks.waiting.first_mask --data FOLDER [--seeds 2] [--seconds 5 8 10] [--whole]

For 3 slices in each of 8 volumes and for 4 whole volumes, the supervised baseline is trained anew for every budget (its
learning-rate curve is fitted to the budget) by the wall clock, and measured on the 60 held-out volumes. Run it on a
quiet computer.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from SemiSegLogic.engine.hardware.memory import keep_freed_memory
from SemiSegLogic.engine.training.trainer import Budget
from Testing.benchmarks.shared.hippocampus import Hippocampus, seeded

SECONDS = (3, 5, 8, 12, 20, 30)
LABELS = {"3 slices in each of 8 volumes": (8, 3), "4 whole volumes": (4, 0)}


def measure(data: Path | None, annotated: int, slices: int, seconds: float, seed: int) -> tuple[float, int]:
    """Mean Dice of both structures and the number of steps."""
    study = Hippocampus(data, seed, annotated, slices, 0)
    seeded(seed)
    method, trainer = study.train("supervised", {}, Budget(seconds))
    return float(np.mean(study.dice(method))), trainer.progress.step


def main() -> None:
    """Print the table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--data", type=Path)
    words.add_argument("--seeds", type=int, default=2)
    words.add_argument("--seconds", type=float, nargs="+", default=SECONDS)
    words.add_argument("--whole", action="store_true", help="the whole volumes only")
    options = words.parse_args()
    keep_freed_memory()  # as a runner does
    print("| labels | " + " | ".join(f"{seconds:g} s" for seconds in options.seconds) + " |")
    print("|---|" + "---|" * len(options.seconds))
    for name, (annotated, slices) in LABELS.items():
        if options.whole and slices:
            continue
        cells = []
        for seconds in options.seconds:
            found = [measure(options.data, annotated, slices, seconds, seed) for seed in range(options.seeds)]
            cells.append(" / ".join(f"{dice:.3f}" for dice, _ in found) + f" ({found[0][1]} steps)")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
