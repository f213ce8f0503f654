"""Every method on the sample study: 3 slices in each of 8 volumes, from the same first mask, at equal steps and time.

    python -m Testing.benchmarks.methods.on_hippocampus --data FOLDER [--seeds 3] [--methods bcp medl ...]

One row per (method, seed, budget) is appended to results/methods_on_hippocampus.jsonl; rows that are there are not run
again, so it can be interrupted and continued, and two of them may share the work (--part 0/2, --part 1/2). Time is
processor time of one thread. Dice on the 60 volumes held out, of which nothing is ever shown to training. The model
behind the last step is evaluated; nothing is selected on the held-out volumes. ``--table`` renders the table.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from SemiSegLogic.engine.training.trainer import Budget
from SemiSegLogic.errors import SemiSegError
from SemiSegLogic.methods import METHODS
from SemiSegLogic.methods.base import Method
from Testing.benchmarks.shared.hippocampus import Hippocampus, seeded
from Testing.benchmarks.shared.row_files import RowFile, asked

ANNOTATED, UNLABELLED, SLICES = 8, 52, 3
FIRST_STEPS = 120
BUDGETS = {"200 steps": Budget(0, 200), "40 s": Budget(40)}
SETTINGS: dict[str, dict[str, object]] = {"mn": {"slice_network": "fast"}}


@dataclass(frozen=True)
class Row:
    """One run. ``dice`` of structures 1 and 2, means over the held-out volumes; ``seconds`` of one thread."""

    method: str
    seed: int
    budget: str
    dice: tuple[float, float] | None
    steps: int
    seconds: float
    note: str = ""


FILE = RowFile("methods_on_hippocampus", Row)


def run(study: Hippocampus, first: Method, name: str, seed: int, budget: str) -> Row:
    """One row; a method that cannot take this data says so in the note."""
    seeded(seed)
    try:
        method, trainer = study.train(name, SETTINGS.get(name, {}), BUDGETS[budget], first, time.process_time)
    except SemiSegError as error:
        return Row(name, seed, budget, None, 0, 0.0, str(error))
    return Row(name, seed, budget, study.dice(method), trainer.progress.step, round(trainer.progress.elapsed, 1))


def first_mask(study: Hippocampus, seed: int) -> Method:
    """The supervised model that every method of this seed starts from."""
    seeded(seed)
    return study.train("supervised", {}, Budget(0, FIRST_STEPS))[0]


def table(found: list[Row]) -> str:
    """Markdown: mean and spread over the seeds, the difference to supervised and the mean of each structure, for both
    budgets.
    """
    columns = " | ".join(f"Dice, {b} | against supervised | anterior, posterior" for b in BUDGETS)
    lines = [f"| method | {columns} | time per step |", "|---|" + "---|" * (3 * len(BUDGETS) + 1)]
    for name in METHODS:
        cells = [_cell(found, name, budget) for budget in BUDGETS]
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {_cost(found, name)} |")
    return "\n".join(lines)


def _cell(found: list[Row], name: str, budget: str) -> str:
    mine = [np.mean(row.dice) for row in found if (row.method, row.budget) == (name, budget) and row.dice]
    base = [np.mean(row.dice) for row in found if (row.method, row.budget) == ("supervised", budget) and row.dice]
    if not mine:
        note = next((row.note for row in found if row.method == name and row.note), "not run")
        return f"{note.split('.')[0]} | | "
    change = f"{np.mean(mine) - np.mean(base):+.3f}" if base else ""
    each = np.mean([row.dice for row in found if (row.method, row.budget) == (name, budget) and row.dice], 0)
    return f"{np.mean(mine):.3f} ± {np.std(mine):.3f} ({len(mine)} seeds) | {change} | {each[0]:.3f}, {each[1]:.3f}"


def _cost(found: list[Row], name: str) -> str:
    def pace(wanted: str) -> float:
        times = [row.seconds / row.steps for row in found if row.method == wanted and row.steps]
        return float(np.median(times)) if times else float("nan")

    return f"{pace(name) / pace('supervised'):.1f} x" if pace(name) == pace(name) else ""


def main() -> None:
    """See the module."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--data", type=Path)
    words.add_argument("--seeds", type=int, default=3)
    words.add_argument("--methods", nargs="*", default=list(METHODS))
    words.add_argument("--part", default="0/1", help="which share of the seeds x methods, e.g. 0/2")
    options = asked(words, lambda: table(FILE.read()))
    part, parts = map(int, options.part.split("/"))
    for budget, seed in product(BUDGETS, range(options.seeds)):
        todo = [(name, budget) for n, name in enumerate(options.methods) if n % parts == part]
        done = {(row.method, row.budget) for row in FILE.read() if row.seed == seed}
        todo = [pair for pair in todo if pair not in done]
        if todo:
            study = Hippocampus(options.data, seed, ANNOTATED, SLICES, UNLABELLED)
            first = first_mask(study, seed)
        for name, _ in todo:
            FILE.add(run(study, first, name, seed, budget))


if __name__ == "__main__":
    main()
