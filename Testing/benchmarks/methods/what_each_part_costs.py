"""What each part of a method costs or brings: one thing changed at a time, from the same first mask, at equal steps.

    python -m Testing.benchmarks.methods.what_each_part_costs --data FOLDER [--seeds 3] [--only bcp cad]

The setting is that of ``on_hippocampus.py``. One row per (variant, seed) is appended to
results/what_each_part_costs.jsonl; rows that are there are not run again. Beside the Dice of what predicts stands that
of the student, where there is one, and how many judged voxels a step saw. ``--table`` renders the table: differences
are paired, seed by seed, against ``supervised``.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from SemiSegLogic.engine.training.trainer import Budget
from SemiSegLogic.methods.base import Method
from Testing.benchmarks.methods.on_hippocampus import ANNOTATED, SLICES, UNLABELLED, first_mask
from Testing.benchmarks.methods.variants import VARIANTS
from Testing.benchmarks.shared.hippocampus import Hippocampus, seeded
from Testing.benchmarks.shared.row_files import RowFile, asked

STEPS = 200


@dataclass(frozen=True)
class Row:
    """One run. ``dice`` mean of both structures over the held-out volumes; ``seconds`` of one thread."""

    variant: str
    seed: int
    dice: float
    seconds: float


FILE = RowFile("what_each_part_costs", Row)


def run(study: Hippocampus, first: Method, variant: str, seed: int) -> Row:
    """One row."""
    seeded(seed)
    name, settings = VARIANTS[variant]
    method, trainer = study.train(name, settings, Budget(0, STEPS), first, time.process_time)
    return Row(variant, seed, round(float(np.mean(study.dice(method))), 4), round(trainer.progress.elapsed, 1))


def table(found: list[Row]) -> str:
    """Markdown: mean over the seeds, and the paired difference to supervised with its standard error."""
    base = {row.seed: row.dice for row in found if row.variant == "supervised"}
    lines = ["| variant | Dice | against supervised | seeds |", "|---|---|---|---|"]
    for variant in VARIANTS:
        mine = {row.seed: row.dice for row in found if row.variant == variant}
        if not mine:
            continue
        gaps = [dice - base[seed] for seed, dice in mine.items() if seed in base]
        error = np.std(gaps, ddof=1) / len(gaps) ** 0.5 if len(gaps) > 1 else float("nan")
        lines.append(f"| {variant} | {np.mean(list(mine.values())):.3f} | {np.mean(gaps):+.3f} ± {error:.3f} | "
                     f"{len(mine)} |")
    return "\n".join(lines)


def main() -> None:
    """See the module."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--data", type=Path)
    words.add_argument("--seeds", type=int, default=3)
    words.add_argument("--only", nargs="*", default=[], help="variants whose name begins so")
    options = asked(words, lambda: table(FILE.read()))
    wanted = [name for prefix in options.only or [""] for name in VARIANTS if name.startswith(prefix)]
    for seed in range(options.seeds):
        done = {row.variant for row in FILE.read() if row.seed == seed}
        if todo := [name for name in wanted if name not in done]:
            study = Hippocampus(options.data, seed, ANNOTATED, SLICES, UNLABELLED)
            first = first_mask(study, seed)
        for variant in todo:
            FILE.add(run(study, first, variant, seed))


if __name__ == "__main__":
    main()
