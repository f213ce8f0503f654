"""From few slices: a fresh network, taught by a first one what lies in volumes that nobody drew in.

    python -m Testing.benchmarks.few_slices.students --data FOLDER [--only atrium] [--seeds 2]

FOLDER holds the data set of each trial, as ``semiseg benchmark`` wants it. STEPS of the supervised baseline, carried to
neighbouring slices at first, as the product plans; then as many of a network from nothing that learns from what the
first one finds in up to MOST other volumes (runner/training/students.py), as it is and as those agree on it
(runner/training/consensus.py); against mean_teacher, which takes about as long. The largest piece of an atrium is
kept. Dice is the mean over structures and cases, of training volumes whose labels nobody showed and that no student
learned from; no test case is looked at. One row per (trial, way, seed) is appended to results/students.jsonl; rows
that are there are not run again. ``--table`` renders them. Time is processor time of one thread, of all that a way
takes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from SemiSegLogic.engine.training.trainer import Budget, Trainer
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method
from Testing.benchmarks.runner.data.training_set import TrainingSet, seeded
from Testing.benchmarks.runner.definitions.datasets import Collection
from Testing.benchmarks.runner.definitions.protocol import protocol
from Testing.benchmarks.runner.definitions.recipe import STUDENT, Recipe
from Testing.benchmarks.runner.evaluation.evaluation import Evaluation
from Testing.benchmarks.runner.training.students import teach
from Testing.benchmarks.runner.training.training import sampler
from Testing.benchmarks.shared.row_files import RowFile
from Testing.benchmarks.shared.trials import Comparison, mean_dice, trained, unseen

STEPS, MOST = 400, 60
ORGANS = {"atrium": ("few_slices_la", 20), "hippocampus": ("few_slices_hippocampus", 40)}
"""Name -> protocol, and how many cases are looked at."""
CELLS = {"1x1": "1 slice of 1 scan", "1x2": "1 slice of 2 scans", "1x8": "1 slice of 8 scans",
         "3x8": "3 slices of 8 scans"}
TRIALS = {f"{organ}, {words}": (organ, cell) for cell, words in CELLS.items() for organ in ORGANS}
WAYS = {"supervised": "supervised", "mean_teacher": "mean_teacher", "student": "supervised",
        "student, consensus": "supervised"}
"""Name -> the first network's method."""
WEIGHTS = {"student": 0.0, "student, consensus": 0.6}


@dataclass(frozen=True)
class Row:
    """Mean ``dice`` over structures and cases, its fifth percentile ``worst``; ``seconds`` of training, predictions
    for a student among them.
    """

    trial: str
    way: str
    seed: int
    dice: float
    worst: float
    seconds: float


FILE = RowFile("students", Row)


def run(name: str, way: str, seed: int, cases: Collection) -> Row:
    """One row."""
    organ, cell = TRIALS[name]
    about = protocol(ORGANS[organ][0])
    recipe = Recipe("students", "clinical", "", STEPS, largest=organ == "atrium", carried=0.5)
    begun = time.process_time()
    taught, trainer = trained(about, cell, WAYS[way], recipe, seed, cases)
    measured = unseen(about, taught)[: ORGANS[organ][1]]
    learner = trainer.method
    if way in WEIGHTS:
        learner = student(taught, learner, measured, WEIGHTS[way], recipe, seed)
    seconds = round(time.process_time() - begun, 1)
    evaluation, values = Evaluation(taught, [learner], recipe), taught.classes.values[1:]
    scores = [mean_dice(evaluation.label(case), case, values) for case in map(cases.case, measured)]
    return Row(name, way, seed, round(float(np.mean(scores)), 4), round(float(np.percentile(scores, 5)), 4), seconds)


def student(
    taught: TrainingSet, teacher: Method, measured: Sequence[str], weight: float, recipe: Recipe, seed: int
) -> Method:
    """A network from nothing, taught by ``teacher`` on volumes that are not ``measured``."""
    others = [volume for volume in taught.volumes if volume.name not in {*measured, *taught.drawn}]
    drawn = [volume for volume in taught.volumes if volume.name in taught.drawn]
    taught.volumes = [*drawn, *others[:MOST]]
    teach(taught, [teacher], weight, recipe.largest)
    schedule = recipe.schedule(STUDENT, taught.plan.dims)
    seeded(seed, 1, 1)
    learner = make(STUDENT, schedule.values, taught.task())
    trainer = Trainer(learner, sampler(taught, False), taught.device, Budget(0, STEPS), time.process_time)
    trainer.fit(lambda progress, share: True)
    return learner


def table(found: list[Row]) -> str:
    """Markdown: Dice seed by seed, with the mean of the fifth percentiles and of the seconds."""
    lines = [f"| trial | {' | '.join(WAYS)} |", f"|---|{'---|' * len(WAYS)}"]
    for name in TRIALS:
        rows = {way: sorted((row for row in found if (row.trial, row.way) == (name, way)), key=lambda row: row.seed)
                for way in WAYS}
        if any(rows.values()):
            lines.append(f"| {name} | {' | '.join(_cell(rows[way]) for way in WAYS)} |")
    return "\n".join(lines)


def _cell(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    worst, seconds = (float(np.mean([getattr(row, key) for row in rows])) for key in ("worst", "seconds"))
    return f"{', '.join(f'{row.dice:.3f}' for row in rows)} ({worst:.3f}; {seconds:.0f} s)"


def main() -> None:
    """See the module."""
    protocols = {name: ORGANS[organ][0] for name, (organ, _) in TRIALS.items()}
    Comparison(FILE, protocols, lambda _: WAYS, lambda row: row.way, run, table).command(__doc__)


if __name__ == "__main__":
    main()
