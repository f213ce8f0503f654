"""What leaving out fragments gives, and whether drawn slices tell which structures come in one piece.

    python -m Testing.benchmarks.decisions.fragments --data FOLDER [--only atrium heads] [--seeds 3]

Every trial trains for so many steps from scratch, decides as the product does (engine/quality/one_piece.py) and
suggests for cases whose labels nobody showed. One row per (trial, seed) is appended to results/fragments.jsonl; rows
that are there are not run again. ``--table`` renders them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.engine.quality import measure
from Testing.benchmarks.runner.definitions.datasets import Collection
from Testing.benchmarks.runner.definitions.protocol import protocol
from Testing.benchmarks.runner.definitions.recipe import Recipe
from Testing.benchmarks.shared.made_up_cases import Pairs, Spots
from Testing.benchmarks.shared.row_files import RowFile
from Testing.benchmarks.shared.trials import mean_dice, options, selected, trained, unseen


@dataclass(frozen=True)
class Trial:
    """``cell`` of ``protocol``, ``method`` for ``steps``, looked at on ``cases`` made by ``kind``."""

    protocol: str
    cell: str
    steps: int
    cases: int
    method: str = "supervised"
    kind: type[Collection] = Collection


TRIALS = {
    "atrium, 3 slices of 8 scans": Trial("few_slices_la", "3x8", 400, 12),
    "atrium, 1 slice of 8 scans": Trial("few_slices_la", "1x8", 400, 12),
    "atrium, 8 whole scans": Trial("la", "8", 400, 12),
    "heads, 68 images": Trial("hc18", "10%", 300, 107),
    "hippocampus, 3 slices of 8 volumes": Trial("few_slices_hippocampus", "3x8", 300, 40),
    "hippocampus, 1 slice of 16 volumes": Trial("few_slices_hippocampus", "1x16", 300, 40),
    "made-up pairs, 3 slices of 8 volumes": Trial("few_slices_hippocampus", "3x8", 300, 40, kind=Pairs),
    "made-up spots and organ, 3 slices of 8 volumes": Trial("few_slices_hippocampus", "3x8", 300, 40, kind=Spots),
}
EVEN = 0.001  # a Dice that changed by less is called the same


@dataclass(frozen=True)
class Row:
    """One training. ``one_piece`` the structures of ``structures`` of which fragments are left out; ``everything`` and
    ``without`` fragments: mean Dice over structures and cases, ``..._worst`` its fifth percentile over cases;
    ``better`` and ``worse`` how many of ``cases`` leaving them out made so, ``change`` what it took from the one that
    it harmed most.
    """

    trial: str
    seed: int
    structures: list[int]
    one_piece: list[int]
    everything: float
    without: float
    everything_worst: float
    without_worst: float
    better: int
    worse: int
    change: float
    cases: int


FILE = RowFile("fragments", Row)


def run(name: str, seed: int, cases: Collection) -> Row:
    """One row."""
    trial = TRIALS[name]
    about = protocol(trial.protocol)
    study, trainer = trained(about, trial.cell, trial.method, Recipe("fragments", "clinical", "", trial.steps), seed,
                             cases)
    predictor, values = Predictor(trainer.method.predictor(), study.plan, study.device), study.classes.values[1:]
    found = measure(predictor.parts, study.volumes, len(study.classes), may_leave_out=True)
    one_piece = study.classes.values_of(found.one_piece)
    scores = []
    for case in map(cases.case, unseen(about, study)[: trial.cases]):
        volume = study.unseen(case)
        labels = [predictor.predict(volume, study.classes, left_out).label for left_out in ((), one_piece)]
        scores.append([mean_dice(label, case, values) for label in labels])
    everything, without = np.array(scores).T
    change = without - everything
    return Row(
        name, seed, list(values), list(one_piece), _mean(everything), _mean(without), _worst(everything),
        _worst(without), int((change > EVEN).sum()), int((change < -EVEN).sum()), round(float(change.min()), 4),
        len(scores))


def _mean(scores: NDArray[np.float64]) -> float:
    return round(float(scores.mean()), 4)


def _worst(scores: NDArray[np.float64]) -> float:
    return round(float(np.percentile(scores, 5)), 4)


def table(found: list[Row]) -> str:
    """Markdown: means over the seeds, sums over their cases."""
    lines = ["| trial | Dice with everything | without fragments | fifth percentile | better, worse | most lost | "
             "in one piece | seeds |", "|---|---|---|---|---|---|---|---|"]
    for name in TRIALS:
        rows = [row for row in found if row.trial == name]
        if rows:
            lines.append(f"| {name} | {_numbers(rows)} |")
    return "\n".join(lines)


def _numbers(rows: list[Row]) -> str:
    means = [float(np.mean([getattr(row, key) for row in rows]))
             for key in ("everything", "without", "everything_worst", "without_worst")]
    better, worse, cases = (sum(getattr(row, key) for row in rows) for key in ("better", "worse", "cases"))
    said = "; ".join(sorted({", ".join(map(str, row.one_piece)) or "none" for row in rows}))
    structures = ", ".join(map(str, rows[0].structures))
    return (f"{means[0]:.3f} | {means[1]:.3f} | {means[2]:.3f}, {means[3]:.3f} | {better}, {worse} of {cases} | "
            f"{max(0.0, -min(row.change for row in rows)):.3f} | {said} of {structures} | {len(rows)}")


def main() -> None:
    """See the module."""
    chosen = options(__doc__, TRIALS)
    if chosen.table:
        print(table(FILE.read()))
        return
    for name, seed, cases in selected(chosen, {name: (trial.protocol, trial.kind) for name, trial in TRIALS.items()}):
        if not any((row.trial, row.seed) == (name, seed) for row in FILE.read()):
            FILE.add(run(name, seed, cases))


if __name__ == "__main__":
    main()
