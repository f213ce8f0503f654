"""The loop replayed with expert labels as the annotator: Dice against what a person had to do.

    python -m Testing.benchmarks.simulated_clinician --data FOLDER [--seeds 3] [--arms ...] [--methods ...] [--report]

Every arm is a way of working (simulated_arms.py): slices by a strategy, whole volumes at random as MONAI Label does, or
volumes filled between drawn slices. After each round the model is trained on from the one before and measured on the
held-out cases, of which nothing is ever shown to training or selection. ``all labels`` is the ceiling: every volume of
the pool labelled wholly, supervised, trained longer. Rows are appended to results/simulated_clinician.jsonl when a
run is complete; runs that are there are not run again. One thread; budgets are steps.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from SemiSegLogic.methods.base import Method
from SemiSegLogic.study import all_slices
from Testing.benchmarks.simulated_arms import ARMS
from Testing.benchmarks.simulated_pool import Pool, hippocampus
from Testing.support.annotator import Effort, pace

RESULTS = Path(__file__).parent / "results" / "simulated_clinician.jsonl"
POOL = 60
NAMES = {1: "anterior", 2: "posterior"}
CEILING, CEILING_STEPS = "all labels", 1000


@dataclass(frozen=True)
class Row:
    """Where a run stood after a round: what was done until then (``minutes`` are modelled), and the held-out Dice of
    each structure. ``steps`` of training until then, ``cpu_s`` of one thread for the round.
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
    steps: int
    cpu_s: float


def run(data: Path | None, arm_name: str, method: str, seed: int, first: dict[tuple[str, int], Method]) -> list[Row]:
    """All rounds of one arm. ``first`` keeps the model of round 0, which is the same for every strategy that begins
    with the slices the images suggest.
    """
    pool = Pool(*hippocampus(data, seed, POOL), NAMES)
    seconds = pace((case.truth for case in pool.cases.values()), 1)  # traced in coronal slices, as protocols say
    arm = ARMS[arm_name](pool, arm_name, seed, seconds)
    model: Method | None = None
    effort, rows = Effort(), []
    for number, steps in enumerate(arm.steps):
        begun = time.process_time()
        torch.manual_seed(1000 * seed + number)
        effort += arm.work(number, model)
        if number == 0 and arm.starts_from_images:
            model = first[method, seed] = first.get((method, seed)) or pool.train(method, steps, None)
        else:
            model = pool.train(method, steps, model)
        dice, took = tuple(pool.dice(model)), round(time.process_time() - begun, 1)
        rows.append(Row("hippocampus", arm_name, method, seed, number, effort.slices, effort.voxels,
                        round(effort.seconds / 60, 2), dice, sum(arm.steps[: number + 1]), took))
        print(rows[-1], flush=True)
    return rows


def ceiling(data: Path | None, seed: int) -> list[Row]:
    """Everything labelled, all 200 volumes of the pool."""
    torch.manual_seed(seed)
    pool = Pool(*hippocampus(data, seed, 0), NAMES)
    for case in pool.cases.values():
        pool.put(case.name, all_slices(case.truth.shape, pool.axis), case.truth)
    slices = sum(int(case.truth.any((0, 1)).sum()) for case in pool.cases.values())
    begun = time.process_time()
    model = pool.train("supervised", CEILING_STEPS, None)
    dice, took = tuple(pool.dice(model)), round(time.process_time() - begun, 1)
    return [Row("hippocampus", CEILING, "supervised", seed, 0, slices, 0, 0.0, dice, CEILING_STEPS, took)]


def rows() -> list[Row]:
    """All rows measured so far."""
    if not RESULTS.exists():
        return []
    found = [json.loads(line) for line in RESULTS.read_text().splitlines()]
    return [Row(**{**item, "dice": tuple(item["dice"])}) for item in found]


def jobs(seeds: int, arms: list[str], methods: list[str]) -> Iterator[tuple[str, str, int]]:
    """(arm, method, seed) in the order of their worth, those done left out."""
    done = {(row.arm, row.method, row.seed) for row in rows()}
    for method in methods:
        for seed in range(seeds):
            wanted = arms if method == "supervised" else [arm for arm in arms if arm not in (CEILING, "random")]
            yield from ((arm, method, seed) for arm in wanted if (arm, method, seed) not in done)


def main() -> None:
    """See the module."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--data", type=Path)
    words.add_argument("--seeds", type=int, default=3)
    words.add_argument("--arms", nargs="*", default=[*ARMS, CEILING], choices=[*ARMS, CEILING])
    words.add_argument("--methods", nargs="*", default=["supervised"])
    words.add_argument("--out", type=Path, help="where the rows go (default: beside the other results)")
    words.add_argument("--report", action="store_true", help="write the table and the figure from the rows")
    options = words.parse_args()
    if options.report:
        from Testing.benchmarks.simulated_report import write

        write(rows(), RESULTS.parent)
        return
    torch.set_num_threads(1)
    target, first = options.out or RESULTS, {}
    for arm, method, seed in jobs(options.seeds, options.arms, options.methods):
        found = ceiling(options.data, seed) if arm == CEILING else run(options.data, arm, method, seed, first)
        with target.open("a") as file:
            file.writelines(json.dumps(asdict(row)) + "\n" for row in found)
    print(f"{np.datetime64('now')} done", flush=True)


if __name__ == "__main__":
    main()
