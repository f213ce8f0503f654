"""How coarse to see: the same training at several spacings, measured on volumes that are in no test list.

    python -m Testing.benchmarks.decisions.spacing --data FOLDER [--only atrium heads] [--seeds 3]

FOLDER holds the data set of each trial, as ``semiseg benchmark`` wants it. Every trial trains for equal steps, from
scratch, on patches of about as many voxels, which is equal time; Dice is the mean over structures and cases, of the
protocol's validation list or, where it has none, of training volumes whose labels nobody showed. One row per (trial,
spacing, seed) is appended to results/spacing.jsonl; rows that are there are not run again. ``--table`` renders them.
Time is processor time of one thread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from Testing.benchmarks.runner.definitions.datasets import CaseData, Collection
from Testing.benchmarks.runner.definitions.protocol import protocol
from Testing.benchmarks.runner.definitions.recipe import Recipe
from Testing.benchmarks.runner.evaluation.evaluation import Evaluation
from Testing.benchmarks.shared.row_files import RowFile
from Testing.benchmarks.shared.trials import mean_dice, options, selected, trained, unseen

Look = tuple[float, tuple[int, int, int]]
"""Spacing in mm (of slices seen one by one: within them), and the patch (D, H, W) in voxels of that spacing."""


@dataclass(frozen=True)
class Trial:
    """``cell`` of ``protocol``, ``method`` for ``steps``, at each of ``looks``; the first is what was planned until
    2026-11-21.
    """

    protocol: str
    cell: str
    method: str
    steps: int
    looks: tuple[Look, ...]
    cases: int = 12


ATRIUM: tuple[Look, ...] = ((1.0253, (40, 48, 48)), (1.3, (40, 48, 56)), (1.63, (32, 56, 56)), (2.05, (32, 48, 64)),
                            (3.08, (24, 40, 48)))
HEADS: tuple[Look, ...] = ((0.2558, (1, 272, 400)), (0.512, (1, 136, 200)), (0.767, (1, 96, 136)), (1.02, (1, 72, 104)),
                           (1.41, (1, 48, 72)))
TRIALS = {
    "atrium, 3 slices of 8 scans": Trial("few_slices_la", "3x8", "mean_teacher", 400, ATRIUM),
    "atrium, 1 slice of 8 scans": Trial(
        "few_slices_la", "1x8", "mean_teacher", 400, ((0.625, (16, 80, 80)), (1.75, (32, 56, 56)))),
    "atrium, 8 whole scans": Trial("la", "8", "mean_teacher", 400, ((1.1014, (40, 48, 48)), (1.75, (32, 56, 56)))),
    "heads, 68 images": Trial("hc18", "10%", "supervised", 300, HEADS, 107),
    "hippocampus, 3 slices of 8 volumes": Trial(
        "few_slices_hippocampus", "3x8", "supervised", 300,
        ((1.0, (40, 40, 56)), (1.5, (32, 32, 40)), (2.0, (24, 24, 32))), 40),
}


@dataclass(frozen=True)
class Row:
    """One training. ``dice`` mean over the cases, ``worst`` its fifth percentile; ``seconds`` of one thread."""

    trial: str
    spacing: float
    seed: int
    dice: float
    worst: float
    seconds: float


FILE = RowFile("spacing", Row)


def run(name: str, look: Look, seed: int, cases: Collection) -> Row:
    """One row."""
    trial = TRIALS[name]
    about, recipe = protocol(trial.protocol), _recipe(trial, look)
    taught, trainer = trained(about, trial.cell, trial.method, recipe, seed, cases)
    evaluation = Evaluation(taught, [trainer.method], recipe)
    scores = [_dice(evaluation, cases.case(one)) for one in unseen(about, taught)[: trial.cases]]
    worst = float(np.percentile(scores, 5))
    seconds = round(trainer.progress.elapsed, 1)
    return Row(name, look[0], seed, round(float(np.mean(scores)), 4), round(worst, 4), seconds)


def _recipe(trial: Trial, look: Look) -> Recipe:
    spacing, patch = look
    distance = 1.0 if patch[0] == 1 else spacing  # between images there is none
    return Recipe("spacing", "clinical", "", trial.steps, patch=list(patch), spacing=[distance, spacing, spacing],
                  largest=trial.protocol.endswith("la"))


def _dice(evaluation: Evaluation, case: CaseData) -> float:
    return mean_dice(evaluation.label(case), case, evaluation.taught.classes.values[1:])


def table(found: list[Row]) -> str:
    """Markdown: mean and spread over the seeds."""
    lines = ["| trial | spacing (mm) | Dice | fifth percentile | seeds | s |", "|---|---|---|---|---|---|"]
    for name, trial in TRIALS.items():
        for spacing, _ in trial.looks:
            mine = [row for row in found if (row.trial, row.spacing) == (name, spacing)]
            if mine:
                lines.append(f"| {name}, {trial.method}, {trial.steps} steps | {spacing:.2f} | {_numbers(mine)} |")
    return "\n".join(lines)


def _numbers(rows: list[Row]) -> str:
    scores, worst = [row.dice for row in rows], [row.worst for row in rows]
    spread = f" ± {np.std(scores, ddof=1):.3f}" if len(rows) > 1 else ""
    seconds = np.median([row.seconds for row in rows])
    return f"{np.mean(scores):.3f}{spread} | {np.mean(worst):.3f} | {len(rows)} | {seconds:.0f}"


def main() -> None:
    """See the module."""
    chosen = options(__doc__, TRIALS)
    if chosen.table:
        print(table(FILE.read()))
        return
    for name, seed, cases in selected(chosen, {name: (trial.protocol, Collection) for name, trial in TRIALS.items()}):
        for look in TRIALS[name].looks:
            if not any((row.trial, row.spacing, row.seed) == (name, look[0], seed) for row in FILE.read()):
                FILE.add(run(name, look, seed, cases))


if __name__ == "__main__":
    main()
