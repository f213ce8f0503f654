"""One to three slices of a scan: learned from as they are, or carried to their neighbours at first?

    python -m Testing.benchmarks.few_slices.carrying --data FOLDER [--only atrium] [--seeds 3]

FOLDER holds the data set of each trial, as ``semiseg benchmark`` wants it. Equal steps from scratch, as the product
plans; the largest piece of an atrium is kept. Dice is the mean over structures and cases, of training volumes whose
labels nobody showed; no test case is looked at. One row per (trial, share carried, seed) is appended to
results/carrying.jsonl; rows that are there are not run again. ``--table`` renders them. Time is processor time of one
thread; ``carrying`` is how long the outlines took to be carried.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from SemiSegLogic.engine.data.carrying import Carrying
from Testing.benchmarks.runner.definitions.datasets import Collection
from Testing.benchmarks.runner.definitions.protocol import protocol
from Testing.benchmarks.runner.definitions.recipe import Recipe
from Testing.benchmarks.runner.evaluation.evaluation import Evaluation
from Testing.benchmarks.shared.row_files import RowFile
from Testing.benchmarks.shared.trials import Comparison, mean_dice, trained, unseen

STEPS, SHARES = 400, (0.0, 0.5)
ORGANS = {"atrium": ("few_slices_la", "mean_teacher", 12), "hippocampus": ("few_slices_hippocampus", "supervised", 40)}
"""Name -> protocol, method, and how many cases are looked at."""
CELLS = {"1x1": "1 slice of 1 scan", "1x2": "1 slice of 2 scans", "1x8": "1 slice of 8 scans",
         "1x16": "1 slice of 16 scans", "3x2": "3 slices of 2 scans", "3x8": "3 slices of 8 scans"}
TRIALS = {f"{organ}, {words}": (organ, cell) for cell, words in CELLS.items() for organ in ORGANS}


@dataclass(frozen=True)
class Row:
    """One training: mean ``dice`` over structures and cases, its fifth percentile ``worst``; ``seconds`` of training
    and of ``carrying``.
    """

    trial: str
    carried: float
    seed: int
    dice: float
    worst: float
    seconds: float
    carrying: float


FILE = RowFile("carrying", Row)


def run(name: str, carried: float, seed: int, cases: Collection) -> Row:
    """One row."""
    organ, cell = TRIALS[name]
    about, (_, method, count) = protocol(ORGANS[organ][0]), ORGANS[organ]
    recipe = Recipe("carrying", "clinical", "", STEPS, largest=organ == "atrium", carried=carried)
    taught, trainer = trained(about, cell, method, recipe, seed, cases)
    evaluation, values = Evaluation(taught, [trainer.method], recipe), taught.classes.values[1:]
    looked_at = map(cases.case, unseen(about, taught)[:count])
    scores = [mean_dice(evaluation.label(case), case, values) for case in looked_at]
    begun = time.process_time()
    if carried:
        Carrying(taught.volumes, 1).at(0)  # once more, alone
    took = round(time.process_time() - begun, 2)
    mean, worst = float(np.mean(scores)), float(np.percentile(scores, 5))
    return Row(name, carried, seed, round(mean, 4), round(worst, 4), round(trainer.progress.elapsed, 1), took)


def table(found: list[Row]) -> str:
    """Markdown: means over the seeds, and the paired difference."""
    lines = ["| trial | as drawn | carried at first | difference, seed by seed | fifth percentile | s | carrying, s |",
             "|---|---|---|---|---|---|---|"]
    for name in TRIALS:
        rows = {(row.carried, row.seed): row for row in found if row.trial == name}
        seeds = sorted(seed for carried, seed in rows if carried and (0.0, seed) in rows)
        pairs = [(rows[0.0, seed], rows[0.5, seed]) for seed in seeds]
        if pairs:
            gaps = ", ".join(f"{two.dice - one.dice:+.3f}" for one, two in pairs)
            dice, worst = ([np.mean([getattr(pair[n], key) for pair in pairs]) for n in (0, 1)]
                           for key in ("dice", "worst"))
            seconds, carrying = (np.median([getattr(two, key) for _, two in pairs]) for key in ("seconds", "carrying"))
            lines.append(f"| {name} | {dice[0]:.3f} | {dice[1]:.3f} | {gaps} | {worst[0]:.3f}, {worst[1]:.3f} | "
                         f"{seconds:.0f} | {carrying:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """See the module."""
    protocols = {name: ORGANS[organ][0] for name, (organ, _) in TRIALS.items()}
    Comparison(FILE, protocols, lambda _: SHARES, lambda row: row.carried, run, table).command(__doc__)


if __name__ == "__main__":
    main()
