"""Single images: taken as large as they are, or as large as each other where what was drawn says so.

    python -m Testing.benchmarks.decisions.frames --data FOLDER [--only "10 images"] [--seeds 3]

FOLDER holds HC18. The same training of the same images at the two plans, for equal steps, from scratch; which images
are drawn is a draw of each seed. Dice is the mean over the protocol's validation list, with its fifth percentile, and
how many heads were as good as missed (under 0.5). One row per (trial, frame or not, seed) is appended to
results/frames.jsonl; rows that are there are not run again. ``--table`` renders them. Time is processor time of one
thread.
"""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from random import Random
from unittest import mock

import numpy as np

from SemiSegLogic.engine.planning import planner
from Testing.benchmarks.runner.definitions.datasets import Collection
from Testing.benchmarks.runner.definitions.protocol import Cell, Protocol, protocol
from Testing.benchmarks.runner.definitions.recipe import Recipe
from Testing.benchmarks.runner.evaluation.evaluation import Evaluation
from Testing.benchmarks.shared.row_files import RowFile
from Testing.benchmarks.shared.trials import mean_dice, options, selected, trained, unseen

STEPS, MISSED, CELL = 300, 0.5, "drawn"
TRIALS = {f"{images} images": images for images in (3, 5, 10, 20, 68)}


@dataclass(frozen=True)
class Row:
    """One training. ``frame`` mm of the common frame, None: every picture as large as it is. ``spacing`` mm that was
    planned; ``dice`` mean over the images, ``worst`` its fifth percentile, ``missed`` how many of them.
    """

    trial: str
    asked: bool
    frame: float | None
    spacing: float
    seed: int
    dice: float
    worst: float
    missed: int
    seconds: float


FILE = RowFile("frames", Row)


def run(name: str, asked: bool, seed: int, cases: Collection) -> Row:
    """One row, with a common frame where the plan wants one, or never (not ``asked``)."""
    about, recipe = drawn(protocol("hc18"), TRIALS[name], seed), Recipe("frames", "clinical", "", STEPS)
    never = contextlib.nullcontext() if asked else mock.patch.object(planner, "common_frame", return_value=None)
    with never:
        taught, trainer = trained(about, CELL, "supervised", recipe, seed, cases)
    evaluation = Evaluation(taught, [trainer.method], recipe)
    unknown, heads = map(cases.case, unseen(about, taught)), taught.classes.values[1:]
    scores = np.array([mean_dice(evaluation.label(case), case, heads) for case in unknown])
    return Row(name, asked, taught.plan.frame, round(taught.plan.spacing[2], 3), seed, round(float(scores.mean()), 4),
               round(float(np.percentile(scores, 5)), 4), int((scores < MISSED).sum()),
               round(trainer.progress.elapsed, 1))


def drawn(about: Protocol, images: int, seed: int) -> Protocol:
    """``about`` with a cell of that many ``images`` of the training list, drawn by chance."""
    chosen = Random(seed).sample(list(about.data.train), images)
    draws = {str(seed): [{"case": name, "axis": 0} for name in chosen]}
    return dataclasses.replace(about, cells={CELL: Cell(images)}, draws=draws)


def table(found: list[Row]) -> str:
    """Markdown: means over the seeds that both were run with."""
    lines = ["| drawn | Dice, as they are | common frame | gain, by seed | fifth percentile | missed of 107 | s |",
             "|---|---|---|---|---|---|---|"]
    for name in TRIALS:
        rows = {(row.asked, row.seed): row for row in found if row.trial == name}
        seeds = sorted({seed for _, seed in rows if (False, seed) in rows and (True, seed) in rows})
        if seeds:
            plain, asked = ([rows[which, seed] for seed in seeds] for which in (False, True))
            lines.append(f"| {name} | {_compared(plain, asked)} |")
    return "\n".join(lines)


def _compared(plain: list[Row], asked: list[Row]) -> str:
    def means(what: str, digits: int) -> list[str]:
        return [f"{np.mean([getattr(row, what) for row in rows]):.{digits}f}" for rows in (plain, asked)]

    gains = ", ".join(f"{b.dice - a.dice:+.3f}" if b.frame is not None else "not chosen"
                      for a, b in zip(plain, asked, strict=True))
    return " | ".join([*means("dice", 3), gains, *(", ".join(means(*what)) for what in
                      (("worst", 3), ("missed", 1), ("seconds", 0)))])


def main() -> None:
    """See the module."""
    chosen = options(__doc__, TRIALS)
    if chosen.table:
        print(table(FILE.read()))
        return
    for name, seed, cases in selected(chosen, dict.fromkeys(TRIALS, ("hc18", Collection))):
        for asked in (False, True):
            if not any((row.trial, row.asked, row.seed) == (name, asked, seed) for row in FILE.read()):
                FILE.add(run(name, asked, seed, cases))


if __name__ == "__main__":
    main()
