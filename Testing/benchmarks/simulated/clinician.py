"""The loop replayed with expert labels as the annotator: Dice against what a person had to do.

    python -m Testing.benchmarks.simulated.clinician --data FOLDER [--set hippocampus] [--seeds 3] [--arms ...]
        [--methods supervised mean_teacher ...] [--report]

Every arm is a way of working (arms.py): slices by a strategy, whole volumes at random as MONAI Label does, or
volumes filled between drawn slices. After each round a model is trained from nothing on all that is drawn by then, and
measured on the held-out cases, of which nothing is ever shown to training or selection. ``all labels`` is the
ceiling: every volume of the pool labelled wholly, supervised, trained longer. Rows are appended to
results/simulated_clinician.jsonl when a run is complete; runs that are there are not run again. One thread; budgets are
steps.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from SemiSegLogic.study import all_slices
from Testing.benchmarks.runner.queue.rows import Rows
from Testing.benchmarks.shared.row_files import FOLDER
from Testing.benchmarks.simulated.arms import ARMS
from Testing.benchmarks.simulated.pool import Pool, Trained
from Testing.benchmarks.simulated.sets import SETS
from Testing.support.annotator import PACE_S, Effort

ROWS = Rows(FOLDER / "simulated_clinician.jsonl")
STEPS = 350  # of every round of every arm; twice as many gave nothing more (16 slices, 2 seeds)
CEILING, CEILING_STEPS = "all labels", 1000
NEEDS_VOLUMES = ("whole volumes", "filled between", "filled between eighths")


@dataclass(frozen=True)
class Row:
    """Where a run stood after a round: what was done until then (``minutes`` are modelled), and the held-out Dice of
    each structure, from one view (``dice``) and averaged over ``several`` views. ``steps`` of training and ``cpu_s`` of
    one thread for the round; ``views`` whether this way of working predicts from several.
    """

    set: str
    arm: str
    method: str
    seed: int
    round: int
    slices: int
    voxels: int
    minutes: float
    dice: tuple[float, ...]
    several: tuple[float, ...]
    views: bool
    steps: int
    cpu_s: float


class Replay:
    """Runs of one data set in ``folder``."""

    def __init__(self, folder: Path | None, data_set: str):
        self.folder, self.name, self.data = folder, data_set, SETS[data_set]
        self._first: dict[tuple[str, int], Trained] = {}

    def run(self, arm_name: str, method: str, seed: int) -> list[Row]:
        """All rounds of one arm. The model of round 0 is the same for every strategy that begins with the slices the
        images suggest: it is trained once.
        """
        pool = self._pool(seed, self.data.pool)
        arm = ARMS[arm_name](pool, arm_name, seed, PACE_S * pool.pixel_mm)
        model: Trained | None = None
        effort, rows = Effort(), []
        for number in range(len(arm.sizes)):
            begun = time.process_time()
            torch.manual_seed(1000 * seed + number)
            effort += arm.work(number, model)
            if number == 0 and arm.starts_from_images:
                model = self._first[method, seed] = self._first.get((method, seed)) or pool.train(method, STEPS)
            else:
                model = pool.train(method, STEPS)
            took = round(time.process_time() - begun, 1)
            rows.append(Row(
                self.name, arm_name, method, seed, number, effort.slices, effort.voxels, round(effort.seconds / 60, 2),
                tuple(pool.dice(model)), tuple(pool.dice(model, True)), arm.views, STEPS, took,
            ))
            print(rows[-1], flush=True)
        return rows

    def ceiling(self, seed: int) -> list[Row]:
        """Everything labelled: all cases of the pool, whole."""
        torch.manual_seed(seed)
        pool, slices = self._pool(seed, 0), 0
        for case in pool.cases.values():
            places = all_slices(case.truth.shape, pool.axis)
            pool.put(case.name, places, case.truth)
            slices += sum(bool(np.take(case.truth, place.index, place.axis).any()) for place in places)
        begun = time.process_time()
        model = pool.train("supervised", CEILING_STEPS)
        took = round(time.process_time() - begun, 1)
        return [Row(self.name, CEILING, "supervised", seed, 0, slices, 0, 0.0, tuple(pool.dice(model)),
                    tuple(pool.dice(model, True)), False, CEILING_STEPS, took)]

    def _pool(self, seed: int, size: int) -> Pool:
        return Pool(*self.data.load(self.folder, seed, size), self.data.structures)


def rows_of(data_set: str) -> list[Row]:
    """All rows measured so far on a data set."""
    return [Row(**{**item, "dice": tuple(item["dice"]), "several": tuple(item["several"])})
            for item in ROWS.read() if item["set"] == data_set]


def jobs(data_set: str, seeds: int, arms: Sequence[str], methods: Sequence[str]) -> Iterator[tuple[str, str, int]]:
    """(arm, method, seed), seed by seed, those done left out: each arm with its own method, or with all of ``methods``.
    The ceiling is supervised and measured on seed 0; single images are not filled between.
    """
    done = {(row.arm, row.method, row.seed) for row in rows_of(data_set)}
    for seed in range(seeds):
        for arm in arms:
            fits = SETS[data_set].whole or arm not in NEEDS_VOLUMES
            own = [ARMS[arm].method] if arm != CEILING else ["supervised"] * (seed == 0)
            for method in (methods or own) if arm != CEILING else own:
                if fits and (arm, method, seed) not in done:
                    yield arm, method, seed


def main() -> None:
    """See the module."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--data", type=Path)
    words.add_argument("--set", choices=list(SETS), default="hippocampus")
    words.add_argument("--seeds", type=int, default=3)
    words.add_argument("--arms", nargs="*", default=[*ARMS, CEILING], choices=[*ARMS, CEILING])
    words.add_argument("--methods", nargs="*", default=[], help="instead of each arm's own")
    words.add_argument("--report", action="store_true", help="write the table and the figure from the rows")
    options = words.parse_args()
    if options.report:
        from Testing.benchmarks.simulated.report import write

        write(rows_of(options.set), FOLDER)
        return
    torch.set_num_threads(1)
    replay = Replay(options.data, options.set)
    for arm, method, seed in jobs(options.set, options.seeds, options.arms, options.methods):
        found = replay.ceiling(seed) if arm == CEILING else replay.run(arm, method, seed)
        ROWS.append(*map(asdict, found))  # together: a run of which a row is there counts as done


if __name__ == "__main__":
    main()
